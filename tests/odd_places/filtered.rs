//! What participants do behind filters of system calls that were put up when they had attached, and
//! behind those that forbid what they could do without.

use std::{path::PathBuf, time::Duration};

use ironring::{Options, Wait, mpmc, spsc};
use ironring_testkit::{Args, Ledger, Role, roles::RoleFn};

use crate::{
    calls,
    filter::{self, strictly},
    place::{PID, Place},
    scene::{READY, STATE, kill, ready, until},
    support::shared_memory,
    trials::Tests,
};

pub(crate) const ROLES: &[(&str, RoleFn)] =
    &[("strict", strict), ("echo", echo), ("maker", maker), ("witness", witness)];

pub(crate) const TESTS: Tests = &[
    ("sending_and_receiving_without_waiting_needs_no_system_call", || ends_well("strict")),
    ("who_has_attached_needs_few_system_calls_to_wait", || echoes("steady")),
    ("waiting_goes_on_where_sleeping_and_waking_are_forbidden", || echoes("sleepless")),
    ("rings_are_made_behind_a_filter", || ends_well("maker")),
    ("who_may_not_ask_or_open_takes_nobody_for_dead_and_goes_on", || {
        witnesses("asking");
        witnesses("opening");
    }),
];

fn ends_well(role: &str) {
    if Place::Filtered.is_open() {
        let dir = shared_memory();
        let mut child = Role::new(role).arg(dir.path().display()).spawn().expect("a process");
        assert!(child.wait().success());
    }
}

/// Behind the kernel's strictest filter, which allows `read`, `write` and the end.
fn strict(_: Args) {
    let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    strictly().expect("a filter");
    let mut is_right = true;
    for i in 0..100_000_u64 {
        is_right &= producer.send(&i.to_le_bytes()).is_ok();
        is_right &= consumer.try_recv().is_ok_and(|message| message.to_vec() == i.to_le_bytes());
    }
    // SAFETY: ends this thread, which is the only one; other ways to end are forbidden.
    unsafe { libc::syscall(libc::SYS_exit, if is_right { 0 } else { 1 }) };
}

/// Role: sends back what it receives, waiting in the kernel.
fn echo(mut args: Args) {
    let there = mpmc::Ring::<u64>::from_fd(args.fd("there")).expect("a ring");
    let back = spsc::Ring::<u64>::from_fd(args.fd("back")).expect("a ring");
    let (ledger, which): (Ledger, String) = (args.ledger(), args.parse("which filter"));
    let (mut consumer, mut producer) = (there.consumer().expect("a place"), back.producer().expect("it"));
    consumer.set_wait(Wait::Park);
    producer.set_wait(Wait::Park);
    ledger.set(PID, std::process::id().into());
    if which == "steady" {
        filter::allow_only(&[calls::STEADY, calls::RUST].concat()).expect("a filter");
    } else {
        filter::forbid(&[libc::SYS_futex, libc::SYS_membarrier, libc::SYS_utimensat]).expect("a filter");
    }
    ledger.set(STATE, READY);
    loop {
        let got = consumer.recv_by(Duration::from_secs(20)).expect("a message").get();
        producer.send_by(&got, Duration::from_secs(20)).expect("room");
    }
}

fn echoes(which: &str) {
    if !Place::Filtered.is_open() {
        return;
    }
    let options = Options::messages(1);
    let there = mpmc::Ring::<u64>::anonymous(&options).expect("a ring");
    let back = spsc::Ring::<u64>::anonymous(&options).expect("a ring");
    let (mut producer, mut consumer) = (there.producer().expect("a place"), back.consumer().expect("it"));
    consumer.set_wait(Wait::Park);
    let role = Role::new("echo").pass_fd("there", &there).pass_fd("back", &back);
    let (child, ledger) = ready(role.arg(which));
    for i in 0..5 {
        // Long enough to fall asleep on either side.
        std::thread::sleep(Duration::from_millis(20));
        producer.send_by(&i, Duration::from_secs(20)).expect("room");
        assert_eq!(consumer.recv_by(Duration::from_secs(20)).expect("it comes back").get(), i);
    }
    kill(child, &ledger);
    until("it is dead", || there.recover().expect("a whole ring").pop());
    until("it is dead", || back.producer().ok());
}

/// Role: makes rings, and attaches.
fn maker(mut args: Args) {
    let path = args.parse::<PathBuf>("directory").join("ring");
    let all = [calls::ATTACH, calls::STEADY, calls::CREATE, calls::RUST].concat();
    filter::allow_only(&all).expect("a filter");
    let options = Options::messages(4);
    for ring in [spsc::Ring::<u64>::anonymous(&options), spsc::Ring::create(&path, &options)] {
        let ring = ring.expect("a ring");
        ring.producer().expect("it").send(&7).expect("room");
        assert_eq!(ring.consumer().expect("it").recv_value(), Ok(7));
    }
}

/// Role: goes on beside one that holds a message, and then is dead, without a way to find that out.
fn witness(mut args: Args) {
    let ring = mpmc::Ring::<u64>::from_fd(args.fd("ring")).expect("a ring");
    let (ledger, forbidden): (Ledger, String) = (args.ledger(), args.parse("what is forbidden"));
    let (mut producer, mut consumer) = (ring.producer().expect("a place"), ring.consumer().expect("a place"));
    ledger.set(PID, std::process::id().into());
    let call = if forbidden == "asking" { libc::SYS_fcntl } else { libc::SYS_openat };
    filter::forbid(&[call]).expect("a filter");
    ledger.set(STATE, READY);
    until("the other is killed", || (ledger.get(STATE) != READY).then_some(()));
    // Longer than any look for the dead is put off.
    for i in 0..100 {
        producer.send(&i).expect("room");
        let got = consumer.recv_by(Duration::from_secs(10)).expect("a message");
        assert_eq!((got.get(), got.is_redelivered()), (i, false));
        std::thread::sleep(Duration::from_millis(1));
    }
    ring.recover().expect_err("it cannot know");
}

fn witnesses(forbidden: &str) {
    if !Place::Filtered.is_open() {
        return;
    }
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(4)).expect("a ring");
    ring.producer().expect("a place").send(&1000).expect("room");
    let (mut holder, child) = ready(Role::new("parent").pass_fd("ring", &ring));
    let (mut witness, ledger) = ready(Role::new("witness").pass_fd("ring", &ring).arg(forbidden));
    holder.kill();
    ledger.set(STATE, READY + 1);
    assert!(witness.wait().success(), "{forbidden}");
    let mut consumer = ring.consumer().expect("a place");
    let message = consumer.recv_by(Duration::from_secs(10)).expect("what the dead held");
    assert_eq!((message.get(), message.is_redelivered()), (1000, true));
    kill(holder, &child);
}
