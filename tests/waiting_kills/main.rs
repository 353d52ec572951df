//! Those who wait, and those who wake them, are killed with SIGKILL: at every instruction of a wait and
//! of a wake-up, and at random. The others are served within the bound, and no mark is left behind
//! that costs them for ever. A waker that only stands still, as a stopped one does, delays nobody
//! longer either.
//!
//! `KILL_ALL=1` kills at every instruction, and ten times as often at random.

#[path = "../support/cpu.rs"]
mod cpu;
mod end;
#[path = "../support/kills/mod.rs"]
mod kills;
mod operation;
#[path = "../support/peer.rs"]
mod peer;
mod point;
mod random;
mod scene;
mod stepping;
#[path = "../support/mod.rs"]
mod support;
mod tally;

use ironring::{mpmc as kind, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::roles;
use kills::drivers;
use libtest_mimic::Arguments;
use operation::Operation;

fn main() {
    roles::run(&[
        (drivers::DRIVER, stepping::driver),
        ("spsc::victim", operation::victim::<Spsc>),
        ("mpmc::victim", operation::victim::<Mpmc>),
        ("spsc::waiter", random::wait::<Spsc>),
        ("mpmc::waiter", random::wait::<Mpmc>),
    ]);
    let mut trials = drivers::trials("killed at every instruction of", Operation::ALL);
    trials.extend(random::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
