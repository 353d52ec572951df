//! Whoever has been idle for long sleeps longer, and is told of deaths.

use std::time::{Duration, Instant};

use ironring::{RecvError, Wait};
use ironring_testkit::{Child, Exit};

use crate::{
    cpu,
    peer::{Kind, SLEEPING, peer, receiver, ring, sender, until},
};

pub(crate) fn tests<A: Kind>() -> Vec<(&'static str, fn())> {
    vec![
        ("one_that_is_idle_for_long_learns_of_a_death", learns_of_a_death::<A>),
        ("one_that_is_idle_for_long_gets_what_a_dead_sender_told_nobody_of", gets_a_message::<A>),
        ("one_that_is_idle_for_long_is_woken_by_a_message", is_woken::<A>),
        ("one_that_is_idle_for_long_sleeps_seldom", sleeps_seldom::<A>),
    ]
}

/// Whoever is not told, or woken, sleeps twice as long, nearly always.
const SOON: Duration = Duration::from_millis(500);

/// Of several at once, one at least has it at once: the system may be slow.
fn one_of_several(delay: impl Fn() -> Duration + Sync) {
    let delays: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..3).map(|_| scope.spawn(&delay)).collect();
        all.into_iter().map(|one| one.join().expect("no failure")).collect()
    });
    println!("{delays:?}");
    assert!(delays.iter().any(|delay| *delay < SOON), "{delays:?}");
}

/// Until it sleeps on its word and on what tells of deaths.
fn until_idle_for_long(child: &mut Child) {
    let call = format!("/proc/{}/syscall", child.pid());
    until(child, "sleep for long", || {
        let call = std::fs::read_to_string(&call).unwrap_or_default();
        call.starts_with(&format!("{} ", libc::SYS_futex_waitv))
    });
}

fn learns_of_a_death<A: Kind>() {
    SLEEPING.into_iter().for_each(|wait| one_of_several(|| delay_of_a_death::<A>(wait)));
}

fn delay_of_a_death<A: Kind>(wait: Wait) -> Duration {
    let ring = ring::<A>(4);
    let (mut waiting, got) = peer("told", &[&ring], wait);
    let (mut dying, _) = peer("producer", &[&ring], wait);
    until(&mut waiting, "received", || got.get(0) == 3);
    until_idle_for_long(&mut waiting);
    let started = Instant::now();
    assert_eq!(dying.kill(), Exit::KILLED);
    assert!(waiting.wait().success(), "{wait:?}");
    started.elapsed()
}

/// The call that is to wake others kills the sender.
fn gets_a_message<A: Kind>() {
    SLEEPING.into_iter().for_each(|wait| one_of_several(|| delay_of_a_message::<A>(wait, "call")));
}

fn is_woken<A: Kind>() {
    SLEEPING.into_iter().for_each(|wait| one_of_several(|| delay_of_a_message::<A>(wait, "caller")));
}

fn delay_of_a_message<A: Kind>(wait: Wait, sender: &str) -> Duration {
    let ring = ring::<A>(2);
    let (mut sleeper, got) = peer("sleeper", &[&ring], wait);
    let (mut calling, told) = peer(sender, &[&ring], wait);
    until(&mut calling, "attached", || told.get(0) == 1);
    until_idle_for_long(&mut sleeper);
    let started = Instant::now();
    told.set(1, 1);
    until(&mut sleeper, "received", || got.get(0) == 1);
    let delay = started.elapsed();
    let ended = if sender == "call" { Exit::KILLED } else { Exit::Exited(0) };
    assert_eq!(calling.wait(), ended, "{wait:?}");
    got.set(1, 1);
    assert!(sleeper.wait().success());
    delay
}

/// What that costs is in docs/WAITING.md.
fn sleeps_seldom<A: Kind>() {
    for wait in SLEEPING {
        let ring = ring::<A>(2);
        let (_producer, mut consumer) = (sender(&ring, wait), receiver(&ring, wait));
        let mut sleeps = |seconds| {
            let before = cpu::sleeps(libc::RUSAGE_THREAD);
            assert_eq!(consumer.recv_value_by(Duration::from_secs(seconds)), Err(RecvError::TimedOut));
            cpu::sleeps(libc::RUSAGE_THREAD) - before
        };
        let (first, later) = (sleeps(2), sleeps(3));
        assert!(
            later < 25,
            "{wait:?}: {first} in 2 s, and then {later} in 3 s, where sleeps of 30 ms are 100"
        );
    }
}
