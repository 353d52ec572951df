//! Waiters are killed at random, and replaced, while messages flow.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use ironring::{RecvError, SendError, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Args, Child, Exit, Ledger, Role as Process, rng::Seeded, rng::fastrand::Rng};
use libtest_mimic::Trial;

use crate::{
    cpu,
    end::{BOUND, End},
    kills::{drivers::is_everything_wanted, watchdog},
    operation::{role_of, waker_of},
    peer::{Kind, Waiting, passed, ring},
    scene::has_one_of_each,
};

/// Kills in one ring; there are four.
const KILLS: u64 = 200;

/// What the waiters write down: how often they were served, how often it took longer than the bound,
/// and the longest, in microseconds.
const SERVED: usize = 0;
const LATE: usize = 1;
const LONGEST: usize = 2;
const WORDS: usize = 3;

pub(crate) fn trials() -> Vec<Trial> {
    let both = [Waiting::ForMessage, Waiting::ForRoom];
    let spsc = both.map(|waiting| trial(waiting, run::<Spsc>, Spsc::NAME));
    let mpmc = both.map(|waiting| trial(waiting, run::<Mpmc>, Mpmc::NAME));
    spsc.into_iter().chain(mpmc).collect()
}

fn trial(waiting: Waiting, run: fn(Waiting, &str, u64), kind: &str) -> Trial {
    let kills = if is_everything_wanted() { 10 * KILLS } else { KILLS };
    let name = match waiting {
        Waiting::ForMessage => format!("{kind}, killed at random while they wait for messages"),
        Waiting::ForRoom => format!("{kind}, killed at random while they wait for room"),
    };
    Trial::test(name.clone(), move || {
        watchdog::start();
        watchdog::about(format!("of {name}, or what ran beside it"));
        run(waiting, &name, kills);
        Ok(())
    })
}

/// Nanoseconds by a clock that all processes share.
fn now() -> u64 {
    cpu::used(libc::CLOCK_MONOTONIC).as_nanos() as u64
}

/// The role of one who waits, until the ring is closed: says how long each wait took, of one that
/// receives since its message was sent.
pub(crate) fn wait<A: Kind>(mut args: Args) {
    let is_consumer: bool = args.parse("receives");
    let ring = passed::<A>(&mut args, "ring");
    let ledger = args.ledger();
    let role = role_of(if is_consumer { Waiting::ForMessage } else { Waiting::ForRoom });
    let mut end = End::attach(&ring, role);
    loop {
        let begun = now();
        let sent = match &mut end {
            End::Receiver(consumer) => match consumer.recv_value() {
                Ok(sent) => sent,
                Err(end) => return assert_eq!(end, RecvError::Disconnected),
            },
            End::Sender(producer) => match producer.send(&begun) {
                Ok(()) => begun,
                Err(end) => return assert_eq!(end, SendError::Disconnected),
            },
        };
        let took = now() - sent;
        ledger.add(SERVED, 1);
        ledger.add(LATE, u64::from(u128::from(took) > BOUND.as_nanos()));
        ledger.word(LONGEST).fetch_max(took / 1000, Relaxed);
    }
}

/// Serves them, with pauses in which they fall asleep.
fn serve<A: Kind>(mut end: End<A>, seed: u64, is_to_end: &AtomicBool) {
    let mut rng = Rng::with_seed(seed);
    while !is_to_end.load(Relaxed) {
        let done = match &mut end {
            End::Sender(producer) => producer.send_by(&now(), BOUND).is_ok(),
            End::Receiver(consumer) => consumer.recv_value_by(BOUND).is_ok(),
        };
        if done && rng.bool() {
            thread::sleep(Duration::from_micros(rng.u64(..1000)));
        }
    }
}

fn run<A: Kind>(waiting: Waiting, name: &str, kills: u64) {
    let mut rng = Seeded::new();
    let ring = ring::<A>(2);
    let ledger = Ledger::new(WORDS).expect("a ledger");
    let spawn = || -> Child {
        let process = Process::new(&format!("{}::waiter", A::NAME)).pass_fd("ring", &ring).ledger(&ledger);
        process.arg(waiting == Waiting::ForMessage).spawn().expect("a process")
    };
    let is_to_end = AtomicBool::new(false);
    let server = End::attach(&ring, waker_of(waiting));
    // Where there is a place, one of them is let live.
    let mut waiters: Vec<Child> = (0..if has_one_of_each::<A>() { 1 } else { 3 }).map(|_| spawn()).collect();
    let victims = waiters.len().div_ceil(2);
    let seed = rng.u64(..);
    thread::scope(|scope| {
        scope.spawn(|| serve(server, seed, &is_to_end));
        for _ in 0..kills {
            let served = ledger.get(SERVED);
            thread::sleep(Duration::from_micros(rng.u64(..5000)));
            // Somebody is served between two kills, however slow the system is.
            while ledger.get(SERVED) == served {
                thread::sleep(Duration::from_micros(100));
            }
            let victim = rng.usize(..victims);
            assert_eq!(waiters[victim].kill(), Exit::KILLED, "{name}");
            waiters[victim] = spawn();
            watchdog::progress();
        }
        is_to_end.store(true, Relaxed);
    });
    ring.close();
    assert!(waiters.iter_mut().all(|waiter| waiter.wait().success()), "{name}");
    let [served, late, longest] = [SERVED, LATE, LONGEST].map(|word| ledger.get(word));
    println!(
        "{name}: {kills} kills, {served} waits, {late} longer than {} ms, the longest {:.1} ms",
        BOUND.as_millis(),
        longest as f64 / 1e3
    );
    // A busy system is late now and then.
    assert!(late <= 2 + served / 100, "{name}: {late} of {served} were late");
}
