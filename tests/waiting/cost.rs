//! What waiting costs those who wait, and those who do not.

use std::time::Duration;

use ironring::RecvError;
use ironring_testkit::{Args, Exit, roles::RoleFn};

use crate::{
    cpu,
    peer::{
        ALL_WAITS, Kind, SLEEPING, Waiting, given, peer, receiver, ring, sender, until, until_asleep,
        until_told,
    },
};

pub(crate) fn roles<A: Kind>() -> Vec<(&'static str, RoleFn)> {
    vec![("talk", talk::<A>), ("call", call::<A>), ("caller", call_alive::<A>), ("sleeper", sleep::<A>)]
}

pub(crate) fn tests<A: Kind>() -> Vec<(&'static str, fn())> {
    vec![
        ("a_sleeper_uses_hardly_any_processor_time", a_sleeper_uses_hardly_any_time::<A>),
        ("whoever_sends_makes_no_system_call", whoever_sends_makes_no_call::<A>),
        ("but_to_wake_one_that_sleeps", whoever_sends_wakes_a_sleeper::<A>),
    ]
}

/// A wait of a second takes less than one part in fifty of it; what it really takes is in
/// docs/BENCHMARKS.md.
fn a_sleeper_uses_hardly_any_time<A: Kind>() {
    for wait in SLEEPING {
        let ring = ring::<A>(2);
        let (_producer, mut consumer) = (sender(&ring, wait), receiver(&ring, wait));
        let before = cpu::used(libc::CLOCK_THREAD_CPUTIME_ID);
        assert_eq!(consumer.recv_value_by(Duration::from_secs(1)), Err(RecvError::TimedOut));
        let used = cpu::used(libc::CLOCK_THREAD_CPUTIME_ID) - before;
        assert!(used < Duration::from_millis(20), "{wait:?}: {used:?}");
    }
}

/// Ends this process by what `run` finds, to which no system call is allowed but to read and to
/// write: any other kills.
fn without_calls(run: impl FnOnce() -> bool) {
    // SAFETY: takes integers.
    let mode = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) };
    let status = i32::from(!(mode == 0 && run()));
    // SAFETY: ends the only thread, and so the process; strict mode knows no exit_group.
    unsafe { libc::syscall(libc::SYS_exit, status) };
}

const MANY: u64 = 1 << 17;

/// Sends many numbers.
fn talk<A: Kind>(mut args: Args) {
    let (ring, wait, _) = given::<A>(&mut args);
    let mut producer = sender(&ring, wait);
    without_calls(|| (0..MANY).all(|number| producer.send(&number).is_ok()));
}

/// While somebody is there who would receive them, and does not sleep.
fn whoever_sends_makes_no_call<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(MANY);
        let consumer = receiver(&ring, wait);
        assert_eq!(peer("talk", &[&ring], wait).0.wait(), Exit::Exited(0), "{wait:?}");
        assert_eq!(consumer.len(), MANY);
    }
}

/// Sends one number when it is told to.
fn call<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut producer = sender(&ring, wait);
    ledger.set(0, 1);
    until_told(&ledger);
    without_calls(|| producer.send(&1).is_ok());
}

/// Sends one number when it is told to, and is let make system calls.
fn call_alive<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut producer = sender(&ring, wait);
    ledger.set(0, 1);
    until_told(&ledger);
    producer.send(&1).expect("room");
    // Not gone before the number is received, since that would wake, too.
    std::thread::sleep(std::time::Duration::from_secs(2));
}

/// Receives one number, and stays until it is told to leave.
fn sleep<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut consumer = receiver(&ring, wait);
    ledger.set(0, consumer.recv_value().expect("a message"));
    until_told(&ledger);
}

/// The call kills the sender, with its message sent: whoever sleeps looks again by itself.
fn whoever_sends_wakes_a_sleeper<A: Kind>() {
    for wait in SLEEPING {
        let ring = ring::<A>(2);
        let (mut sleeper, got) = peer("sleeper", &[&ring], wait);
        let (mut calling, told) = peer("call", &[&ring], wait);
        until(&mut calling, "attached", || told.get(0) == 1);
        until_asleep(&mut sleeper, &ring, Waiting::ForMessage);
        told.set(1, 1);
        assert_eq!(calling.wait(), Exit::KILLED, "{wait:?}");
        until(&mut sleeper, "received", || got.get(0) == 1);
        got.set(1, 1);
        assert!(sleeper.wait().success());
    }
}
