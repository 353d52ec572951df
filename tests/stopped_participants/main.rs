//! A participant of an exchange ring is stopped at every instruction of an operation, and lives.
//! The others do a fixed amount of work meanwhile, more than two laps of the ring, and wait for
//! nothing; nobody repairs it; and when it goes on, it ends its operation as if nothing had been.

#[path = "../support/kills/mod.rs"]
mod kills;
mod stopped;
#[path = "../support/victims/mod.rs"]
mod victims;

use ironring::mpmc as kind;
use ironring_testkit::Args;

fn main() {
    victims::run("stopped at every instruction of", stopped::OPERATIONS, driver);
}

/// The role that goes through an operation's cases.
fn driver(args: Args) {
    victims::drive(args, stopped::step_through);
}
