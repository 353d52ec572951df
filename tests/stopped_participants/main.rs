//! A participant of an exchange ring is stopped at every instruction of an operation, and lives.
//! The others do a fixed amount of work meanwhile, more than two laps of the ring, and wait for
//! nothing; nobody repairs it; and when it goes on, it ends its operation as if nothing had been.

#[path = "../support/kills/mod.rs"]
mod kills;
mod stopped;
#[path = "../support/victims/mod.rs"]
mod victims;

use ironring::mpmc as kind;
use ironring_testkit::{Args, roles};
use libtest_mimic::Arguments;

use kills::{
    drivers,
    numbered::{Numbered, Sample},
    tally::Tally,
    watchdog,
};
use victims::{operation::Operation, victim};

fn main() {
    roles::run(&[
        (drivers::DRIVER, driver),
        (<[u8]>::NAME, victim::run::<[u8]>),
        (Sample::NAME, victim::run::<Sample>),
    ]);
    let trials = drivers::trials("stopped at every instruction of", stopped::OPERATIONS);
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The role that goes through an operation's cases.
fn driver(mut args: Args) {
    let operation: Operation = args.parse("operation");
    let mut tally = Tally::default();
    watchdog::start();
    stopped::step_through(operation, &mut tally);
    tally.close(operation);
}
