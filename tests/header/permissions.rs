//! A new ring is its maker's alone, unless asked otherwise, whatever the umask.

use std::{os::unix::fs::PermissionsExt, path::Path};

use ironring::{Options, spsc::Ring};
use ironring_testkit::{Args, Role};

use crate::{Tests, support::shared_memory};

pub(crate) const TESTS: Tests = &[("mode_is_0600_or_as_asked_whatever_the_umask", mode_is_as_asked)];

/// Role: makes a ring of each mode under one umask.
pub(crate) fn create_under_umask(mut args: Args) {
    let umask: u32 = args.parse("umask");
    let dir: String = args.parse("directory");
    // SAFETY: has no preconditions; this process has one thread.
    unsafe { libc::umask(umask) };
    let options = Options::bytes(64);
    Ring::<[u8]>::create(format!("{dir}/default"), &options).expect("a ring");
    Ring::<[u8]>::open_or_create(format!("{dir}/or-create"), &options).expect("a ring");
    for mode in [0o600, 0o640, 0o660, 0o666, 0o400] {
        Ring::<[u8]>::create(format!("{dir}/{mode:o}"), &options.mode(mode)).expect("a ring");
    }
}

fn mode_is_as_asked() {
    for umask in [0, 0o022, 0o077, 0o777] {
        let dir = shared_memory();
        let mut child =
            Role::new("create-under-umask").arg(umask).arg(dir.path().display()).spawn().expect("a child");
        assert!(child.wait().success());
        let mode = |name: &str| {
            std::fs::metadata(dir.path().join(Path::new(name))).expect("a ring").permissions().mode()
        };
        assert_eq!(mode("default") & 0o7777, 0o600, "umask {umask:o}");
        assert_eq!(mode("or-create") & 0o7777, 0o600, "umask {umask:o}");
        for asked in [0o600, 0o640, 0o660, 0o666, 0o400] {
            assert_eq!(mode(&format!("{asked:o}")) & 0o7777, asked, "umask {umask:o}");
        }
    }
}
