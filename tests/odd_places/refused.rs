//! What cannot be right where /proc is missing or a file may not be opened, and is refused; and what
//! goes on there that was begun before.

use std::{
    fs::File,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
        unix::{fs::PermissionsExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use ironring::{Deadline, Error, Options, Peer, mpmc, spsc};
use ironring_testkit::{Args, Role, roles::RoleFn};

use crate::{
    filter,
    place::{PID, Place, stay},
    scene::{READY, STATE, kill, ready, until},
    support::shared_memory,
    trials::Tests,
};

pub(crate) const ROLES: &[(&str, RoleFn)] = &[
    ("nameless", nameless),
    ("unsealed", unsealed),
    ("restarted", restarted),
    ("nobody", nobody),
    ("unmapped", unmapped),
    ("unlinked", unlinked),
];

pub(crate) const TESTS: Tests = &[
    ("without_proc_a_ring_without_a_name_is_not_attached_to_but_kept", nameless_is_found_dead),
    ("without_proc_no_memfd_passes_for_a_file", || in_role("unsealed", Place::NoProc)),
    ("without_proc_no_ring_is_trusted_that_may_be_from_before_a_restart", || {
        in_role("restarted", Place::NoProc);
    }),
    ("another_user_is_told_which_file_it_may_not_open", || in_role("nobody", Place::OtherUser)),
    ("in_a_user_namespace_users_without_numbers_are_not_one", strangers_are_not_admitted),
    ("without_proc_a_ring_is_made_by_a_temporary_name", || in_role("unlinked", Place::NoProc)),
];

type Stream = spsc::Ring<u64>;

/// Has a role do all that the test is, with directories in memory and, mostly, on disk.
fn in_role(name: &str, place: Place) {
    if place.is_open() {
        let (memory, disk) = (shared_memory(), tempfile::tempdir().expect("a directory"));
        std::fs::set_permissions(memory.path(), PermissionsExt::from_mode(0o711)).expect("the owner may");
        let role = Role::new(name).arg(memory.path().display()).arg(disk.path().display());
        assert!(role.spawn().expect("a process").wait().success());
    }
}

fn ring_in(args: &mut Args, directory: &str) -> PathBuf {
    args.parse::<PathBuf>(directory).join("ring")
}

fn refused(error: Error) -> String {
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    error.to_string()
}

/// Role: holds a role of a ring without a name when /proc goes.
fn nameless(mut args: Args) {
    let (ring, ledger) = (Stream::from_fd(args.fd("ring")).expect("a ring"), args.ledger());
    let mut producer = ring.producer().expect("the role");
    Place::NoProc.enter().expect("no /proc");
    let told = refused(ring.consumer().expect_err("no way to the file"));
    assert!(told.contains("/proc") && told.contains("a name"), "{told}");
    let inherited = Stream::from_fd(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
    refused(inherited.expect("it can be looked at").consumer().expect_err("no way to the file"));
    producer.send_by(&7, Duration::from_secs(10)).expect("room");
    ledger.set(PID, std::process::id().into());
    stay(&ledger, STATE, READY)
}

fn nameless_is_found_dead() {
    if !Place::NoProc.is_open() {
        return;
    }
    let ring = Stream::anonymous(&Options::messages(4)).expect("a ring");
    let (child, ledger) = ready(Role::new("nameless").pass_fd("ring", &ring));
    assert!(matches!(ring.producer(), Err(Error::Busy { .. })), "it lives, without /proc");
    kill(child, &ledger);
    until("it is dead", || ring.producer().ok());
}

/// A memfd with a ring in it that its maker did not seal: `allow` says whether it could have.
fn copy_of(ring: &impl AsFd, allow: bool) -> OwnedFd {
    let flags = if allow { libc::MFD_ALLOW_SEALING } else { 0 };
    // SAFETY: the name is a string that ends.
    let fd = unsafe { libc::memfd_create(c"copy".as_ptr(), flags | libc::MFD_CLOEXEC) };
    assert_ne!(fd, -1);
    // SAFETY: the descriptor is new, and nobody else has it.
    let mut to = unsafe { File::from_raw_fd(fd) };
    let mut from = File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
    std::io::copy(&mut from, &mut to).expect("room");
    to.into()
}

fn unsealed(mut args: Args) {
    let path = ring_in(&mut args, "memory");
    let ring = Stream::create(&path, &Options::messages(4)).expect("a ring");
    let copies = [copy_of(&ring, false), copy_of(&ring, true)];
    Place::NoProc.enter().expect("no /proc");
    for copy in copies {
        let error = Stream::from_fd(copy).expect_err("it could be cut");
        assert!(matches!(error, Error::Invalid { field: "the memfd's seals", .. }), "{error}");
    }
    Stream::from_fd(File::options().read(true).write(true).open(&path).expect("it").into()).expect("a file");
}

fn restarted(mut args: Args) {
    let path = ring_in(&mut args, "memory");
    let old = ring_in(&mut args, "disk");
    let new = old.with_file_name("new");
    Stream::create(&old, &Options::messages(4)).expect("a ring");
    Place::NoProc.enter().expect("no /proc");
    // There the file system is one in memory, too.
    if is_on_disk(&old) {
        for error in [
            Stream::open(&old).expect_err("it may be from before"),
            Stream::create(&new, &Options::messages(4)).expect_err("who could tell?"),
            ironring::salvage(&old).expect_err("it may be of now"),
        ] {
            let told = refused(error);
            assert!(told.contains("boot_id") && told.contains("mount /proc"), "{told}");
        }
        assert!(!new.exists());
    } else {
        println!("SKIPPED: a ring on disk, of which there is none for temporary files");
    }
    let ring = Stream::create(&path, &Options::messages(4)).expect("memory is lost at a restart");
    ring.producer().expect("the role").send(&7).expect("room");
    // SAFETY: strings that end, and no data.
    let mounted =
        unsafe { libc::mount(c"proc".as_ptr(), c"/proc".as_ptr(), c"proc".as_ptr(), 0, std::ptr::null()) };
    assert_eq!(mounted, 0, "{}", std::io::Error::last_os_error());
    let opened = Stream::open(&path).expect("made by one who knew no boot");
    assert_eq!(opened.consumer().expect("the role").recv_value(), Ok(7));
}

fn is_on_disk(path: &Path) -> bool {
    let file = File::open(path).expect("a file");
    // SAFETY: plain integers, for which zero is a value.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `found` is writable.
    assert_eq!(unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut found) }, 0);
    found.f_type != libc::TMPFS_MAGIC
}

fn nobody(mut args: Args) {
    let path = ring_in(&mut args, "memory");
    let ring = mpmc::Ring::<u64>::create(&path, &Options::messages(4)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("a place"), ring.consumer().expect("a place"));
    Place::OtherUser.enter().expect("nobody");
    for error in
        [ring.producer().expect_err("not its file"), mpmc::Ring::<u64>::open(&path).expect_err("nor")]
    {
        let told = error.to_string();
        assert!(matches!(error, Error::Io { .. }) && told.contains("ermission denied"), "{told}");
    }
    // What it had before, it has still.
    for i in 0..200 {
        producer.send(&i).expect("room");
        assert_eq!(consumer.recv_value(), Ok(i));
    }
}

fn unlinked(mut args: Args) {
    let path = ring_in(&mut args, "memory");
    Place::NoProc.enter().expect("no /proc");
    // As kernels do that let nobody link by a descriptor alone.
    filter::forbid_with(libc::SYS_linkat, 4, libc::AT_EMPTY_PATH as u32).expect("a filter");
    let ring = Stream::create(&path, &Options::messages(4)).expect("a ring");
    ring.producer().expect("the role").send(&7).expect("room");
    let names: Vec<_> = std::fs::read_dir(path.parent().expect("a directory"))
        .expect("it")
        .map(|entry| entry.expect("it").file_name())
        .collect();
    assert_eq!(names, ["ring"]);
}

/// Role: one to whom all users are 65534, itself and others, is asked by another.
fn unmapped(mut args: Args) {
    let socket = UnixStream::from(args.fd("socket"));
    let ring = Stream::anonymous(&Options::messages(4)).expect("a ring");
    Place::UserNamespace.enter().expect("a namespace");
    let deadline = Deadline::after(Duration::from_secs(20));
    let error = ring.serve(&socket, Peer::is_same_user, deadline).expect_err("who knows who that is?");
    assert!(matches!(&error, Error::Refused { peer, .. } if peer.uid == 65534), "{error}");
}

fn strangers_are_not_admitted() {
    if !Place::UserNamespace.is_open() {
        return;
    }
    let (here, there) = UnixStream::pair().expect("sockets");
    let mut child = Role::new("unmapped").pass_fd("socket", &there).spawn().expect("a process");
    let deadline = Deadline::after(Duration::from_secs(20));
    let told =
        Stream::receive(&here, |_| true, deadline).expect_err("it does not admit this one").to_string();
    assert!(told.contains("does not admit"), "{told}");
    assert!(child.wait().success());
}
