//! The producer or the consumer of a ring is killed, with SIGKILL: at every instruction of
//! each operation, and at random while messages flow. Whoever comes next goes on, and
//! every message is accounted for.
//!
//! `KILL_ALL=1` kills at every instruction of attaching and detaching in all cases, and ten
//! times as often at random.

mod case;
mod flow;
#[path = "../support/kills/mod.rs"]
mod kills;
#[path = "../support/layout.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod layout;
mod operation;
mod placed;
mod random;
mod stepping;
mod survivors;
mod template;
mod victim;

use ironring::{Delivery, spsc as kind};
use ironring_testkit::roles;
use libtest_mimic::{Arguments, Trial};

use kills::{
    drivers::{self, is_everything_wanted},
    numbered::{Numbered, Sample},
};
use operation::Operation;

/// Kills at random, of one ring; there are eight.
const KILLS: u64 = 500;

fn main() {
    roles::run(&[
        (drivers::DRIVER, stepping::driver),
        (<[u8]>::NAME, victim::run::<[u8]>),
        (Sample::NAME, victim::run::<Sample>),
        ("bytes producer", flow::produce::<[u8]>),
        ("bytes consumer", flow::consume::<[u8]>),
        ("typed producer", flow::produce::<Sample>),
        ("typed consumer", flow::consume::<Sample>),
    ]);
    let mut trials = drivers::trials("killed at every instruction of", Operation::ALL);
    for capacity in [2, 1024] {
        for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
            trials.push(at_random::<[u8]>(capacity, delivery));
            trials.push(at_random::<Sample>(capacity, delivery));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn at_random<M: Numbered + ?Sized>(capacity: u64, delivery: Delivery) -> Trial {
    let kills = if is_everything_wanted() { 10 * KILLS } else { KILLS };
    let name = format!("killed at random, {}, {capacity} messages, {delivery}", M::NAME);
    Trial::test(name, move || Ok(random::kill_at_random::<M>(capacity, delivery, kills)?))
}
