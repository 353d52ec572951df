//! The processes that wait.

use std::{
    hint::spin_loop,
    time::{Duration, Instant},
};

use ironring::{RecvError, Wait};
use ironring_testkit::{Args, Ledger, rng::fastrand::Rng};

use crate::{
    cpu,
    load::{LATE, STOP, Word},
    peer::{Kind, passed, receiver, sender},
};

/// One side of a ring, and what it writes down.
struct Side {
    ledger: Ledger,
    number: usize,
    rng: Rng,
    is_slow: bool,
    count: u64,
    sum: u64,
    late: u64,
    longest: Duration,
    slept_before: u64,
}

/// How it waits: mostly asleep.
const WAITS: [Wait; 4] = [Wait::Park, Wait::Park, Wait::Park, Wait::SpinThenPark];
/// Messages for which it waits in one way, and after which it writes down what it has counted.
const SPAN: u64 = 64;
/// The longest pauses, in microseconds: before the other one sleeps, as it falls asleep, and after.
const PAUSES: [u64; 4] = [0, 1, 8, 30];

impl Side {
    fn new(args: &mut Args) -> Self {
        Self {
            ledger: args.ledger(),
            number: args.parse("number"),
            rng: Rng::with_seed(args.parse("seed")),
            is_slow: args.parse("slow"),
            count: 0,
            sum: 0,
            late: 0,
            longest: Duration::ZERO,
            slept_before: cpu::sleeps(libc::RUSAGE_SELF),
        }
    }

    /// Another way to wait, every so many messages.
    fn next_wait(&mut self) -> Option<Wait> {
        self.count.is_multiple_of(SPAN).then(|| WAITS[self.rng.usize(..WAITS.len())])
    }

    /// Message `number` was passed, for which was waited since `begun`; pauses.
    fn passed(&mut self, number: u64, begun: Instant) {
        let waited = begun.elapsed();
        // Those on the other side may not have come yet.
        if self.count > 0 {
            self.longest = self.longest.max(waited);
            self.late += u64::from(waited >= LATE);
        }
        self.count += 1;
        self.sum = self.sum.wrapping_add(number);
        if self.count.is_multiple_of(SPAN) {
            self.tell();
        }
        if self.is_slow {
            let most = PAUSES[self.rng.usize(..PAUSES.len())] * 1000;
            let pause = Duration::from_nanos(self.rng.u64(..=most));
            let since = Instant::now();
            while since.elapsed() < pause {
                spin_loop();
            }
        }
    }

    fn tell(&self) {
        let longest = self.longest.as_micros() as u64;
        let slept = cpu::sleeps(libc::RUSAGE_SELF) - self.slept_before;
        for (word, value) in [
            (Word::Count, self.count),
            (Word::Sum, self.sum),
            (Word::Sleeps, slept),
            (Word::Late, self.late),
            (Word::Longest, longest),
        ] {
            self.ledger.set(word.of(self.number), value);
        }
    }
}

/// Sends numbers until it is told to end.
pub(crate) fn send<A: Kind>(mut args: Args) {
    let mut side = Side::new(&mut args);
    let mut producer = sender(&passed::<A>(&mut args, "ring"), Wait::Park);
    producer.set_when_alone(ironring::WhenAlone::Wait);
    while side.ledger.get(STOP) == 0 {
        if let Some(wait) = side.next_wait() {
            producer.set_wait(wait);
        }
        let number = (side.number as u64) << 40 | side.count;
        let begun = Instant::now();
        producer.send(&number).expect("room");
        side.passed(number, begun);
    }
    side.tell();
}

/// Receives numbers until the ring is closed.
pub(crate) fn receive<A: Kind>(mut args: Args) {
    let mut side = Side::new(&mut args);
    let mut consumer = receiver(&passed::<A>(&mut args, "ring"), Wait::Park);
    consumer.set_when_alone(ironring::WhenAlone::Wait);
    loop {
        if let Some(wait) = side.next_wait() {
            consumer.set_wait(wait);
        }
        let begun = Instant::now();
        match consumer.recv_value() {
            Ok(number) => side.passed(number, begun),
            Err(end) => {
                assert_eq!(end, RecvError::Disconnected);
                return side.tell();
            }
        }
    }
}
