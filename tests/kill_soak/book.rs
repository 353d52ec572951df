//! What the processes write down about each message, outside of the ring: two words that
//! outlive any kill.
//!
//! Each fact is written before or after what it tells of, so that a kill in between leaves
//! open whether that came to pass; all else is exact.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire},
};

use ironring::Delivery;
use ironring_testkit::Ledger;

/// Producers, and as many consumers.
pub(crate) const LANES: usize = 4;
/// Messages that one producer may number in a round.
pub(crate) const MESSAGES: u64 = 1 << 19;

/// Set to end the producers; and when these have ended, to end the consumers.
pub(crate) const STOP: usize = 0;
pub(crate) const STOPPED: usize = 1;
/// A word each for the producers: the number of its next message.
pub(crate) const NEXT: usize = 2;
/// A word each for the consumers: set while one takes a copy and has not noted which.
pub(crate) const COPYING: usize = NEXT + LANES;
/// A word each for the producers, and then the consumers: set while one is in the ring's code.
pub(crate) const INSIDE: usize = COPYING + LANES;
const NOTES: usize = INSIDE + 2 * LANES;

/// The book of one round.
pub(crate) struct Book {
    pub(crate) ledger: Ledger,
}

/// What is known of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note(pub(crate) u64);

impl Note {
    /// Its sending began; and returned.
    pub(crate) const BEGUN: u64 = 1;
    pub(crate) const SENT: u64 = 1 << 1;
    /// Its release began; and returned.
    pub(crate) const RELEASING: u64 = 1 << 2;
    pub(crate) const RELEASED: u64 = 1 << 3;
    pub(crate) const DISPLACED: u64 = 1 << 4;
    /// It is the first, or the only one, of those that share a slot.
    pub(crate) const FIRST: u64 = 1 << 5;
    /// A copy of it was received.
    pub(crate) const COPIED: u64 = 1 << 6;
    /// Unmarked deliveries, marked ones, and the process that got it last: counts.
    const FRESH: u64 = 1 << 8;
    const AGAIN: u64 = 1 << 16;
    const HOLDER_SHIFT: u32 = 32;

    pub(crate) const fn is(self, fact: u64) -> bool {
        self.0 & fact != 0
    }

    pub(crate) const fn fresh(self) -> u64 {
        self.0 >> 8 & 0xff
    }

    pub(crate) const fn again(self) -> u64 {
        self.0 >> 16 & 0xffff
    }

    pub(crate) const fn deliveries(self) -> u64 {
        self.fresh() + self.again()
    }

    const fn holder(self) -> u64 {
        self.0 >> Self::HOLDER_SHIFT
    }
}

impl Book {
    pub(crate) fn new() -> Self {
        let words = NOTES + 2 * LANES * MESSAGES as usize;
        Self { ledger: Ledger::new(words).expect("memory for the book") }
    }

    fn note_word(&self, number: u64) -> &AtomicU64 {
        self.ledger.word(NOTES + 2 * number as usize)
    }

    fn place_word(&self, number: u64) -> &AtomicU64 {
        self.ledger.word(NOTES + 2 * number as usize + 1)
    }

    pub(crate) fn note(&self, number: u64) -> Note {
        Note(self.ledger.get(NOTES + 2 * number as usize))
    }

    /// Where in the ring the message was seen.
    pub(crate) fn position(&self, number: u64) -> Option<u64> {
        self.ledger.get(NOTES + 2 * number as usize + 1).checked_sub(1)
    }

    /// Notes `fact` of messages.
    pub(crate) fn set(&self, numbers: impl IntoIterator<Item = u64>, fact: u64) {
        for number in numbers {
            self.note_word(number).fetch_or(fact, AcqRel);
        }
    }

    /// Notes where a message was seen.
    fn see(&self, number: u64, position: u64) {
        let before = self.place_word(number).swap(position + 1, AcqRel);
        assert!(
            before == 0 || before == position + 1,
            "message {number} is at {position} and was at {}",
            before - 1
        );
    }

    /// Notes that a message was displaced.
    pub(crate) fn displaced(&self, number: u64, position: u64) {
        let before = Note(self.note_word(number).fetch_or(Note::DISPLACED, AcqRel));
        self.see(number, position);
        assert!(before.is(Note::BEGUN), "message {number} was displaced and never sent");
        assert!(!before.is(Note::DISPLACED), "message {number} was displaced twice");
        assert_eq!(before.deliveries(), 0, "message {number} was displaced after its delivery");
    }

    /// Notes that a copy of a message, which was released, was got: for the first time or not.
    pub(crate) fn copied(&self, number: u64) {
        let before = Note(self.note_word(number).fetch_or(Note::COPIED | Note::RELEASED, AcqRel));
        assert!(before.is(Note::BEGUN), "message {number} was never sent");
        assert!(!before.is(Note::RELEASED), "message {number} comes again after its release");
    }

    /// Notes that this process got a message, and checks that it may.
    pub(crate) fn deliver(&self, number: u64, position: u64, deliveries: u32, delivery: Delivery) {
        let me = u64::from(std::process::id());
        let marked = deliveries > 1;
        let count = if marked { Note::AGAIN } else { Note::FRESH };
        let next = |note: u64| {
            let facts = note & !Note::RELEASING & !(u64::MAX << Note::HOLDER_SHIFT);
            Some(facts + count + (me << Note::HOLDER_SHIFT))
        };
        let before = self.note_word(number).fetch_update(AcqRel, Acquire, next);
        let before = before.map(Note).expect("it is always updated");
        self.see(number, position);
        assert!(before.is(Note::BEGUN), "message {number} was never sent");
        assert!(!before.is(Note::RELEASED), "message {number} comes again after its release");
        assert!(!before.is(Note::DISPLACED), "message {number} comes after it was displaced");
        if !marked {
            assert_eq!(before.deliveries(), 0, "message {number} comes again, unmarked");
            return;
        }
        assert_eq!(delivery, Delivery::AtLeastOnce, "message {number} comes again");
        assert!(
            u64::from(deliveries) > before.deliveries(),
            "message {number} says {deliveries} deliveries, and there were {} before",
            before.deliveries()
        );
        if before.deliveries() > 0 && before.holder() != me {
            await_end(before.holder(), number);
        }
    }
}

/// Sees to it that the process which had the message before is dead, or dying: the kernel lets
/// go of its lock some moments before it tells others of its end.
fn await_end(holder: u64, number: u64) {
    for _ in 0..10_000 {
        let stat = std::fs::read_to_string(format!("/proc/{holder}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map_or('X', |(_, rest)| rest.chars().next().unwrap_or('X'));
        if matches!(state, 'Z' | 'X') {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("message {number} comes again, and process {holder} has it and lives");
}
