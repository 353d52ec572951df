//! Whose a ring is: another user's is opened only if it was asked for, in whatever way and wherever it
//! lies, and nobody is let in whom one did not ask for.

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    ptr::NonNull,
};

use ironring::{Error, Name, Options};
use ironring_testkit::Role;
use memmap2::MmapMut;

use crate::{
    Tests,
    opening::{OTHER, Ring, STRANGER, all_opened, all_refused, give, is_of, is_root, options, runs},
    support::shared_memory,
};

pub(crate) const TESTS: Tests = &[
    ("a_ring_of_roots_is_opened_by_another_user_only_if_asked_for", roots_ring),
    ("a_ring_of_another_users_is_opened_by_root_only_if_asked_for", strangers_ring),
    ("a_segment_is_of_its_owner_and_of_its_companions", segment_of_two),
    ("a_lock_file_of_another_users_is_used_only_if_asked_for", lock_file),
    ("a_ring_that_lets_more_in_than_was_asked_for_is_not_alike", mode_is_compared),
];

/// Names of every kind that is a path, and of a segment, which are removed at the end.
struct Names {
    dir: tempfile::TempDir,
    names: Vec<String>,
}

impl Names {
    fn new(number: u32) -> Self {
        let dir = shared_memory();
        let id = std::process::id();
        let names = vec![
            dir.path().join("ring").display().to_string(),
            format!("shm:/ironring-owners-{id}-{number}"),
            format!("sysv:{:#x}", 0x4f00_0000 | id << 4 & 0xff_fff0 | number),
        ];
        Self { dir, names }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ironring::remove(Name::new(name).owned_by_anybody().in_any_directory());
        }
    }
}

fn roots_ring() {
    if !is_root("a ring of root's, and another user") {
        return;
    }
    let names = Names::new(1);
    set_permissions(names.dir.path(), Permissions::from_mode(0o711)).expect("the owner may");
    for name in &names.names {
        Ring::create(name, &options()).expect("a ring");
        // The owner itself has let others in.
        all_opened(name);
    }
    runs(Role::new("visit").arg(0).args(&names.names));
}

fn strangers_ring() {
    if !is_root("a ring of another user's, and root") {
        return;
    }
    let names = Names::new(2);
    give(names.dir.path(), STRANGER);
    runs(Role::new("make").args(&names.names));
    for name in &names.names {
        let is_refused = |error: &Error| {
            let is_on_the_way =
                matches!(error, Error::UnsafeDirectory { path, .. } if path == names.dir.path());
            if name.contains(':') { is_of(STRANGER)(error) } else { is_on_the_way }
        };
        all_refused(name, is_refused);
        all_refused(Name::new(name).owned_by(OTHER), is_refused);
        all_refused(Name::new(name).in_any_directory(), is_of(STRANGER));
        all_opened(Name::new(name).owned_by(STRANGER));
        all_opened(Name::new(name).owned_by_anybody());
        ironring::remove(Name::new(name).owned_by(STRANGER)).expect("root may");
    }
}

fn segment_of_two() {
    if !is_root("a segment of another user's") {
        return;
    }
    let names = Names::new(3);
    let name = names.names.last().expect("a segment's");
    let ring = Ring::create(name, &options()).expect("a ring");
    let companion = ring.path().expect("a companion");
    give(&companion, STRANGER);
    all_refused(name, is_of(STRANGER));
    all_opened(Name::new(name).owned_by(STRANGER));
    give(&companion, 0);
    all_opened(name);
    give_segment(&companion, STRANGER);
    all_refused(name, is_of(STRANGER));
    all_opened(Name::new(name).owned_by(STRANGER));
}

/// Gives the segment of this companion away.
fn give_segment(companion: &Path, user: u32) {
    let id = companion.display().to_string();
    let id = id.rsplit('-').next().and_then(|id| id.parse().ok()).expect("a segment's number");
    // SAFETY: plain integers, for which zero is a value.
    let mut status: libc::shmid_ds = unsafe { std::mem::zeroed() };
    // SAFETY: `status` is writable.
    assert_eq!(unsafe { libc::shmctl(id, libc::IPC_STAT, &raw mut status) }, 0);
    status.shm_perm.uid = user;
    // SAFETY: `status` is read.
    assert_eq!(unsafe { libc::shmctl(id, libc::IPC_SET, &raw mut status) }, 0);
}

fn lock_file() {
    if !is_root("a lock file of another user's") {
        return;
    }
    let dir = shared_memory();
    let lock = dir.path().join("lock");
    let mut map = MmapMut::map_anon(Ring::len_of(&options()).expect("a length")).expect("memory");
    let memory = NonNull::from(&mut map[..]);
    // SAFETY: the mapping outlives the rings, and is used by rings only.
    let ring = unsafe { Ring::create_in(memory, &lock, &options()) }.expect("a ring");
    // SAFETY: as above.
    let open = |name: Name| unsafe { Ring::open_in(memory, name) }.map(drop);
    open(Name::new(&lock)).expect("one's own");
    give(&lock, STRANGER);
    assert!(is_of(STRANGER)(&open(Name::new(&lock)).expect_err("another user's")));
    assert!(is_of(STRANGER)(&open(Name::new(&lock).owned_by(OTHER)).expect_err("another one's")));
    open(Name::new(&lock).owned_by(STRANGER)).expect("it was asked for");

    give(dir.path(), STRANGER);
    let second = dir.path().join("second");
    // SAFETY: it is refused before it is used.
    let refused = unsafe { Ring::create_in(memory, &second, &options()) }.expect_err("anybody's lock file");
    assert!(matches!(refused, Error::UnsafeDirectory { .. }), "{refused}");
    assert!(!second.exists());
    drop(ring);
}

fn mode_is_compared() {
    let dir = shared_memory();
    let ring = |mode: u32| -> PathBuf {
        let path = dir.path().join(format!("{mode:o}"));
        Ring::create(&path, &Options::messages(4).mode(mode)).expect("a ring");
        path
    };
    for (mode, asked, is_alike) in [
        (0o600, 0o600, true),
        (0o600, 0o660, true),
        (0o660, 0o666, true),
        (0o660, 0o600, false),
        (0o606, 0o660, false),
        (0o640, 0o600, false),
        (0o666, 0o664, false),
    ] {
        let path = ring(mode);
        let options = Options::messages(4).mode(asked);
        for opened in [Ring::open_like(&path, &options), Ring::open_or_create(&path, &options)] {
            match opened {
                Ok(_) => assert!(is_alike, "{mode:o} for {asked:o}"),
                Err(Error::Mismatch { field: "mode", found, expected }) => {
                    assert!(!is_alike, "{mode:o} for {asked:o}");
                    assert_eq!(found, format!("{mode:o}"));
                    assert!(expected.starts_with(&format!("{asked:o}, ")), "{expected}");
                }
                Err(other) => panic!("{other}"),
            }
        }
        // Who does not say how it is to be is content with its own doing.
        Ring::open(&path).expect("one's own");
        ironring::remove(&path).expect("removed");
    }
}
