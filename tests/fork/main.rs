//! What a forked child has of its parent's ring, and what it keeps alive: nothing but
//! the ring itself.
//!
//! Each test is a process of its own with one thread, started afresh, that forks.

#[path = "../support/mod.rs"]
mod support;

mod handles;
mod heirs;

use ironring_testkit::{Role, roles};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let mut all = vec![("holder", heirs::hold as roles::RoleFn)];
    all.extend(handles::ROLES);
    roles::run(&all);
    let mut arguments = Arguments::from_args();
    // A fork in one thread copies what another one has open just then.
    arguments.test_threads = Some(1);
    let mut trials: Vec<_> =
        handles::ROLES.iter().map(|(name, _)| Trial::test(*name, || run(name))).collect();
    trials.extend(heirs::TESTS.iter().map(|(name, heir)| {
        Trial::test(*name, move || {
            heirs::successor_attaches_while_the_heir_lives(*heir);
            Ok(())
        })
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Runs a role that is a test by itself.
fn run(name: &str) -> Result<(), Failed> {
    let exit = Role::new(name).spawn()?.wait();
    if exit.success() { Ok(()) } else { Err(exit.to_string().into()) }
}
