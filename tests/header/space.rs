//! A ring for which there is no space is refused when it is made, not by a signal later.

use std::{ffi::CString, io, path::Path, ptr};

use ironring::{Error, Options, spsc::Ring};
use ironring_testkit::{Args, Exit, Role};

use crate::{Tests, support::shared_memory};

pub(crate) const TESTS: Tests =
    &[("full_file_system_is_told_at_creation_and_nothing_is_left", full_file_system_is_told)];

/// How the role ends where it may not mount anything.
const MAY_NOT_MOUNT: i32 = 77;

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Mounts a tmpfs of 256 KiB on `dir`, which no other process sees.
pub(crate) fn mount_small_tmpfs(dir: &str) -> io::Result<()> {
    let dir = CString::new(dir)?;
    // SAFETY: takes an integer; this process has one thread.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the target is a string that ends; the other pointers may be null here.
    check(unsafe { libc::mount(ptr::null(), c"/".as_ptr(), ptr::null(), private, ptr::null()) })?;
    let size = c"size=256k".as_ptr().cast();
    let tmpfs = c"tmpfs".as_ptr();
    // SAFETY: all are strings that end, and live during the call.
    check(unsafe { libc::mount(tmpfs, dir.as_ptr(), tmpfs, 0, size) })
}

/// Role: fills a file system of its own with rings.
pub(crate) fn fill_small_tmpfs(mut args: Args) {
    let dir: String = args.parse("directory");
    if let Err(error) = mount_small_tmpfs(&dir) {
        println!("a tmpfs cannot be mounted here: {error}");
        std::process::exit(MAY_NOT_MOUNT);
    }
    let names = || -> Vec<_> {
        Path::new(&dir).read_dir().expect("it").map(|entry| entry.expect("an entry").file_name()).collect()
    };
    let told = |made: Result<Ring<[u8]>, Error>| {
        let error = made.expect_err("there is no space");
        let Error::Io { source, doing } = &error else { panic!("{error}") };
        assert_eq!(source.raw_os_error(), Some(libc::ENOSPC), "{error}");
        assert!(doing.starts_with("allocating ") && doing.ends_with(" bytes for the ring"), "{doing}");
    };
    let large = Options::bytes(1 << 20);
    told(Ring::create(format!("{dir}/large"), &large));
    told(Ring::open_or_create(format!("{dir}/large"), &large));
    assert!(names().is_empty(), "{:?}", names());

    let small = Options::bytes(128 << 10);
    let ring = Ring::<[u8]>::create(format!("{dir}/first"), &small).expect("there is space for one");
    told(Ring::create(format!("{dir}/second"), &small));
    assert_eq!(names(), ["first"]);

    // What was allocated is there: every page can be written.
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    for i in 0..1000 {
        producer.try_send(&[i as u8; 1024]).expect("room");
        assert_eq!(consumer.try_recv().expect("it").to_vec(), [i as u8; 1024]);
    }
    ironring::remove(format!("{dir}/first")).expect("removed");
    drop((ring, producer, consumer));
    Ring::<[u8]>::create(format!("{dir}/second"), &small).expect("space again");
}

fn full_file_system_is_told() {
    let dir = shared_memory();
    let mut child = Role::new("fill-small-tmpfs").arg(dir.path().display()).spawn().expect("a child");
    match child.wait() {
        Exit::Exited(MAY_NOT_MOUNT) => println!("skipped: full_file_system_is_told needs the right to mount"),
        exit => assert!(exit.success(), "{exit}"),
    }
}
