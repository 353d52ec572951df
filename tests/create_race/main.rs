//! Sixteen processes create, open and remove one name and are killed at random, a
//! thousand rounds long: who survives sees one valid ring.
//!
//! A round is a storm, in which every process does what it likes and some are killed at
//! any instruction, a calm, in which all finish what they are doing, and a gathering, in
//! which all sixteen open the ring, say which it is, and one of them receives what
//! another one sends.

#[path = "../support/mod.rs"]
mod support;

mod actor;
mod board;
mod no_unnamed_files;
mod storm;

use ironring_testkit::roles;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    roles::run(&[("actor", actor::act), ("sweeper", storm::sweep)]);
    let mut arguments = Arguments::from_args();
    // Each has more processes than this machine has cores.
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test("survivors_see_one_valid_ring", || run(1000, false)),
        Trial::test("survivors_see_one_valid_ring_without_unnamed_files", || run(300, true)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn run(rounds: u64, no_unnamed_files: bool) -> Result<(), Failed> {
    storm::run(rounds, no_unnamed_files);
    Ok(())
}
