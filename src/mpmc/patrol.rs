//! Noticing the dead. Nobody waits for them, so this only serves to deliver again, soon,
//! what they held.
//!
//! Who looks, and when: whoever attaches; every consumer, as part of receiving, once
//! [`INTERVAL_NS`] have passed, of which it makes sure every [`OPERATIONS`] slots and every
//! few times that it finds the ring empty; and [`Ring::recover`](super::Ring::recover).

use std::sync::atomic::{AtomicUsize, Ordering as Std};

use super::{recovered::Recovered, repair::repair, shared::Shared};
use crate::{Error, liveness::RecordLock, record::Record, region::Region, waiting::wake_everybody};

/// Slots that a consumer takes between two looks at the clock.
const OPERATIONS: u32 = 64;
/// How much nearer finding the ring empty brings the next look at the clock.
const EMPTY_COUNTS: u32 = 8;
/// Nanoseconds between two looks at the other participants.
const INTERVAL_NS: u64 = 10_000_000;

/// When a consumer looks for the dead next.
#[derive(Debug)]
pub(super) struct Patrol {
    left: u32,
    next_ns: u64,
}

impl Patrol {
    pub(super) const fn new() -> Self {
        Self { left: OPERATIONS, next_ns: 0 }
    }

    /// Whether the clock is to be looked at before the next operation.
    #[inline(always)]
    pub(super) const fn is_due(&self) -> bool {
        self.left <= 1
    }

    /// Counts an operation.
    #[inline(always)]
    pub(super) const fn count(&mut self) {
        self.left = self.left.wrapping_sub(1);
    }

    /// Counts a ring found empty as several operations.
    #[inline(always)]
    pub(super) fn found_empty(&mut self) {
        self.left = self.left.saturating_sub(EMPTY_COUNTS).max(1);
    }

    /// Looks at the clock, if that is due; true if the others are to be looked at now.
    pub(super) fn begin(&mut self) -> bool {
        if !self.is_due() {
            return false;
        }
        self.left = OPERATIONS;
        let now = clock_ns();
        let is_time = now >= self.next_ns;
        if is_time {
            self.next_ns = now + INTERVAL_NS;
        }
        is_time
    }

    /// Makes the next operation look.
    pub(super) fn hurry(&mut self) {
        self.left = 1;
        self.next_ns = 0;
    }
}

/// The monotonic clock to some milliseconds, without a system call where the system can.
#[cfg(not(loom))]
fn clock_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// In a model it is never time: it looks where it wants to.
#[cfg(loom)]
fn clock_ns() -> u64 {
    0
}

/// The record of a participant that is gone, kept locked while its messages are delivered.
#[derive(Debug)]
pub(super) struct Adopted {
    pub(super) number: u32,
    /// Slots with messages that are still to be released.
    left: AtomicUsize,
    _lock: RecordLock,
}

impl Adopted {
    pub(super) fn new(lock: RecordLock, number: u32, left: usize) -> Self {
        Self { number, left: AtomicUsize::new(left), _lock: lock }
    }

    /// Counts a slot as released or set aside; true if it was the last.
    pub(super) fn finish_one(&self) -> bool {
        self.left.fetch_sub(1, Std::AcqRel) == 1
    }

    pub(super) fn is_over(&self) -> bool {
        self.left.load(Std::Acquire) == 0
    }
}

/// Repairs what each participant left that died, but for those `skipped`, and shows each
/// whose record may hold messages to `found`, locked.
pub(super) fn look_round(
    region: &Region,
    shared: &Shared,
    skipped: [Option<u32>; 2],
    mut found: impl FnMut(RecordLock, u32, Option<Recovered>) -> Result<(), Error>,
) -> Result<(), Error> {
    for number in shared.participants() {
        let at = shared.exchange.record(number);
        let record = Record::at(at, region.mapping());
        let may_be_left = record.is_attached() || shared.holds_messages(number)?;
        if skipped.contains(&Some(number)) || !may_be_left || region.is_locked(at)? {
            continue;
        }
        let Some(lock) = RecordLock::try_take(region, at)? else { continue };
        let recovered = repair(shared, number, &record)?;
        if record.is_attached() {
            record.set_recovered();
            // It may have been killed before it could wake who waits.
            wake_everybody(region.mapping(), || region.touch());
        }
        found(lock, number, recovered)?;
    }
    Ok(())
}
