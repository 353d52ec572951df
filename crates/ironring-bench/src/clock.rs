//! Clocks: of the machine, and of what a process takes of it.

use std::{
    mem::MaybeUninit,
    time::{Duration, Instant},
};

use ironring_testkit::floor;

/// The units of latencies in a nanosecond.
pub const UNITS: f64 = 10.0;
/// The unit of latencies in nanoseconds.
pub const UNIT_NS: f64 = 1.0 / UNITS;

/// A clock that is read in a few nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    ns_per_tick: f64,
    begun: u64,
}

impl Ticks {
    /// Begins at 0, after a few milliseconds in which it is set.
    #[must_use]
    pub fn new() -> Self {
        let (clock, first) = (Instant::now(), floor::ticks());
        while clock.elapsed() < Duration::from_millis(4) {
            std::hint::spin_loop();
        }
        let (ns, begun) = (clock.elapsed().as_nanos() as f64, floor::ticks());
        Self { ns_per_tick: ns / (begun - first) as f64, begun }
    }

    /// What it shows: to be given to the others.
    #[inline]
    #[must_use]
    pub fn now() -> u64 {
        floor::ticks()
    }

    /// From the beginning on.
    #[inline]
    #[must_use]
    pub fn since_begin(self, now: u64) -> Duration {
        Duration::from_nanos((now.saturating_sub(self.begun) as f64 * self.ns_per_tick) as u64)
    }

    /// Half of the time from one look to another, in [`UNITS`] of a nanosecond.
    #[inline]
    #[must_use]
    pub fn half(self, from: u64, to: u64) -> u64 {
        (to.saturating_sub(from) as f64 * self.ns_per_tick * (UNITS / 2.0)) as u64
    }
}

impl Default for Ticks {
    fn default() -> Self {
        Self::new()
    }
}

/// What the kernel's `clock` says, in nanoseconds.
///
/// # Panics
///
/// If there is no such clock.
#[must_use]
pub fn kernel_ns(clock: libc::clockid_t) -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the kernel writes one timespec, for which there is room.
    let done = unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    assert_eq!(done, 0, "clock_gettime");
    // SAFETY: it was written.
    let time = unsafe { time.assume_init() };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
