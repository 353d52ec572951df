//! What is opened is checked, field by field; what is made is safe from others. Each
//! refusal says what was found and what was expected.

#[path = "../support/mod.rs"]
mod support;

mod cases;
mod directories;
mod fields;
mod files;
mod mismatch;
mod permissions;
mod space;

use ironring_testkit::roles;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    roles::run(&[
        ("create-under-umask", permissions::create_under_umask),
        ("fill-small-tmpfs", space::fill_small_tmpfs),
        ("use-bare-names", directories::use_bare_names),
    ]);
    let mut trials = Vec::new();
    for tests in
        [fields::TESTS, mismatch::TESTS, files::TESTS, permissions::TESTS, space::TESTS, directories::TESTS]
    {
        trials.extend(tests.iter().map(|(name, test)| {
            let test = *test;
            Trial::test(*name, move || {
                test();
                Ok::<(), Failed>(())
            })
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Tests by name, each of which panics if it fails.
type Tests = &'static [(&'static str, fn())];
