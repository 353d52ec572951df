//! Honest processes: they send numbered messages and receive them, by deadlines, with pauses in which
//! others sleep; those who leave do so after each burst, and come back.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use ironring::{Error, RecvError, Ring, SendError, Wait, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Args, rng::fastrand::Rng, roles::RoleFn};

use crate::{
    account::{Book, ENDED, LIVE, MARKED, MOST, NO_PLACE, NO_ROOM, READY, RECEIVED, SENT, STOP, message},
    live,
    peer::{ALL_WAITS, Kind, Receiver, receiver, sender},
};

pub(crate) const ROLES: &[(&str, RoleFn)] = &[
    ("spsc::send", send::<Spsc>),
    ("mpmc::send", send::<Mpmc>),
    ("spsc::receive", receive::<Spsc>),
    ("mpmc::receive", receive::<Mpmc>),
];

/// How long each call may wait.
pub(crate) const TICK: Duration = Duration::from_millis(20);
/// Far longer than anything takes that gets on at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The result of `call`, which waits at most for `time`, and is late only as a busy machine makes it.
pub(crate) fn by_its_deadline<T>(
    time: Duration,
    timed_out: impl Fn(&T) -> bool,
    call: impl FnOnce() -> T,
) -> T {
    let begun = Instant::now();
    let result = call();
    let took = begun.elapsed();
    assert!(!timed_out(&result) || took >= time, "it gave up after {took:?} of {time:?}");
    assert!(took < time + Duration::from_secs(10), "it took {took:?} and had {time:?}");
    result
}

/// A handle, once there is a place for it.
pub(crate) fn attach<T>(book: &Book, mut try_it: impl FnMut() -> Result<T, Error>) -> T {
    let begun = Instant::now();
    loop {
        match try_it() {
            Ok(handle) => return handle,
            Err(Error::Busy { .. } | Error::NoPlace { .. }) => book.add(NO_PLACE, 1),
            Err(error) => panic!("{error}"),
        }
        assert!(begun.elapsed() < PATIENCE, "no place within {PATIENCE:?}");
        sleep(Duration::from_micros(50));
    }
}

/// What both sides do in each of their turns.
struct Honest {
    book: Book,
    number: usize,
    wait: Wait,
    leaves: bool,
    rng: Rng,
    is_ready: bool,
}

impl Honest {
    fn given<A: Kind>(args: &mut Args) -> (Self, Ring<u64, A>) {
        let book = Book::given(args);
        let path: String = args.parse("path");
        let (number, leaves) = (args.parse("number"), args.parse("leaves"));
        let (wait, rng) = (ALL_WAITS[number % ALL_WAITS.len()], Rng::with_seed(number as u64));
        (Self { book, number, wait, leaves, rng, is_ready: false }, Ring::open(path).expect("the ring"))
    }

    /// In its place: says so once, and what it has allocated each time.
    fn is_here(&mut self) {
        if !std::mem::replace(&mut self.is_ready, true) {
            self.book.add(READY, 1);
        }
        self.book.0.set(LIVE + self.number, live::bytes());
    }

    /// So long that others get a turn, and fall asleep.
    fn pause(&mut self) {
        sleep(Duration::from_micros(self.rng.u64(100..600)));
    }
}

fn send<A: Kind>(mut args: Args) {
    let (mut honest, ring) = Honest::given::<A>(&mut args);
    let lane = honest.number;
    let mut next = 0;
    while honest.book.get(STOP) == 0 {
        let mut producer = attach(&honest.book, || ring.producer());
        producer.set_wait(honest.wait);
        loop {
            honest.is_here();
            for _ in 0..honest.rng.u64(1..32) {
                if next == MOST {
                    break;
                }
                send_one(&honest.book, message(lane as u64, next), |message, time| {
                    producer.send_by(&message, time)
                });
                next += 1;
                honest.book.0.set(SENT + lane, next);
            }
            if honest.leaves || honest.book.get(STOP) != 0 {
                break;
            }
            honest.pause();
        }
        drop(producer);
        honest.pause();
    }
    honest.book.0.set(ENDED + lane, 1);
}

/// Sends, in as many calls as it takes.
pub(crate) fn send_one(
    book: &Book,
    message: u64,
    mut send: impl FnMut(u64, Duration) -> Result<(), SendError>,
) {
    let begun = Instant::now();
    loop {
        let timed_out = |result: &_| *result == Err(SendError::TimedOut);
        match by_its_deadline(TICK, timed_out, || send(message, TICK)) {
            Ok(()) => return,
            Err(SendError::TimedOut) => book.add(NO_ROOM, 1),
            Err(error) => panic!("{error}"),
        }
        assert!(begun.elapsed() < PATIENCE, "no room within {PATIENCE:?}");
    }
}

/// Receives until nothing more is sent and all has come, by whomever.
fn receive<A: Kind>(mut args: Args) {
    let (mut honest, ring) = Honest::given::<A>(&mut args);
    let lanes: usize = args.parse("lanes");
    let mut last = [None; 8];
    let mut over_since = None;
    loop {
        let mut consumer = attach(&honest.book, || ring.consumer());
        consumer.set_wait(honest.wait);
        loop {
            honest.is_here();
            for _ in 0..honest.rng.u64(1..60) {
                if !receive_one(&honest.book, &mut consumer, &mut last) {
                    break;
                }
            }
            let Honest { book, .. } = &honest;
            if (0..lanes).all(|lane| book.get(ENDED + lane) != 0) {
                if book.get(RECEIVED) >= book.sent() {
                    return;
                }
                let since = *over_since.get_or_insert_with(Instant::now);
                assert!(since.elapsed() < PATIENCE, "{} of {} came", book.get(RECEIVED), book.sent());
            }
            if honest.leaves {
                break;
            }
        }
        drop(consumer);
        honest.pause();
    }
}

/// One message, if one comes in time: the next of its lane, but for those that come again.
pub(crate) fn receive_one<A: Kind>(
    book: &Book,
    consumer: &mut Receiver<A>,
    last: &mut [Option<u64>; 8],
) -> bool {
    let timed_out = |result: &Result<_, _>| matches!(result, Err(RecvError::TimedOut));
    match by_its_deadline(TICK, timed_out, || consumer.recv_by(TICK)) {
        Ok(received) => {
            let message = received.get();
            if received.is_redelivered() {
                book.add(MARKED, 1);
            } else {
                let last = &mut last[(message >> 32) as usize];
                assert!(*last < Some(message), "{message:#x} came after {last:x?}");
                *last = Some(message);
            }
            book.note(message, received.position());
            received.release();
            true
        }
        Err(RecvError::TimedOut) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Handles of the test itself.
pub(crate) fn ends<A: Kind>(ring: &Ring<u64, A>) -> (crate::peer::Sender<A>, Receiver<A>) {
    (sender(ring, Wait::default()), receiver(ring, Wait::default()))
}
