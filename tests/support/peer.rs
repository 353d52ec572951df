//! The other process: how it is started, and what it is waited for.

#![allow(dead_code, reason = "no test needs all of it")]

use std::{
    os::fd::AsFd,
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use ironring::{Algorithm, Consumer, Options, Producer, Ring, Wait, Wary, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Args, Child, Ledger, Role};

use crate::support::layout::{AT_CONSUMERS_WAIT, AT_PRODUCERS_WAIT, WAITED_FOR};

/// A kind of ring, here one of numbers.
pub(crate) trait Kind: Algorithm + 'static {
    const NAME: &'static str;
}

impl Kind for Spsc {
    const NAME: &'static str = "spsc";
}

impl Kind for Mpmc {
    const NAME: &'static str = "mpmc";
}

pub(crate) const KINDS: [&str; 2] = [Spsc::NAME, Mpmc::NAME];

pub(crate) type Receiver<A> = Consumer<u64, Wary, A>;
pub(crate) type Sender<A> = Producer<u64, Wary, A>;

pub(crate) const ALL_WAITS: [Wait; 3] = [Wait::Spin, Wait::SpinThenPark, Wait::Park];
pub(crate) const SLEEPING: [Wait; 2] = [Wait::SpinThenPark, Wait::Park];

/// A ring without a name, for `capacity` numbers.
pub(crate) fn ring<A: Kind>(capacity: u64) -> Ring<u64, A> {
    Ring::anonymous(&Options::messages(capacity)).expect("a ring")
}

pub(crate) fn sender<A: Kind>(ring: &Ring<u64, A>, wait: Wait) -> Sender<A> {
    let mut producer = ring.producer().expect("a place");
    producer.set_wait(wait);
    producer
}

pub(crate) fn receiver<A: Kind>(ring: &Ring<u64, A>, wait: Wait) -> Receiver<A> {
    let mut consumer = ring.consumer().expect("a place");
    consumer.set_wait(wait);
    consumer
}

/// A process for `role`, which waits as `wait` says and shares a ledger of four.
pub(crate) fn peer<A: Kind>(role: &str, rings: &[&Ring<u64, A>], wait: Wait) -> (Child, Ledger) {
    let ledger = Ledger::new(4).expect("a ledger");
    let index = ALL_WAITS.iter().position(|one| *one == wait).expect("one of all");
    let mut role = Role::new(&format!("{}::{role}", A::NAME)).ledger(&ledger).arg(index);
    for (name, ring) in ["ring", "back"].into_iter().zip(rings) {
        role = role.pass_fd(name, ring.as_fd());
    }
    (role.spawn().expect("a process"), ledger)
}

/// What such a process is given.
pub(crate) fn given<A: Kind>(args: &mut Args) -> (Ring<u64, A>, Wait, Ledger) {
    let wait = ALL_WAITS[args.parse::<usize>("wait")];
    (passed(args, "ring"), wait, args.ledger())
}

/// The ring that was passed on as `name`.
pub(crate) fn passed<A: Kind>(args: &mut Args, name: &str) -> Ring<u64, A> {
    Ring::from_fd(args.fd(name)).expect("a ring")
}

/// Waits until the test wants no more.
pub(crate) fn until_told(ledger: &Ledger) {
    while ledger.get(1) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until `done`, while `child` lives.
pub(crate) fn until(child: &mut Child, what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        assert_eq!(child.wait_timeout(Duration::from_millis(1)), None, "{what}: it has ended");
    }
}

/// On which side a process waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    ForMessage,
    ForRoom,
}

/// Waits until `child`, the only one who waits so, is asleep.
pub(crate) fn until_asleep<A: Kind>(child: &mut Child, ring: &Ring<u64, A>, waiting: Waiting) {
    let stat = format!("/proc/{}/stat", child.pid());
    until(child, "sleep", || {
        // Behind the command, which is in parentheses.
        let stat = std::fs::read_to_string(&stat).unwrap_or_default();
        let sleeps = stat.rsplit(") ").next().is_some_and(|state| state.starts_with('S'));
        sleeps && word(ring, waiting) & WAITED_FOR != 0
    });
}

/// The word that is slept on.
pub(crate) fn word<A: Kind>(ring: &Ring<u64, A>, waiting: Waiting) -> u32 {
    let at = match waiting {
        Waiting::ForMessage => AT_CONSUMERS_WAIT,
        Waiting::ForRoom => AT_PRODUCERS_WAIT,
    };
    let file = std::fs::File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, at as u64).expect("the region");
    u32::from_le_bytes(bytes)
}
