//! What is opened is checked, field by field; what is made is safe from others. Each
//! refusal says what was found and what was expected.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trials.rs"]
mod trials;

mod cases;
mod directories;
mod fields;
mod files;
mod mismatch;
mod opening;
mod owners;
mod permissions;
mod races;
mod space;
mod ways;

use ironring_testkit::roles;
use trials::Tests;

fn main() {
    roles::run(&[
        ("create-under-umask", permissions::create_under_umask),
        ("fill-small-tmpfs", space::fill_small_tmpfs),
        ("use-bare-names", directories::use_bare_names),
        ("visit", opening::visit),
        ("exchange", races::exchange),
        ("squat", races::squat),
        ("make", opening::make),
        ("use-relative-paths", ways::use_relative_paths),
        ("live-below", ways::live_below),
        ("keep-to-itself", ways::keep_to_itself),
        ("live-without-root", ways::live_without_root),
    ]);
    trials::run_in_turn(&[
        fields::TESTS,
        mismatch::TESTS,
        files::TESTS,
        permissions::TESTS,
        space::TESTS,
        directories::TESTS,
        owners::TESTS,
        ways::TESTS,
        races::TESTS,
    ]);
}
