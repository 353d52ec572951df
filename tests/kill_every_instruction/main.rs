//! A participant of an exchange ring is killed, with SIGKILL, at every instruction of each
//! operation: at once, or after it stood still while the others moved the ring on by more than
//! two laps. The others go on without waiting for it, repair what it left, and every message
//! is accounted for; whoever repairs is killed in the same way.
//!
//! `KILL_ALL=1` does so at every instruction of all cases, else of a part of them: see `case`.

mod aftermath;
mod case;
mod dead;
#[path = "../support/kills/mod.rs"]
mod kills;
mod repair;
mod stepping;
#[path = "../support/victims/mod.rs"]
mod victims;

use ironring::mpmc as kind;
use ironring_testkit::Args;
use victims::operation::Operation;

fn main() {
    victims::run("killed at every instruction of", Operation::ALL, driver);
}

/// The role that goes through an operation's cases.
fn driver(args: Args) {
    victims::drive(args, |operation, tally| {
        if operation.repairs() {
            repair::step_through(operation, tally);
        } else {
            stepping::step_through(operation, tally);
        }
    });
}
