//! What was used of the processors.

use std::{mem::MaybeUninit, time::Duration};

/// What `clock` counts: the time of this process, or of this thread.
pub(crate) fn used(clock: libc::clockid_t) -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the kernel writes one timespec, for which there is room.
    let done = unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    assert_eq!(done, 0, "clock_gettime");
    // SAFETY: it was written.
    let time = unsafe { time.assume_init() };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
