//! An exchange ring in a file, whose words can be written.

use std::{path::PathBuf, sync::atomic::Ordering::Relaxed};

use ironring::{
    Delivery, Options,
    fsck::{self, Report},
    mpmc::Ring,
};

use super::support::{raw::Raw, shared_memory};

/// Where the words of an exchange ring lie, after docs/LAYOUT.md.
pub(crate) const AT_TAIL: usize = 640;
pub(crate) const AT_HEAD: usize = 768;
pub(crate) const STATE: usize = 0;
pub(crate) const ROLE: usize = 56;
pub(crate) const INTENT: usize = 128;
pub(crate) const EXPECTED: usize = 136;
pub(crate) const HELD: usize = 168;

pub(crate) struct Fixture {
    _dir: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) ring: Ring<[u8]>,
    pub(crate) raw: Raw,
}

/// Four entries, two participants that hold three slots each: ten slots, of 64 bytes.
impl Fixture {
    pub(crate) fn new(delivery: Delivery) -> Self {
        let dir = shared_memory();
        let path = dir.path().join("ring");
        let options = Options::messages(4)
            .max_message(48)
            .participants(2)
            .holding(2)
            .delivery(delivery)
            .max_deliveries(if delivery == Delivery::AtLeastOnce { 3 } else { 0 });
        let ring = Ring::create(&path, &options).expect("a ring");
        let raw = Raw::open(&path);
        Self { _dir: dir, path, ring, raw }
    }

    pub(crate) fn check(&self) -> Report {
        fsck::check(&self.path).expect("a ring to look at")
    }

    pub(crate) fn must_be_whole(&self, when: &str) {
        let report = self.check();
        assert!(report.is_whole(), "{when}:\n{report}");
    }

    pub(crate) fn get(&self, at: usize) -> u64 {
        self.raw.word(at).load(Relaxed)
    }

    pub(crate) fn set(&self, at: usize, value: u64) {
        self.raw.word(at).store(value, Relaxed);
    }

    /// Sends `count` messages as one who comes and goes.
    pub(crate) fn send(&self, count: u8) {
        let mut producer = self.ring.producer().expect("place");
        for n in 0..count {
            producer.try_send(&[n; 5]).expect("room");
        }
    }

    /// Receives `count` messages as one who comes and goes.
    pub(crate) fn receive(&self, count: u8) {
        let mut consumer = self.ring.consumer().expect("place");
        for _ in 0..count {
            consumer.try_recv().expect("a message");
        }
    }
}

/// The word `offset` of a participant's record.
pub(crate) const fn record(number: usize, offset: usize) -> usize {
    4096 + 256 * number + offset
}

pub(crate) const fn held(number: usize, place: usize) -> usize {
    record(number, HELD + 8 * place)
}

pub(crate) const fn position(number: usize, place: usize) -> usize {
    held(number, 3 + place)
}

pub(crate) const fn entry(index: usize) -> usize {
    8192 + 8 * index
}

/// The word `offset` of a slot.
pub(crate) const fn slot(number: usize, offset: usize) -> usize {
    12288 + 64 * number + offset
}

/// An entry of this turn and slot: ten slots take four bits.
pub(crate) const fn turn_and_slot(turn: u64, slot: u64) -> u64 {
    turn << 4 | slot
}
