//! What a bad neighbour can do with the file under a ring: cut it short.

mod chain;
#[path = "../support/trials.rs"]
mod trials;
mod truncated;

use ironring_testkit::roles;

fn main() {
    roles::run(&[
        ("spsc user", truncated::user::<ironring::spsc::Spsc>),
        ("mpmc user", truncated::user::<ironring::mpmc::Mpmc>),
        ("stranger", chain::stranger),
    ]);
    trials::run_in_turn(&[truncated::TESTS, chain::TESTS]);
}
