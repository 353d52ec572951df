//! Victims of an exchange ring: processes that are stepped through one operation, and what
//! the others do meanwhile and afterwards.
//!
//! What may have become of each message is not written down case by case. An operation is a
//! list of effects; a [`world::World`] is a queue to which the first so many of them were
//! done; and whatever the survivors see rules worlds out. If none is left, the ring has done
//! what no queue does.

#![allow(dead_code, reason = "no test needs all of it")]

pub(crate) mod account;
pub(crate) mod operation;
pub(crate) mod rest;
pub(crate) mod rig;
pub(crate) mod scene;
pub(crate) mod survivors;
pub(crate) mod victim;
pub(crate) mod world;

use ironring_testkit::{
    Args,
    roles::{self, RoleFn},
};
use libtest_mimic::Arguments;

use self::operation::Operation;
use crate::kills::{
    drivers,
    numbered::{Numbered, Sample},
    tally::Tally,
    watchdog,
};

/// What `main` does: the role that the process was started for; else a trial for each of
/// `operations`, called `what` and the operation, whose cases `driver` goes through.
pub(crate) fn run(what: &str, operations: &[Operation], driver: RoleFn) {
    roles::run(&[
        (drivers::DRIVER, driver),
        (<[u8]>::NAME, victim::run::<[u8]>),
        (Sample::NAME, victim::run::<Sample>),
    ]);
    let trials = drivers::trials(what, operations);
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// What a driver does: `step` through the cases of its operation.
pub(crate) fn drive(mut args: Args, step_through: impl FnOnce(Operation, &mut Tally)) {
    let operation = args.parse("operation");
    let mut tally = Tally::default();
    watchdog::start();
    step_through(operation, &mut tally);
    tally.close(operation);
}
