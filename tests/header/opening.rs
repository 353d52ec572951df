//! All ways to open a ring, and processes of other users that go them.

use std::{os::unix::fs::chown, path::Path, ptr};

use ironring::{Error, Name, Observer, Options, fsck, mpmc};
use ironring_testkit::{Args, Role};

/// A user who is not the one of the tests, and another one.
pub(crate) const STRANGER: u32 = 12_345;
pub(crate) const OTHER: u32 = 23_456;

pub(crate) type Ring = mpmc::Ring<u64>;

/// The ring that is opened, which all may read and write.
pub(crate) fn options() -> Options {
    Options::messages(4).mode(0o666)
}

type Opener = (&'static str, fn(&Name) -> Result<(), Error>);

/// Whatever opens a ring that is there; the last removes it.
const OPENERS: [Opener; 12] = [
    ("open", |name| Ring::open(name).map(drop)),
    ("open_like", |name| Ring::open_like(name, &options()).map(drop)),
    ("open_or_create", |name| Ring::open_or_create(name, &options()).map(drop)),
    ("observe", |name| Observer::open(name).map(drop)),
    ("check", |name| fsck::check(name).map(drop)),
    ("repair", |name| fsck::repair(name).map(drop)),
    ("recover", |name| mpmc::recover(name).map(drop)),
    ("take_set_aside", |name| mpmc::take_set_aside(name, 0, |_| Ok(())).map(drop)),
    ("salvage", |name| ironring::salvage(name).map(drop)),
    ("close", |name| ironring::close(name)),
    ("reopen", |name| ironring::reopen(name)),
    ("remove", |name| ironring::remove(name)),
];

/// Opens the ring in each way, all of which must be refused as `is_right` says of the error.
pub(crate) fn all_refused(name: impl Into<Name>, is_right: impl Fn(&Error) -> bool) {
    let name = name.into();
    for (how, open) in OPENERS {
        match open(&name) {
            Err(error) if is_right(&error) => {}
            other => panic!("{how} {name:?}: {other:?}"),
        }
    }
}

/// Opens the ring in each way, but removing it, none of which may be refused.
pub(crate) fn all_opened(name: impl Into<Name>) {
    let name = name.into();
    for (how, open) in &OPENERS[..OPENERS.len() - 1] {
        open(&name).unwrap_or_else(|error| panic!("{how} {name:?}: {error}"));
    }
}

/// Whether it tells of a ring of `user`'s, and what to do.
pub(crate) fn is_of(user: u32) -> impl Fn(&Error) -> bool {
    move |error| {
        let told = error.to_string();
        matches!(error, Error::OtherOwner { owner, .. } if *owner == user)
            && told.contains(&format!("belongs to user {user}"))
            && told.contains(&how_to_ask(user))
    }
}

/// What is said to be done to get at what is the user's.
pub(crate) fn how_to_ask(user: u32) -> String {
    match user {
        // In a namespace, where it stands for many.
        65_534 => "`Name::owned_by_anybody` (--owner any on".into(),
        _ => format!("`Name::owned_by` (--owner {user} on"),
    }
}

/// Whether it tells of the directory (or link) `dir` what is in `said`, and what to do.
pub(crate) fn is_unsafe(dir: &Path, said: impl Into<String>) -> impl Fn(&Error) -> bool {
    let said = said.into();
    move |error| {
        let told = error.to_string();
        matches!(error, Error::UnsafeDirectory { path, .. } if path == dir)
            && told.contains(&said)
            && told.contains("Name::in_any_directory")
            && told.contains("--any-directory")
    }
}

/// Whether files can be given to other users; if not, says that `what` is left out.
pub(crate) fn is_root(what: &str) -> bool {
    // SAFETY: has no preconditions and cannot fail.
    let is_root = unsafe { libc::geteuid() } == 0;
    if !is_root {
        println!("SKIPPED: {what}, which needs root");
    }
    is_root
}

pub(crate) fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).expect("root may");
}

/// From now on, this process is the user's.
pub(crate) fn become_user(user: u32) {
    // SAFETY: no groups are read.
    assert_eq!(unsafe { libc::setgroups(0, ptr::null()) }, 0);
    // SAFETY: takes integers.
    assert_eq!(unsafe { libc::setresgid(user, user, user) }, 0);
    // SAFETY: takes integers.
    assert_eq!(unsafe { libc::setresuid(user, user, user) }, 0);
}

/// Role: as the stranger, opens rings of `owner`, and is refused where it does not ask for them.
pub(crate) fn visit(mut args: Args) {
    let owner: u32 = args.parse("the owner");
    become_user(STRANGER);
    for name in args.rest() {
        all_refused(&name, is_of(owner));
        all_refused(Name::new(&name).owned_by(OTHER), is_of(owner));
        all_refused(Name::new(&name).in_any_directory(), is_of(owner));
        all_opened(Name::new(&name).owned_by(owner));
        all_opened(Name::new(&name).owned_by_anybody());
    }
}

/// Role: as the stranger, makes rings that all may open, or adopts them: who is root may not be.
pub(crate) fn make(mut args: Args) {
    become_user(STRANGER);
    for name in args.rest() {
        Ring::create(&name, &options()).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Its mode is its maker's own doing.
        all_opened(&name);
    }
}

pub(crate) fn runs(role: Role) {
    assert!(role.spawn().expect("a process").wait().success());
}
