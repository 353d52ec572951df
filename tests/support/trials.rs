//! Tests that start processes, and so have a `main` of their own.

#![allow(dead_code, reason = "no test needs all of it")]

use libtest_mimic::{Arguments, Trial};

/// Tests by name, each of which panics if it fails.
pub(crate) type Tests = &'static [(&'static str, fn())];

/// Runs `tests`, and ends the process.
pub(crate) fn run(tests: &[Tests]) -> ! {
    run_by(&Arguments::from_args(), tests)
}

/// The same, one after the other: a fork in one thread copies what another one has open just then.
pub(crate) fn run_in_turn(tests: &[Tests]) -> ! {
    run_by(&Arguments { test_threads: Some(1), ..Arguments::from_args() }, tests)
}

fn run_by(arguments: &Arguments, tests: &[Tests]) -> ! {
    let trial = |&(name, test): &(&'static str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = tests.iter().flat_map(|tests| tests.iter().map(trial)).collect();
    libtest_mimic::run(arguments, trials).exit()
}
