//! One operation, killed at one instruction after another.

use std::io;

use crate::{Exit, Role, Step, Traced, Trail};

/// Kills a fresh victim after 0, `stride`, 2 `stride`, ... instructions of its operation, until the
/// operation ends by itself. Returns how many instructions that took.
///
/// `make_role` prepares a victim, which must take the same instructions each time: the first is
/// stepped through the operation for its [`Trail`], which the others follow. (One that goes another
/// way, in the kernel's code that reads the clock, say, is replaced by one that is stepped.) Each of these is
/// killed with SIGKILL and reaped before `after` is called with the number of instructions that it
/// did, a greater one each time; the last call is for a victim that had done them all. The last
/// [`END_INSTRUCTIONS`](crate::mark::END_INSTRUCTIONS) points are those of the end mark, where the
/// operation is complete as well.
///
/// ```no_run
/// use ironring_testkit::{Ledger, Role, kill_at_every_instruction};
///
/// let ledger = Ledger::new(1)?;
/// let length = kill_at_every_instruction(
///     || Role::new("sender").ledger(&ledger),
///     1,
///     |k| println!("killed after {k} instructions, sent {}", ledger.get(0)),
/// )?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// As [`Role::spawn_traced`], and the [`Exit`] of a victim that died by itself.
///
/// # Panics
///
/// If `stride` is 0.
pub fn kill_at_every_instruction(
    make_role: impl Fn() -> Role,
    stride: u64,
    mut after: impl FnMut(u64),
) -> io::Result<u64> {
    assert!(stride > 0, "a stride of 0 kills at the same instruction for ever");
    let trail = Trail::of(&mut make_role().spawn_traced()?).map_err(io::Error::other)?;
    let length = trail.length();
    let points = (0..length).step_by(usize::try_from(stride).map_err(io::Error::other)?);
    for point in points.chain([length]) {
        let mut victim = victim_at(point, &trail, &make_role)?;
        let exit = victim.kill();
        if exit != Exit::KILLED {
            return Err(io::Error::other(exit));
        }
        after(point);
    }
    Ok(length)
}

/// A fresh victim that has done `point` instructions of its operation.
fn victim_at(point: u64, trail: &Trail, make_role: impl Fn() -> Role) -> io::Result<Traced> {
    let mut victim = make_role().spawn_traced()?;
    match victim.follow(trail, point) {
        Some(Step::Inside { .. }) => return Ok(victim),
        Some(Step::Died(exit)) => return Err(io::Error::other(exit)),
        // It went another way, as when the clock was just being set: the next one walks.
        Some(Step::Ended { .. }) | None => drop(victim),
    }
    let mut victim = make_role().spawn_traced()?;
    match victim.step(point) {
        Step::Inside { .. } | Step::Ended { .. } => Ok(victim),
        Step::Died(exit) => Err(io::Error::other(exit)),
    }
}
