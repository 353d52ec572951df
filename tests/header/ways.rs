//! Directories on the way to a ring: none may let others put another ring in its place.

use std::{
    fs::{File, Permissions, create_dir, set_permissions},
    os::{
        fd::AsRawFd,
        unix::fs::{PermissionsExt, lchown, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ironring::{Error, Name};
use ironring_testkit::{Args, Child, Exit, Ledger, Role};

use crate::{
    Tests,
    opening::{
        OTHER, Ring, STRANGER, all_opened, all_refused, become_user, give, how_to_ask, is_of, is_root,
        is_unsafe, options, runs,
    },
    space::mount_small_tmpfs,
    support::{forks::idle, shared_memory},
};

pub(crate) const TESTS: Tests = &[
    ("a_directory_that_others_may_write_to_is_refused", modes),
    ("a_directory_of_another_users_is_refused", owners),
    ("links_on_the_way_are_followed_and_where_they_lead_is_looked_at", links),
    ("a_link_of_another_users_is_not_followed", links_of_others),
    ("links_that_lead_in_circles_are_given_up", circles),
    ("links_of_proc_lead_where_the_kernel_says", links_of_proc),
    ("a_relative_path_leads_from_a_directory_that_is_looked_at", relative),
    ("a_root_directory_of_another_users_is_the_systems", other_root),
    ("where_root_has_no_number_only_the_systems_directories_are_trusted", without_root),
];

/// `top/middle/last/ring`, made while nobody could do anything about it.
struct Way {
    top: tempfile::TempDir,
    middle: PathBuf,
    last: PathBuf,
    ring: PathBuf,
}

impl Way {
    fn new() -> Self {
        let top = shared_memory();
        let middle = top.path().join("middle");
        let last = middle.join("last");
        let ring = last.join("ring");
        for dir in [&middle, &last] {
            create_dir(dir).expect("a directory");
            mode(dir, 0o755);
        }
        Ring::create(&ring, &options()).expect("a ring");
        Self { top, middle, last, ring }
    }

    fn directories(&self) -> [&Path; 3] {
        [self.top.path(), &self.middle, &self.last]
    }

    /// A new ring is not made either.
    fn all_refused(&self, name: impl Into<Name>, is_right: impl Fn(&Error) -> bool) {
        let name = name.into();
        all_refused(&name, &is_right);
        let refused = Ring::create(&name, &options()).expect_err("not there");
        assert!(is_right(&refused), "{refused}");
    }
}

fn mode(dir: &Path, mode: u32) {
    set_permissions(dir, Permissions::from_mode(mode)).expect("the owner may");
}

fn modes() {
    let way = Way::new();
    for dir in way.directories() {
        for safe in [0o700, 0o755, 0o711, 0o1777, 0o1770, 0o3775] {
            mode(dir, safe);
            all_opened(&way.ring);
        }
        for open in [0o777, 0o775, 0o702, 0o720] {
            mode(dir, open);
            let is_right = is_unsafe(dir, format!("its mode is {open:o}, so others can rename and remove"));
            way.all_refused(&way.ring, &is_right);
            way.all_refused(Name::new(&way.ring).owned_by_anybody(), &is_right);
            all_opened(Name::new(&way.ring).in_any_directory());
        }
        mode(dir, 0o755);
    }
}

fn owners() {
    if !is_root("a directory of another user's") {
        return;
    }
    let way = Way::new();
    for dir in way.directories() {
        give(dir, STRANGER);
        let is_right = is_unsafe(
            dir,
            format!(
                "it belongs to user {STRANGER}, who can rename and remove what lies in it, and is neither you (0) nor \
                 root; {}",
                how_to_ask(STRANGER)
            ),
        );
        way.all_refused(&way.ring, &is_right);
        way.all_refused(Name::new(&way.ring).owned_by(OTHER), &is_right);
        all_opened(Name::new(&way.ring).owned_by(STRANGER));
        all_opened(Name::new(&way.ring).owned_by_anybody());
        all_opened(Name::new(&way.ring).in_any_directory());
        give(dir, 0);
    }
    // Root's are everybody's, if only root can rename in them.
    mode(way.top.path(), 0o711);
    let theirs = way.last.join("theirs");
    mode(&way.last, 0o1777);
    runs(Role::new("make").arg(theirs.display()));
    all_refused(&theirs, is_of(STRANGER));
}

fn links() {
    let way = Way::new();
    let straight = way.top.path().join("straight");
    symlink(&way.last, &straight).expect("a link");
    symlink("../middle", way.middle.join("up")).expect("a link");
    let bent = way.top.path().join("bent");
    symlink("middle/up/./last", &bent).expect("a link");
    for dir in [&straight, &bent] {
        let ring = dir.join("ring");
        all_opened(&ring);
        for on_the_way in [&way.middle, &way.last] {
            mode(on_the_way, 0o777);
            way.all_refused(&ring, is_unsafe(on_the_way, "its mode is 777"));
            all_opened(Name::new(&ring).in_any_directory());
            mode(on_the_way, 0o755);
        }
        all_opened(&ring);
        let made = dir.join("made");
        Ring::create(&made, &options()).expect("a ring");
        ironring::remove(&made).expect("removed");
    }
}

fn links_of_others() {
    if !is_root("a link of another user's") {
        return;
    }
    let way = Way::new();
    mode(way.top.path(), 0o1777);
    let link = way.top.path().join("link");
    symlink(&way.last, &link).expect("a link");
    let ring = link.join("ring");
    all_opened(&ring);
    lchown(&link, Some(STRANGER), None).expect("root may");
    way.all_refused(&ring, is_unsafe(&link, format!("it is a symbolic link of user {STRANGER}'s")));
    all_opened(Name::new(&ring).owned_by(STRANGER));
    all_opened(Name::new(&ring).in_any_directory());
}

fn circles() {
    let dir = shared_memory();
    symlink("b", dir.path().join("a")).expect("a link");
    symlink("a", dir.path().join("b")).expect("a link");
    symlink("c/c/c", dir.path().join("c")).expect("a link");
    for start in ["a", "c"] {
        let ring = dir.path().join(start).join("ring");
        let is_right = |error: &Error| matches!(error, Error::Io { source, .. } if source.raw_os_error() == Some(libc::ELOOP));
        all_refused(&ring, is_right);
        let refused = Ring::create(&ring, &options()).expect_err("no directory");
        assert!(is_right(&refused), "{refused}");
    }
}

fn links_of_proc() {
    let way = Way::new();
    let dir = File::open(&way.last).expect("a directory");
    let by_descriptor = PathBuf::from(format!("/proc/self/fd/{}/ring", dir.as_raw_fd()));
    all_opened(&by_descriptor);
    let by_root = PathBuf::from(format!("/proc/self/root{}", way.ring.display()));
    all_opened(&by_root);
    mode(&way.last, 0o777);
    for ring in [&by_descriptor, &by_root] {
        all_refused(ring, |error| {
            matches!(error, Error::UnsafeDirectory { .. }) && error.to_string().contains("its mode is 777")
        });
    }
    // In another mount namespace, where that path has another directory than here.
    mode(&way.last, 0o755);
    let (keeper, state) = settled("keep-to-itself", &way.middle);
    if state == MAY_NOT_MOUNT {
        println!("SKIPPED: a path of another namespace's, which needs the right to mount");
    } else {
        assert!(!way.middle.join("ring").exists());
        all_opened(format!("/proc/{}/root{}/ring", keeper.pid(), way.middle.display()));
    }
    // What is called by another name meanwhile.
    mode(&way.last, 0o755);
    std::fs::rename(&way.last, way.middle.join("moved")).expect("renamed");
    all_opened(&by_descriptor);
    all_refused(&by_root, |error| matches!(error, Error::NotFound { .. }) || is_not_there(error));
}

/// What `open_or_create` says, which makes no directories.
fn is_not_there(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// Role: in the directory `last`, which others may write to if it says so.
pub(crate) fn use_relative_paths(mut args: Args) {
    let (last, is_open): (PathBuf, bool) = (args.parse("directory"), args.parse("whether it is open"));
    std::env::set_current_dir(&last).expect("a directory");
    for ring in ["./ring", "../last/ring"] {
        if is_open {
            all_refused(ring, is_unsafe(Path::new("."), "its mode is 777"));
        } else {
            all_opened(ring);
        }
    }
}

fn relative() {
    let way = Way::new();
    for is_open in [false, true] {
        mode(&way.last, if is_open { 0o777 } else { 0o755 });
        // What is above the process's own directory does not matter.
        mode(way.top.path(), 0o777);
        runs(Role::new("use-relative-paths").arg(way.last.display()).arg(is_open));
    }
}

/// States of the roles below.
const SETTLED: u64 = 1;
const MAY_NOT_MOUNT: u64 = 2;

/// Role: has another file system than others at a directory, and a ring in it.
pub(crate) fn keep_to_itself(mut args: Args) {
    let (dir, ledger): (String, _) = (args.parse("directory"), args.ledger());
    if mount_small_tmpfs(&dir).is_err() {
        ledger.set(0, MAY_NOT_MOUNT);
        idle();
    }
    Ring::create(format!("{dir}/ring"), &options()).expect("a ring");
    ledger.set(0, SETTLED);
    idle()
}

/// Role: has a root directory of its own, which is another user's.
pub(crate) fn live_below(mut args: Args) {
    let (root, ledger): (PathBuf, _) = (args.parse("the root directory"), args.ledger());
    std::os::unix::fs::chroot(&root).expect("root may");
    std::env::set_current_dir("/").expect("it");
    all_opened("/last/ring");
    ledger.set(0, SETTLED);
    idle()
}

/// A process in that role, when it has come to a state, and which.
fn settled(role: &str, dir: &Path) -> (Child, u64) {
    let ledger = Ledger::new(1).expect("a ledger");
    let mut child = Role::new(role).arg(dir.display()).ledger(&ledger).spawn().expect("a process");
    let started = Instant::now();
    while ledger.get(0) == 0 {
        assert_eq!(child.wait_timeout(Duration::ZERO), None, "it has ended");
        assert!(started.elapsed() < Duration::from_secs(30), "it does not get there");
        std::thread::yield_now();
    }
    (child, ledger.get(0))
}

fn other_root() {
    if !is_root("another root directory") {
        return;
    }
    let way = Way::new();
    give(&way.middle, STRANGER);
    assert_eq!(settled("live-below", &way.middle).1, SETTLED);
    way.all_refused(&way.ring, is_unsafe(&way.middle, "it belongs to user"));
}

/// How a role ends that cannot get where it should.
const NO_NAMESPACE: i32 = 77;

/// Role: as the stranger, who alone has a number in a namespace of its own.
pub(crate) fn live_without_root(mut args: Args) {
    let (theirs, roots): (PathBuf, PathBuf) = (args.parse("its directory"), args.parse("root's directory"));
    become_user(STRANGER);
    // SAFETY: takes integers: what belongs to a process in /proc is its user's again.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) };
    // SAFETY: takes an integer; this process has one thread.
    let is_there = unsafe { libc::unshare(libc::CLONE_NEWUSER) } == 0
        && std::fs::write("/proc/self/uid_map", format!("{STRANGER} {STRANGER} 1")).is_ok();
    if !is_there {
        std::process::exit(NO_NAMESPACE);
    }
    let ring = theirs.join("ring");
    Ring::create(&ring, &options()).expect("below the system's directories");
    all_opened(&ring);
    // Its owner may be root, or anybody else but this one.
    let nobodys = roots.join("ring");
    all_refused(&nobodys, is_unsafe(&roots, "it belongs to user 65534"));
    all_refused(Name::new(&nobodys).owned_by(65_534), is_unsafe(&roots, "it belongs to user 65534"));
    all_refused(Name::new(&nobodys).in_any_directory(), is_of(65_534));
    all_opened(Name::new(&nobodys).owned_by_anybody());
}

fn without_root() {
    if !is_root("a namespace of another user's") {
        return;
    }
    let (theirs, roots) = (shared_memory(), shared_memory());
    give(theirs.path(), STRANGER);
    mode(roots.path(), 0o711);
    Ring::create(roots.path().join("ring"), &options()).expect("a ring");
    let role = Role::new("live-without-root").arg(theirs.path().display()).arg(roots.path().display());
    match role.spawn().expect("a process").wait() {
        Exit::Exited(NO_NAMESPACE) => {
            println!("SKIPPED: a namespace of users, which another user may not make")
        }
        exit => assert!(exit.success(), "{exit}"),
    }
}
