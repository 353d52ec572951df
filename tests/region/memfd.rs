//! Regions without a name: sealed, and passed on by their descriptor.

use std::{
    ffi::CStr,
    fs::File,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
};

use ironring::{Error, Options, WhenAlone, spsc::Ring};
use ironring_testkit::{Args, Exit, Role};

use crate::{
    Tests,
    support::{bytes, shared_memory},
};

pub(crate) const TESTS: Tests = &[
    ("memfd_can_be_neither_cut_nor_grown_nor_unsealed", memfd_is_sealed),
    ("memfd_that_can_be_cut_is_refused", memfd_that_can_be_cut_is_refused),
    ("descriptors_that_are_no_rings_are_refused", descriptors_that_are_no_rings_are_refused),
    ("descriptor_carries_a_ring_to_a_child", descriptor_carries_a_ring_to_a_child),
    ("descriptor_of_a_named_ring_is_as_good", descriptor_of_a_named_ring_is_as_good),
    ("descriptor_is_closed_on_exec_unless_passed_on", descriptor_is_closed_on_exec),
];

const MESSAGES: u64 = 5000;

/// Role: sends numbered messages through the ring that it was passed.
pub(crate) fn send_through_fd(mut args: Args) {
    let ring = Ring::<[u8]>::from_fd(args.fd("ring")).expect("a ring");
    let mut producer = ring.producer().expect("a producer");
    for i in 0..MESSAGES {
        producer.set_tag(i as u32).send(&bytes((i % 90) as usize, i)).expect("sent");
    }
}

fn memfd(name: &CStr, flags: libc::c_uint) -> File {
    // SAFETY: the name is a string that ends.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | flags) };
    assert_ne!(fd, -1, "{}", std::io::Error::last_os_error());
    // SAFETY: the descriptor is new, and nobody else has it.
    unsafe { File::from_raw_fd(fd) }
}

fn add_seals(file: &File, seals: libc::c_int) -> libc::c_int {
    // SAFETY: the descriptor is open, and the call takes an integer.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) }
}

fn descriptor(ring: &impl AsFd) -> OwnedFd {
    ring.as_fd().try_clone_to_owned().expect("a descriptor")
}

fn memfd_is_sealed() {
    let ring = Ring::<[u8]>::anonymous(&Options::bytes(4096)).expect("a ring");
    let file = File::from(descriptor(&ring));
    let len = file.metadata().expect("its length").len();
    for other in [0, 1, 4096, len - 1, len + 1, 2 * len] {
        let refused = file.set_len(other).expect_err("sealed");
        assert_eq!(refused.raw_os_error(), Some(libc::EPERM), "{refused}");
    }
    assert_eq!(file.metadata().expect("its length").len(), len);
    assert_eq!(add_seals(&file, libc::F_SEAL_WRITE), -1, "nobody can seal it against writing either");
    // SAFETY: the descriptor is open, and the call takes integers.
    let punched = unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_COLLAPSE_RANGE, 0, 4096) };
    assert_eq!(punched, -1);
}

fn memfd_that_can_be_cut_is_refused() {
    let ring = Ring::<[u8]>::anonymous(&Options::bytes(4096)).expect("a ring");
    let len = ring.capacity() as usize + 4096;
    let mut whole = vec![0; len];
    std::os::unix::fs::FileExt::read_exact_at(&File::from(descriptor(&ring)), &mut whole, 0)
        .expect("its bytes");
    let copy = |flags, seals| {
        let file = memfd(c"ironring", flags);
        std::os::unix::fs::FileExt::write_all_at(&file, &whole, 0).expect("a copy");
        assert!(seals == 0 || add_seals(&file, seals) == 0);
        Ring::<[u8]>::from_fd(file.into())
    };
    let (grow, shrink, seal) = (libc::F_SEAL_GROW, libc::F_SEAL_SHRINK, libc::F_SEAL_SEAL);
    for seals in [0, grow, shrink, seal, grow | seal, shrink | seal, grow | shrink] {
        let error = copy(libc::MFD_ALLOW_SEALING, seals).expect_err("not sealed");
        let Error::Invalid { field, found, expected } = &error else { panic!("{error}") };
        assert_eq!((*field, found), ("the memfd's seals", &format!("{seals:#x}")), "{error}");
        assert!(expected.starts_with("0x7"), "{error}");
    }
    // Such a memfd looks sealed against further seals, but is not against being cut.
    let error = copy(0, 0).expect_err("cannot be sealed");
    assert!(matches!(error, Error::Invalid { field: "the memfd's seals", .. }), "{error}");

    copy(libc::MFD_ALLOW_SEALING, grow | shrink | seal).expect("a sealed copy is a ring");
}

fn descriptors_that_are_no_rings_are_refused() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let null = File::options().read(true).write(true).open("/dev/null").expect("a device");
    for fd in
        [OwnedFd::from(reader), writer.into(), null.into(), File::open("/").expect("a directory").into()]
    {
        let error = Ring::<[u8]>::from_fd(fd).expect_err("no ring");
        assert!(matches!(error, Error::Invalid { field: "the file's type", .. }), "{error}");
    }
    let empty = memfd(c"empty", libc::MFD_ALLOW_SEALING);
    assert_eq!(add_seals(&empty, 7), 0);
    let error = Ring::<[u8]>::from_fd(empty.into()).expect_err("no ring");
    assert!(matches!(error, Error::Invalid { field: "the file's length", .. }), "{error}");
}

/// A child sends through `ring`, and its messages come.
pub(crate) fn receive_from_child(ring: &Ring<[u8]>) {
    // Another child has come and gone before; and a sender is told where nobody receives.
    let mut consumer = ring.consumer().expect("a consumer");
    consumer.set_when_alone(WhenAlone::Wait);
    let mut child = Role::new("send-through-fd").pass_fd("ring", ring).spawn().expect("a child");
    for i in 0..MESSAGES {
        let message = consumer.recv().expect("a message");
        assert_eq!((message.tag(), message.to_vec()), (i as u32, bytes((i % 90) as usize, i)));
    }
    assert!(child.wait().success());
    assert!(consumer.is_empty());
}

fn descriptor_carries_a_ring_to_a_child() {
    receive_from_child(&Ring::anonymous(&Options::bytes(256)).expect("a ring"));
}

fn descriptor_of_a_named_ring_is_as_good() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::create(&path, &Options::bytes(256)).expect("a ring");
    receive_from_child(&ring);
    let same = Ring::<[u8]>::from_fd(descriptor(&ring)).expect("the same ring");
    assert_eq!(same.path(), None);
    receive_from_child(&same);
    ironring::remove(&path).expect("removed");
    assert!(same.is_retired());
}

fn descriptor_is_closed_on_exec() {
    let ring = Ring::<[u8]>::anonymous(&Options::bytes(256)).expect("a ring");
    let number = ring.as_fd().as_raw_fd();
    let mut child = std::process::Command::new("/bin/sh");
    let status = child.arg("-c").arg(format!("test ! -e /proc/self/fd/{number}")).status().expect("a shell");
    assert_eq!(status.code().map(Exit::Exited), Some(Exit::Exited(0)));
}
