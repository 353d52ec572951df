//! What the others see of a participant of an exchange ring that was killed.

mod held;
#[path = "../support/trials.rs"]
mod trials;
mod victim;

use ironring_testkit::roles;

fn main() {
    roles::run(&[("victim", victim::run)]);
    trials::run(&[held::TESTS]);
}
