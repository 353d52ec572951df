//! Forked children whose parent is killed, and address spaces that outlive a process.

use std::{os::fd::AsRawFd, path::PathBuf, process::id, time::Duration};

use ironring::{Error, Options, RecvError, mpmc, spsc};
use ironring_testkit::{Args, Role, roles::RoleFn};

use crate::{
    place::{PID, Place, stay, unshare},
    scene::{READY, STATE, kill, ready, until},
    support::{
        forks::{fork, idle, join},
        shared_memory,
    },
    trials::Tests,
};

pub(crate) const ROLES: &[(&str, RoleFn)] = &[("parent", parent), ("sharer", sharer), ("namesake", namesake)];

pub(crate) const TESTS: Tests = &[
    ("a_forked_child_is_not_taken_for_its_killed_parent", parent_is_killed),
    ("an_address_space_lives_as_long_as_a_process_of_it", address_space_lives),
    ("a_child_with_its_parents_number_is_told_apart", numbers_are_the_same),
];

/// Role: holds a message, and has a child that attaches for itself.
fn parent(mut args: Args) {
    let (ring, ledger) = (mpmc::Ring::<u64>::from_fd(args.fd("ring")).expect("a ring"), args.ledger());
    let mut consumer = ring.consumer().expect("a place");
    let _held = consumer.recv_owned().expect("a message");
    fork(|| {
        let mut own = ring.consumer().expect("a place");
        assert_eq!(own.try_recv().err(), Some(RecvError::Empty), "its parent has it, and lives");
        // By the child, before it is ready: its parent may come to it later.
        ledger.set(PID, std::process::id().into());
        stay(&ledger, STATE, READY);
    });
    idle()
}

fn parent_is_killed() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(4)).expect("a ring");
    ring.producer().expect("a place").send(&7).expect("room");
    let (mut holder, ledger) = ready(Role::new("parent").pass_fd("ring", &ring));
    let (parent, child) = (holder.pid() as u32, ledger.get(PID) as u32);
    holder.kill();
    let dead = until("the parent is dead", || ring.recover().expect("a whole ring").pop());
    assert_eq!((dead.holder.pid, dead.redelivered), (parent, 1));
    for _ in 0..20 {
        assert_eq!(ring.recover().expect("a whole ring"), [], "the child lives");
        std::thread::sleep(Duration::from_millis(2));
    }
    kill(holder, &ledger);
    let dead = until("the child is dead", || ring.recover().expect("a whole ring").pop());
    assert_eq!((dead.holder.pid, dead.redelivered), (child, 0));
    let mut consumer = ring.consumer().expect("a place");
    assert_eq!(consumer.recv_by(Duration::from_secs(10)).expect("the parent's message").get(), 7);
}

/// Role: holds a role, and has a child in the same address space, as `vfork` makes it.
fn sharer(mut args: Args) {
    extern "C" fn child(_: *mut libc::c_void) -> libc::c_int {
        idle()
    }
    let (ring, ledger) = (spsc::Ring::<u64>::from_fd(args.fd("ring")).expect("a ring"), args.ledger());
    let _producer = ring.producer().expect("the role");
    let stack = vec![0_u128; 4096].leak().as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    // SAFETY: the stack is the child's alone, and is never freed; the child only waits.
    let pid = unsafe { libc::clone(child, stack.cast(), flags, std::ptr::null_mut()) };
    assert_ne!(pid, -1, "{}", std::io::Error::last_os_error());
    ledger.set(PID, pid as u64);
    stay(&ledger, STATE, READY)
}

fn address_space_lives() {
    let ring = spsc::Ring::<u64>::anonymous(&Options::messages(4)).expect("a ring");
    let (mut holder, ledger) = ready(Role::new("sharer").pass_fd("ring", &ring));
    holder.kill();
    for _ in 0..20 {
        let refused = ring.producer().err();
        assert!(matches!(refused, Some(Error::Busy { .. })), "its handles live in the other process");
        std::thread::sleep(Duration::from_millis(2));
    }
    kill(holder, &ledger);
    until("both are dead", || ring.producer().ok());
}

/// Role: process number 1, whose child is number 1, too, and waits by the kernel's notices as it does.
fn namesake(mut args: Args) {
    let (path, ledger): (PathBuf, _) = (args.parse("path"), args.ledger());
    Place::PidNamespace.run(&ledger, || {
        let ring = mpmc::Ring::<u64>::open(&path).expect("a ring");
        let mut consumer = ring.consumer().expect("a place");
        let _readiness = consumer.readiness().expect("a descriptor");
        unshare(libc::CLONE_NEWPID).expect("another namespace");
        let parent = id();
        join(fork(|| {
            assert_eq!(id(), parent, "the numbers are the same");
            let mut own = ring.consumer().expect("a place");
            let readiness = own.readiness().expect("a descriptor");
            assert_eq!(own.try_recv().err(), Some(RecvError::Empty));
            ledger.set(STATE, READY);
            let mut polled = libc::pollfd { fd: readiness.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one descriptor, which is open.
            let told = unsafe { libc::poll(&raw mut polled, 1, 10_000) };
            assert_eq!(told, 1, "it is told of a message");
            assert_eq!(own.recv_value(), Ok(7));
        }));
    });
}

fn numbers_are_the_same() {
    if !Place::PidNamespace.is_open() {
        return;
    }
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = mpmc::Ring::<u64>::create(&path, &Options::messages(4)).expect("a ring");
    let (mut child, _ledger) = ready(Role::new("namesake").arg(path.display()));
    ring.producer().expect("a place").send(&7).expect("room");
    assert!(child.wait().success());
}
