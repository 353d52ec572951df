//! A region's life: sealed or named, passed on, removed while others hold it.

#[path = "../support/mod.rs"]
mod support;

mod memfd;
mod memory;
mod removal;

use ironring_testkit::roles;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    roles::run(&[
        ("send-through-fd", memfd::send_through_fd),
        ("use-a-hugetlbfs", memory::use_a_hugetlbfs),
        ("send-by-name", memory::send_by_name),
        ("echo-until-retired", removal::echo_until_retired),
    ]);
    let mut trials = Vec::new();
    for tests in [memfd::TESTS, memory::TESTS, removal::TESTS] {
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
