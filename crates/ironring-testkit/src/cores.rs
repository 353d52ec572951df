//! Which cores this thread may run on.

use std::cell::Cell;
use std::io;

use libc::pid_t;

use crate::sys;

/// A set of cores, as the kernel's affinity calls take it: bit `n` stands for core `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoreSet([u64; 16]);

impl CoreSet {
    pub(crate) fn only(core: usize) -> io::Result<CoreSet> {
        let mut set = CoreSet([0; 16]);
        let word = set
            .0
            .get_mut(core / 64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("there is no core {core}")))?;
        *word = 1 << (core % 64);
        Ok(set)
    }

    /// The cores that the thread `tid` may run on; 0 is the calling thread.
    fn of(tid: pid_t) -> io::Result<CoreSet> {
        let mut set = CoreSet([0; 16]);
        let room = size_of_val(&set.0);
        // SAFETY: the kernel writes at most `room` bytes to the array, which is as large.
        sys::check(unsafe { libc::sched_getaffinity(tid, room, set.0.as_mut_ptr().cast()) })?;
        Ok(set)
    }

    /// Lets the thread `tid` run on these cores only; 0 is the calling thread. Only a system call:
    /// callable between fork and exec.
    pub(crate) fn apply(&self, tid: pid_t) -> io::Result<()> {
        let size = size_of_val(&self.0);
        // SAFETY: the kernel reads `size` bytes of the array, which is as large.
        sys::check(unsafe { libc::sched_setaffinity(tid, size, self.0.as_ptr().cast()) })?;
        Ok(())
    }

    fn list(&self) -> Vec<usize> {
        (0..self.0.len() * 64).filter(|core| self.0[core / 64] >> (core % 64) & 1 == 1).collect()
    }
}

/// Binds the calling thread, and what it will spawn, to `core`.
///
/// ```
/// let core = ironring_testkit::cores()[0];
/// std::thread::spawn(move || ironring_testkit::pin_to_core(core)).join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// If there is no such core or this process may not use it.
pub fn pin_to_core(core: usize) -> io::Result<()> {
    CoreSet::only(core)?.apply(0)
}

/// The cores that the calling thread may run on, in rising order; at least one.
///
/// ```
/// assert!(!ironring_testkit::cores().is_empty());
/// ```
///
/// # Panics
///
/// On a machine of more than 1,024 cores.
pub fn cores() -> Vec<usize> {
    CoreSet::of(0).expect("1,024 cores are enough").list()
}

thread_local! {
    /// How many `Stay`s this thread has, and where it was allowed to run before the first.
    static STAYS: Cell<Option<(usize, CoreSet)>> = const { Cell::new(None) };
}

/// Keeps the calling thread on one core until the last of its `Stay`s is dropped. The first chooses
/// the core. Belongs to its thread: whoever holds one must not be `Send`.
#[derive(Debug)]
pub(crate) struct Stay {
    /// Where the thread was allowed to run before.
    pub(crate) before: CoreSet,
}

impl Stay {
    /// On `core`, or where the thread happens to be.
    pub(crate) fn on(core: Option<usize>) -> io::Result<Stay> {
        let (count, before) = match STAYS.get() {
            Some(stays) => stays,
            None => {
                let before = CoreSet::of(0)?;
                let core = match core {
                    Some(core) => core,
                    None => current_core()?,
                };
                pin_to_core(core)?;
                (0, before)
            }
        };
        STAYS.set(Some((count + 1, before)));
        Ok(Stay { before })
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        STAYS.set(match STAYS.get() {
            Some((count, before)) if count > 1 => Some((count - 1, before)),
            _ => {
                // Fails only if the cores were taken from this process; then it keeps the one it has.
                let _ = self.before.apply(0);
                None
            }
        });
    }
}

pub(crate) fn current_core() -> io::Result<usize> {
    // SAFETY: sched_getcpu has no preconditions.
    let core = sys::check(unsafe { libc::sched_getcpu() })?;
    usize::try_from(core).map_err(io::Error::other)
}
