//! One operation, killed at one instruction after another.

use std::io;

use crate::{Exit, Role, Step};

/// Kills a fresh victim after 0, `stride`, 2 `stride`, ... instructions of its operation, until the
/// operation ends by itself. Returns how many instructions that took.
///
/// `make_role` prepares a victim. Each is killed with SIGKILL and reaped before `after` is called
/// with the number of instructions that it did, a greater one each time; the last call is for a
/// victim that had done them all. The last [`END_INSTRUCTIONS`](crate::mark::END_INSTRUCTIONS) points
/// are those of the end mark, where the operation is complete as well.
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
    let mut last = None;
    for point in (0..).step_by(usize::try_from(stride).map_err(io::Error::other)?) {
        let mut victim = make_role().spawn_traced()?;
        let (taken, ended) = match victim.step(point) {
            Step::Inside { taken } => (taken, false),
            Step::Ended { taken } => (taken, true),
            Step::Died(exit) => return Err(io::Error::other(exit)),
        };
        let exit = victim.kill();
        if exit != Exit::KILLED {
            return Err(io::Error::other(exit));
        }
        // The victim before may have stood just before the end mark's trap.
        if last.replace(taken) != Some(taken) {
            after(taken);
        }
        if ended {
            return Ok(taken);
        }
    }
    unreachable!("no operation takes 2^64 instructions")
}
