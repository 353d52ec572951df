//! One operation, killed at one instruction after another.

use std::io;

use crate::{Exit, Role, Trail};

/// Kills a fresh victim after 0, `stride`, 2 `stride`, ... instructions of its operation, until the
/// operation ends by itself. Returns how many instructions that took.
///
/// `make_role` prepares a victim, which must take the same instructions each time: the first is
/// stepped through the operation for its [`Trail`], to whose points the others are
/// [brought](Trail::bring). Each of these is killed with SIGKILL and reaped before `after` is called
/// with the number of instructions that it did, a greater one each time; the last call is for a victim
/// that had done them all. The last [`END_INSTRUCTIONS`](crate::mark::END_INSTRUCTIONS) points are
/// those of the end mark, where the operation is complete as well.
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
    let spawn = || make_role().spawn_traced();
    let trail = Trail::of(&mut spawn()?).map_err(io::Error::other)?;
    for point in trail.points(stride) {
        let exit = trail.bring(point, spawn)?.kill();
        if exit != Exit::KILLED {
            return Err(io::Error::other(exit));
        }
        after(point);
    }
    Ok(trail.length())
}
