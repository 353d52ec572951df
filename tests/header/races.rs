//! Somebody exchanges what a path leads to, as fast as possible, while another one opens it.

use std::{
    ffi::CString,
    fs::{Permissions, create_dir, set_permissions},
    os::{
        fd::AsFd,
        unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, PermissionsExt, lchown, symlink},
        },
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ironring::{Error, Name, Options};
use ironring_testkit::{Args, Child, Ledger, Role};

use crate::{
    Tests,
    opening::{Ring, STRANGER, become_user, give, is_root, options},
    support::shared_memory,
};

pub(crate) const TESTS: Tests = &[
    ("a_ring_that_is_exchanged_is_one_that_may_be_opened", a_file_is_exchanged),
    ("a_directory_that_is_exchanged_is_never_one_on_the_way", a_directory_is_exchanged),
    ("a_name_that_others_take_and_leave_is_ones_own_or_refused", a_name_is_taken),
];

/// The word of the ledger in which exchanges are counted.
const EXCHANGES: usize = 0;

/// Role: as the stranger, exchanges what two paths lead to until it is killed.
pub(crate) fn exchange(mut args: Args) {
    let path = |path: PathBuf| CString::new(path.as_os_str().as_bytes()).expect("a path");
    let (one, other) = (path(args.parse("a path")), path(args.parse("another path")));
    let ledger = args.ledger();
    become_user(STRANGER);
    for count in 1.. {
        // SAFETY: both are strings that end.
        let done = unsafe {
            libc::renameat2(
                libc::AT_FDCWD,
                one.as_ptr(),
                libc::AT_FDCWD,
                other.as_ptr(),
                libc::RENAME_EXCHANGE,
            )
        };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        ledger.set(EXCHANGES, count);
    }
}

/// Role: as the stranger, gives a name to a file of its own, and to a link, and takes it away again,
/// until it is killed. What is there meanwhile is another user's, and not its to take away.
pub(crate) fn squat(mut args: Args) {
    let (name, own): (PathBuf, PathBuf) = (args.parse("a name"), args.parse("a file of its own"));
    let ledger = args.ledger();
    let target: PathBuf = args.parse("what the link leads to");
    become_user(STRANGER);
    for count in 1.. {
        let taken = if count % 2 == 0 { std::fs::hard_link(&own, &name) } else { symlink(&target, &name) };
        if taken.is_ok() {
            ledger.set(EXCHANGES, ledger.get(EXCHANGES) + 1);
            // For as long as it takes the other one to look.
            for _ in 0..count % 5 {
                std::thread::yield_now();
            }
        }
        let _ = std::fs::remove_file(&name);
    }
}

/// Who does so with these two, and has begun to.
fn exchanger(one: &Path, other: &Path) -> (Child, Ledger) {
    started(Role::new("exchange").arg(one.display()).arg(other.display()))
}

fn started(role: Role) -> (Child, Ledger) {
    let ledger = Ledger::new(1).expect("a ledger");
    let child = role.ledger(&ledger).spawn().expect("a process");
    let started = Instant::now();
    while ledger.get(EXCHANGES) < 10 {
        assert!(started.elapsed() < Duration::from_secs(30), "it has not begun");
        std::thread::yield_now();
    }
    (child, ledger)
}

/// Calls `open` until that was done often, and gave both `true` and `false`.
fn often(ledger: &Ledger, mut open: impl FnMut() -> bool) {
    let (started, before) = (Instant::now(), ledger.get(EXCHANGES));
    let mut outcomes = [0, 0];
    while outcomes.iter().sum::<u32>() < 3000
        || ledger.get(EXCHANGES) < before + 3000
        || outcomes.contains(&0)
    {
        outcomes[usize::from(open())] += 1;
        assert!(started.elapsed() < Duration::from_secs(60), "{outcomes:?}");
    }
}

