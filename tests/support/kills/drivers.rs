//! The processes that go through the cases of an operation each, so that nothing else forks
//! while one has rings open.

use std::{fmt::Display, sync::Mutex};

use ironring_testkit::{Role, Trail, cores};
use libtest_mimic::{Failed, Trial};

/// The role of such a process; its argument is the operation.
pub(crate) const DRIVER: &str = "driver";

/// Cores on which no operation is being stepped through.
static FREE_CORES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Whether everything is to be done, however long it takes.
pub(crate) fn is_everything_wanted() -> bool {
    std::env::var_os("KILL_ALL").is_some_and(|value| value == "1")
}

/// The points of `trail` at which victims are killed: all, if everything is wanted; else those
/// at which the ring has just changed, and of the others every so manieth, by how long the
/// operation is: what lies between two changes looks the same to all who live.
pub(crate) fn points(trail: &Trail, aim: u64) -> Vec<u64> {
    let stride = if is_everything_wanted() { 1 } else { (trail.length() / aim).max(1) };
    trail.points(stride)
}

/// A trial for each of `operations`, called what it is and the operation; none where
/// processes cannot be stepped.
pub(crate) fn trials<T: Display + Copy + Send + 'static>(what: &str, operations: &[T]) -> Vec<Trial> {
    *FREE_CORES.lock().expect("not poisoned") = cores();
    let stepped = operations.iter().filter(|_| cfg!(target_arch = "x86_64"));
    stepped
        .map(|&operation| Trial::test(format!("{what} {operation}"), move || step_through(operation)))
        .collect()
}

fn step_through(operation: impl Display) -> Result<(), Failed> {
    let core = FREE_CORES.lock()?.pop();
    let mut driver = Role::new(DRIVER).arg(operation);
    if let Some(core) = core {
        driver = driver.pin(core);
    }
    let exit = driver.spawn()?.wait();
    FREE_CORES.lock()?.extend(core);
    if exit.success() { Ok(()) } else { Err(exit.into()) }
}
