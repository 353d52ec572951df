//! Who lives, in a loom model.
//!
//! One that is killed stores nothing from then on, and lets go of its locks when its handle
//! is dropped: as with the kernel, at some time after its last store.

use std::sync::Arc;

use loom::sync::atomic::Ordering;

use crate::{
    Error,
    error::NotHere,
    memory::Mapping,
    record::{Record, Role},
    region::Region,
    waiting::{Signals, WhenAlone},
};

/// The lock on the record of a participant in an exchange ring.
#[derive(Debug)]
pub(crate) struct RecordLock {
    region: Region,
    record: usize,
}

impl RecordLock {
    /// Locks the record at `record`, unless its holder lives.
    #[expect(clippy::unnecessary_wraps, reason = "outside of a model it may fail")]
    pub(crate) fn try_take(region: &Region, record: usize) -> Result<Option<Self>, Error> {
        if region.mapping().life().is_over() {
            return Ok(None);
        }
        let lock = region.mapping().memory().lock(region.number_of(record));
        // Acquire and Release: the kernel's locks order what is done under them.
        let taken = lock.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        Ok(taken.then(|| Self { region: region.clone(), record }))
    }
}

impl Drop for RecordLock {
    fn drop(&mut self) {
        let number = self.region.number_of(self.record);
        self.region.mapping().memory().lock(number).store(false, Ordering::Release);
    }
}

/// A place among a ring's participants.
#[derive(Debug)]
pub struct Seat {
    region: Region,
    role: Role,
    record: usize,
    lock: Option<RecordLock>,
    is_announced: std::sync::atomic::AtomicBool,
    signals: Signals,
}

impl Seat {
    /// Takes `role` in an SPSC ring. That one participant at a time has it is up to the
    /// model, which lets a successor start only when it has joined the thread of the
    /// participant before: that stands for the kernel's lock.
    #[expect(clippy::unnecessary_wraps, reason = "outside of a model it may fail")]
    pub(crate) fn take(region: &Region, role: Role) -> Result<Self, Error> {
        Ok(Self::of(region, role, role.record(), None))
    }

    /// Takes the first of `records` whose last holder is gone.
    pub(crate) fn take_first(
        region: &Region,
        records: impl IntoIterator<Item = usize>,
        role: Role,
    ) -> Result<Option<Self>, Error> {
        for record in records {
            if let Some(lock) = RecordLock::try_take(region, record)? {
                return Ok(Some(Self::of(region, role, record, Some(lock))));
            }
        }
        Ok(None)
    }

    fn of(region: &Region, role: Role, record: usize, lock: Option<RecordLock>) -> Self {
        let exchanges = region.identity().geometry.exchange.is_some();
        let signals = Signals::of(role, region.mapping(), region, exchanges);
        Self { region: region.clone(), role, record, lock, is_announced: Default::default(), signals }
    }

    pub(crate) const fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Whether the session is over in which it was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.signals.is_over()
    }

    /// In a model everybody waits for the next one.
    pub(crate) const fn when_alone(&self) -> WhenAlone {
        WhenAlone::Wait
    }

    /// In a model all look for what others have left where the model says so.
    pub(crate) const fn left(&self) -> u32 {
        0
    }

    pub(crate) const fn left_before(&self) -> u32 {
        0
    }

    /// Nobody asks in a model.
    pub(crate) const fn is_alone(&self, _: bool) -> bool {
        false
    }

    /// Says in the record who holds the role.
    pub(crate) fn announce(&self) {
        Record::at(self.record, self.region.mapping()).announce(self.role);
        self.is_announced.store(true, Ordering::Relaxed);
    }

    pub(crate) const fn mapping(&self) -> &Arc<Mapping> {
        self.region.mapping()
    }

    pub(crate) const fn region(&self) -> &Region {
        &self.region
    }

    /// Where its record lies.
    pub(crate) const fn record(&self) -> usize {
        self.record
    }

    /// Nobody forks in a model.
    pub(crate) const fn is_here(&self) -> bool {
        true
    }

    pub(crate) const fn not_here(&self) -> NotHere {
        NotHere::Forked
    }

    /// Nobody removes a model's ring.
    pub(crate) const fn is_retired(&self) -> bool {
        false
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.lock.is_some() && self.is_announced.load(Ordering::Relaxed) {
            Record::at(self.record, self.region.mapping()).set_detached();
        }
        self.signals.came_or_went();
    }
}
