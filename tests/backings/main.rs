//! A ring behaves alike in every kind of memory, across processes, kills included; and how a ring gets
//! from one process to another.

#[path = "../support/mod.rs"]
mod support;

mod handshake;
mod kills;
mod life;

use ironring_testkit::roles;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    roles::run(&[
        ("spsc-send", kills::send::<ironring::spsc::Spsc>),
        ("mpmc-send", kills::send::<ironring::mpmc::Mpmc>),
        ("spsc-hold", kills::hold::<ironring::spsc::Spsc>),
        ("mpmc-hold", kills::hold::<ironring::mpmc::Mpmc>),
        ("inherit", life::inherit),
    ]);
    let mut trials = Vec::new();
    for tests in [handshake::TESTS, kills::TESTS, life::TESTS] {
        trials.extend(tests.iter().map(|(name, test)| {
            let test = *test;
            Trial::test(*name, move || {
                test();
                Ok::<(), Failed>(())
            })
        }));
    }
    let mut arguments = Arguments::from_args();
    // A fork in one thread copies what another one has open just then.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit();
}

/// Tests by name, each of which panics if it fails.
type Tests = &'static [(&'static str, fn())];
