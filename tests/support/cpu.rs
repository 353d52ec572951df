//! What was used of the processors.

#![allow(dead_code, reason = "no test needs all of it")]

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

/// How often `who`, this process or thread, has let go of a processor by itself: where it sleeps
/// only in waits, how many of those slept.
pub(crate) fn sleeps(who: libc::c_int) -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the kernel writes one rusage, for which there is room.
    let done = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    assert_eq!(done, 0, "getrusage");
    // SAFETY: it was written.
    let usage = unsafe { usage.assume_init() };
    usage.ru_nvcsw as u64
}
