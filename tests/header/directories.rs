//! The directory of bare names: made for its owner alone, and used only if it is so.

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use ironring::{Error, Options, spsc::Ring};
use ironring_testkit::{Args, Role};

use crate::{Tests, support::shared_memory};

pub(crate) const TESTS: Tests = &[
    ("missing_directory_is_made_with_mode_0700", missing_directory_is_made),
    ("unsafe_directory_is_refused_for_bare_names", unsafe_directory_is_refused),
];

/// Role: does everything with a bare name that can be done. Its argument is what the
/// refusals are to say, or nothing.
pub(crate) fn use_bare_names(mut args: Args) {
    let told = args.rest().pop();
    let options = Options::bytes(64);
    let names = || ironring::names().expect("a list").into_iter().map(|name| name.display().to_string());
    assert!(told.is_some() || names().next().is_none(), "none, where there is no directory either");
    let made = Ring::<[u8]>::create("orders", &options).map(drop);
    if told.is_none() {
        Ring::<[u8]>::create("bids", &options).expect("another");
        assert_eq!(names().collect::<Vec<_>>(), ["bids", "orders"]);
        ironring::remove("bids").expect("removed");
    }
    let opened = Ring::<[u8]>::open("orders").map(drop);
    let either = Ring::<[u8]>::open_or_create("orders", &options).map(drop);
    let removed = ironring::remove("orders");
    for result in [made, opened, either, removed] {
        match (&told, result) {
            (None, result) => result.expect("a safe directory"),
            (Some(told), Err(error @ Error::UnsafeDirectory { .. })) => {
                assert!(error.to_string().contains(told), "{error}");
            }
            (Some(_), other) => panic!("{other:?}"),
        }
    }
}

fn run(directory: &Path, told: Option<&str>) {
    let role = Role::new("use-bare-names").env("IRONRING_DIR", directory).args(told);
    let exit = role.spawn().expect("a child").wait();
    assert!(exit.success(), "{exit}");
}

fn missing_directory_is_made() {
    let parent = shared_memory();
    let dir = parent.path().join("names");
    run(&dir, None);
    assert_eq!(dir.metadata().expect("the directory").permissions().mode() & 0o7777, 0o700);
    assert_eq!(dir.read_dir().expect("the directory").count(), 0, "removed");
}

fn unsafe_directory_is_refused() {
    let parent = shared_memory();
    let dir = parent.path().join("names");
    std::fs::create_dir(&dir).expect("a directory");
    // A ring in it, which nobody shall take for one's own.
    Ring::<[u8]>::create(dir.join("orders"), &Options::bytes(64)).expect("a ring");
    for mode in [0o755, 0o701, 0o710, 0o702, 0o770, 0o777] {
        set_permissions(&dir, Permissions::from_mode(mode)).expect("another mode");
        run(&dir, Some(&format!("its mode is {mode:o}, not 700")));
    }
    set_permissions(&dir, Permissions::from_mode(0o700)).expect("the right mode");

    let link = parent.path().join("link");
    symlink(&dir, &link).expect("a link");
    run(&link, Some("it is not a directory (a symbolic link is not followed)"));
    let file = parent.path().join("file");
    std::fs::write(&file, "").expect("a file");
    run(&file, Some("it is not a directory"));
    if std::os::unix::fs::chown(&dir, Some(12_345), None).is_ok() {
        run(&dir, Some("it belongs to user 12345, not to you"));
    } else {
        println!("skipped: a directory of another user's, which needs root");
    }
    assert!(dir.join("orders").exists(), "nothing was removed");
}
