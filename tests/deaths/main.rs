//! What the others see of a participant of an exchange ring that was killed.

mod held;
mod victim;

use ironring_testkit::roles;
use libtest_mimic::{Arguments, Trial};

fn main() {
    roles::run(&[("victim", victim::run)]);
    let trial = |&(name, test): &(&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = held::TESTS.iter().map(trial);
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
