//! One operation, killed at one instruction after another.

use std::io;

use crate::{Exit, Role, Step, Trail};

/// Kills a fresh victim after 0, `stride`, 2 `stride`, ... instructions of its operation, until the
/// operation ends by itself. Returns how many instructions that took.
///
/// `make_role` prepares a victim, which must take the same instructions each time: the first is
/// stepped through the operation for its [`Trail`], which the others follow. Each of these is
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
/// As [`Role::spawn_traced`], the [`Exit`] of a victim that died by itself, and if one took fewer
/// instructions than the first.
///
/// # Panics
///
/// If `stride` is 0, or as [`Traced::follow`](crate::Traced::follow) if a victim goes another way.
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
        let mut victim = make_role().spawn_traced()?;
        match victim.follow(&trail, point) {
            Step::Inside { .. } => {}
            Step::Ended { taken } => return Err(shorter(point, taken)),
            Step::Died(exit) => return Err(io::Error::other(exit)),
        }
        let exit = victim.kill();
        if exit != Exit::KILLED {
            return Err(io::Error::other(exit));
        }
        after(point);
    }
    Ok(length)
}

fn shorter(point: u64, taken: u64) -> io::Error {
    io::Error::other(format!("the operation took {taken} instructions, in an earlier run {point} or more"))
}
