//! Files that are no rings are refused, without waiting, and left as they were.

use std::{
    ffi::CString,
    os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
    path::Path,
};

use ironring::{Error, Options, spsc::Ring};

use crate::{Tests, support::shared_memory};

pub(crate) const TESTS: Tests = &[
    ("symbolic_links_are_not_followed", symbolic_links_are_not_followed),
    ("directories_fifos_sockets_and_devices_are_refused", things_that_are_no_files_are_refused),
    ("files_that_are_no_rings_are_refused_and_kept", files_that_are_no_rings_are_refused),
    ("missing_ring_is_told_with_its_path", missing_ring_is_told),
];

/// What opening, and making over, the thing at `path` says; removing it fails as well.
fn refusals(path: &Path) -> [Error; 4] {
    let options = Options::bytes(64);
    let refusals = [
        Ring::<[u8]>::open(path).map(drop),
        Ring::<[u8]>::open_or_create(path, &options).map(drop),
        Ring::<[u8]>::create(path, &options).map(drop),
        ironring::remove(path),
    ];
    refusals.map(|result| result.expect_err("no ring"))
}

fn symbolic_links_are_not_followed() {
    let dir = shared_memory();
    let (ring, link) = (dir.path().join("ring"), dir.path().join("link"));
    Ring::<[u8]>::create(&ring, &Options::bytes(64)).expect("a ring");
    for target in [&ring, &dir.path().join("nothing")] {
        symlink(target, &link).expect("a link");
        for (i, error) in refusals(&link).into_iter().enumerate() {
            match error {
                Error::AlreadyExists { path } if i == 2 => assert_eq!(path, link),
                Error::Invalid { field, found, expected } => {
                    assert_eq!(field, "the file's type");
                    assert_eq!(found, format!("a symbolic link at {}", link.display()));
                    assert!(expected.contains("links are not followed"), "{expected}");
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(std::fs::read_link(&link).expect("the link"), *target);
        std::fs::remove_file(&link).expect("the link");
    }
    Ring::<[u8]>::open(&ring).expect("the ring itself");
}

fn things_that_are_no_files_are_refused() {
    let dir = shared_memory();
    let fifo = dir.path().join("fifo");
    let name = CString::new(fifo.as_os_str().as_bytes()).expect("a name");
    // SAFETY: the name is a string that ends, and lives during the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let inside = dir.path().join("directory");
    std::fs::create_dir(&inside).expect("a directory");
    let socket = dir.path().join("socket");
    let _listener = UnixListener::bind(&socket).expect("a socket");

    for path in [&fifo, &inside, &socket, Path::new("/dev/zero")] {
        for error in refusals(path) {
            let refused = match &error {
                Error::Invalid { field: "the file's type", found, .. } => found == "not a regular file",
                Error::AlreadyExists { .. } => true,
                // Who may make nothing there is told of the directory.
                Error::Io { doing, .. } => {
                    doing.contains(&path.display().to_string()) || doing.ends_with(" in /dev")
                }
                _ => false,
            };
            assert!(refused, "{}: {error}", path.display());
        }
        assert!(path.exists(), "{} is left alone", path.display());
    }
}

fn files_that_are_no_rings_are_refused() {
    let dir = shared_memory();
    let text = "All work and no play makes Jack a dull boy.\n";
    for (name, contents, field) in [
        ("empty", String::new(), "the file's length"),
        ("short", text.into(), "the file's length"),
        ("long", text.repeat(1000), "magic"),
        ("zeros", "\0".repeat(8192), "magic"),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, &contents).expect("a file");
        for error in refusals(&path) {
            assert!(
                matches!(&error, Error::Invalid { field: told, .. } if *told == field)
                    || matches!(&error, Error::AlreadyExists { .. }),
                "{name}: {error}"
            );
        }
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), contents, "{name} is left alone");
    }
}

fn missing_ring_is_told() {
    let dir = shared_memory();
    let path = dir.path().join("nothing");
    for error in [Ring::<[u8]>::open(&path).map(drop), ironring::remove(&path)] {
        let error = error.expect_err("no ring");
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("no ring at {}", path.display())), "{error}");
    }
    let nowhere = dir.path().join("no/such/directory");
    let error = Ring::<[u8]>::create(&nowhere, &Options::bytes(64)).expect_err("no directory");
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(error.to_string().contains("no/such"), "{error}");
}