/// Where anybody can rename, one's own ring and the stranger's: whichever it is, the one that is opened
/// is one's own.
fn a_file_is_exchanged() {
    if !is_root("a ring of another user's") {
        return;
    }
    let dir = shared_memory();
    let (own, theirs) = (dir.path().join("own"), dir.path().join("theirs"));
    Ring::create(&own, &options()).expect("a ring");
    Ring::create(&theirs, &Options::messages(8)).expect("a ring");
    give(&theirs, STRANGER);
    set_permissions(dir.path(), Permissions::from_mode(0o777)).expect("the owner may");
    let name = Name::new(&own).in_any_directory();
    let (exchanger, ledger) = exchanger(&own, &theirs);
    often(&ledger, || match Ring::open(&name) {
        Ok(ring) => {
            let file = std::fs::File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
            assert_eq!(file.metadata().expect("it").uid(), 0, "another user's ring was opened");
            assert_eq!(ring.capacity(), 4);
            true
        }
        Err(Error::OtherOwner { owner: STRANGER, .. }) => false,
        Err(error) => panic!("{error}"),
    });
    drop(exchanger);
}

/// Where anybody can put something, the stranger puts a directory, and a link to one of root's. Neither
/// leads to a ring, at any time, though there is one of root's at the end of either way.
fn a_directory_is_exchanged() {
    if !is_root("a directory of another user's") {
        return;
    }
    let dir = shared_memory();
    let safe = dir.path().join("safe");
    create_dir(&safe).expect("a directory");
    Ring::create(safe.join("ring"), &options()).expect("a ring");
    let open = dir.path().join("open");
    create_dir(&open).expect("a directory");
    let (theirs, link) = (open.join("theirs"), open.join("link"));
    create_dir(&theirs).expect("a directory");
    std::fs::hard_link(safe.join("ring"), theirs.join("ring")).expect("a second name");
    give(&theirs, STRANGER);
    symlink(&safe, &link).expect("a link");
    lchown(&link, Some(STRANGER), None).expect("root may");
    set_permissions(&open, Permissions::from_mode(0o1777)).expect("the owner may");
    set_permissions(dir.path(), Permissions::from_mode(0o711)).expect("the owner may");

    let (exchanger, ledger) = exchanger(&theirs, &link);
    let ring = theirs.join("ring");
    often(&ledger, || match Ring::open(&ring) {
        Err(Error::UnsafeDirectory { path, reason }) => {
            assert_eq!(path, theirs, "{reason}");
            reason.contains("a symbolic link")
        }
        Ok(_) => panic!("a stranger chose which ring was opened"),
        Err(error) => panic!("{error}"),
    });
    drop(exchanger);
}

/// Where anybody can put something, the stranger takes a name and leaves it: who makes a ring of that name
/// gets a new one of its own, or is refused, and is never led to another.
fn a_name_is_taken() {
    if !is_root("a file of another user's") {
        return;
    }
    let dir = shared_memory();
    let safe = dir.path().join("safe");
    Ring::create(&safe, &options()).expect("a ring");
    let open = dir.path().join("open");
    create_dir(&open).expect("a directory");
    let (name, theirs) = (open.join("ring"), open.join("theirs"));
    Ring::create(&theirs, &options()).expect("a ring");
    give(&theirs, STRANGER);
    set_permissions(&open, Permissions::from_mode(0o1777)).expect("the owner may");
    set_permissions(dir.path(), Permissions::from_mode(0o711)).expect("the owner may");
    let not_these = [&safe, &theirs].map(|path| path.metadata().expect("a ring").ino());

    let role = Role::new("squat").arg(name.display()).arg(theirs.display()).arg(safe.display());
    let (squatter, ledger) = started(role);
    let mut refusals = [0, 0];
    let mut open = || match Ring::open_or_create(&name, &options()) {
        Ok(ring) => {
            let file = std::fs::File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
            let found = file.metadata().expect("it");
            assert_eq!(found.uid(), 0, "another user's ring was opened");
            assert!(!not_these.contains(&found.ino()), "a stranger chose which ring was opened");
            ironring::remove(&name).expect("one's own");
            true
        }
        Err(Error::OtherOwner { owner: STRANGER, .. }) => {
            refusals[0] += 1;
            false
        }
        Err(Error::Invalid { field: "the file's type", .. }) => {
            refusals[1] += 1;
            false
        }
        Err(error) => panic!("{error}"),
    };
    often(&ledger, &mut open);
    drop(squatter);
    assert!(!refusals.contains(&0), "{refusals:?}");
    assert!(!ironring::Observer::open(&safe).expect("the ring").is_retired());
}
