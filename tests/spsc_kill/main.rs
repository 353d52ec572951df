//! The producer or the consumer of a ring is killed, with SIGKILL: at every instruction of
//! each operation, and at random while messages flow. Whoever comes next goes on, and
//! every message is accounted for.
//!
//! `KILL_ALL=1` kills at every instruction of attaching and detaching in all cases, and ten
//! times as often at random.

mod case;
mod flow;
#[path = "../support/layout.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod layout;
mod numbered;
mod operation;
mod random;
mod stepping;
mod survivors;
mod template;
mod victim;

use std::sync::Mutex;

use ironring::Delivery;
use ironring_testkit::{Role, cores, roles};
use libtest_mimic::{Arguments, Failed, Trial};

use numbered::{Numbered, Sample};
use operation::Operation;

/// Kills at random, of one ring; there are eight.
const KILLS: u64 = 500;

/// Cores on which no operation is being stepped through.
static FREE_CORES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn main() {
    roles::run(&[
        ("driver", stepping::driver),
        (<[u8]>::NAME, victim::run::<[u8]>),
        (Sample::NAME, victim::run::<Sample>),
        ("bytes producer", flow::produce::<[u8]>),
        ("bytes consumer", flow::consume::<[u8]>),
        ("typed producer", flow::produce::<Sample>),
        ("typed consumer", flow::consume::<Sample>),
    ]);
    *FREE_CORES.lock().expect("not poisoned") = cores();
    let stepped = Operation::ALL.iter().filter(|_| cfg!(target_arch = "x86_64"));
    let mut trials: Vec<_> = stepped
        .map(|&operation| {
            let name = format!("killed at every instruction of {operation}");
            Trial::test(name, move || step_through(operation))
        })
        .collect();
    for capacity in [2, 1024] {
        for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
            trials.push(at_random::<[u8]>(capacity, delivery));
            trials.push(at_random::<Sample>(capacity, delivery));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Whether everything is to be done, however long it takes.
fn is_everything_wanted() -> bool {
    std::env::var_os("KILL_ALL").is_some_and(|value| value == "1")
}

fn step_through(operation: Operation) -> Result<(), Failed> {
    let core = FREE_CORES.lock()?.pop();
    let mut driver = Role::new("driver").arg(operation);
    if let Some(core) = core {
        driver = driver.pin(core);
    }
    let exit = driver.spawn()?.wait();
    FREE_CORES.lock()?.extend(core);
    if exit.success() { Ok(()) } else { Err(exit.into()) }
}

fn at_random<M: Numbered + ?Sized>(capacity: u64, delivery: Delivery) -> Trial {
    let kills = if is_everything_wanted() { 10 * KILLS } else { KILLS };
    let name = format!("killed at random, {}, {capacity} messages, {delivery}", M::NAME);
    Trial::test(name, move || Ok(random::kill_at_random::<M>(capacity, delivery, kills)?))
}
