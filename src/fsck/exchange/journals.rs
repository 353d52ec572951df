//! What became of the exchanges that participants were in the middle of, decided as
//! docs/LAYOUT.md says that a repair decides it.

use super::{
    Judge,
    words::{DEQUEUE, DISPLACE, ENQUEUE, Journal, MESSAGES, SPARE},
};
use crate::fsck::report::At;

/// What became of an exchange that was intended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It did not take place.
    Undone,
    /// It took place, and the record does not say so yet: the slot that it names is the one
    /// that was given, and the one that was got is in no place.
    Unrecorded,
    /// It took place, and the record says so.
    Recorded,
}

/// An intended exchange, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intended {
    pub(super) place: u32,
    pub(super) kind: u64,
    /// The slot that was to be got.
    pub(super) got: u64,
    pub(super) fate: Fate,
}

impl Judge<'_> {
    /// The exchange that participant `number` intends, where its journal is sound.
    pub(super) fn judge_journal(&mut self, number: u32) -> Option<Intended> {
        let record = &self.snapshot.records[number as usize];
        let at = At::Participant(number);
        let Some(journal) = record.journal() else {
            self.report.require(record.intent == 0, "intent", at, record.intent, "0, or one of three kinds");
            return None;
        };
        let bits = self.ring.bits;
        let got = bits.slot(journal.expected);
        let expected_full = journal.kind != ENQUEUE;
        for (is_right, word, found, expected) in [
            (
                journal.place < u64::from(self.ring.exchange.held),
                "intent",
                record.intent,
                format!("a place below {}", self.ring.exchange.held),
            ),
            (
                journal.index < bits.capacity,
                "intent",
                record.intent,
                format!("an entry below {}", bits.capacity),
            ),
            (
                journal.fits(bits, journal.expected),
                "intent",
                record.intent,
                format!("the low bits of the turn in `expected`, {:#x}", journal.expected),
            ),
            (
                (journal.kind == DEQUEUE) == (record.role == 2),
                "intent",
                record.intent,
                format!("one of a participant of role {}", record.role),
            ),
            (got < bits.slots, "expected", journal.expected, format!("a slot below {}", bits.slots)),
            (
                bits.is_full(journal.expected) == expected_full,
                "expected",
                journal.expected,
                format!("{} turn", if expected_full { "a full entry's" } else { "a free entry's" }),
            ),
        ] {
            if !is_right {
                self.report.require(false, word, at, found, expected);
                return None;
            }
        }
        let place = journal.place as u32;
        let (_, held) = record.held().nth(place as usize)?;
        let entry = self.snapshot.entries[journal.index as usize];
        self.report.require(
            bits.turns_ahead(entry, journal.expected) >= 0,
            "expected",
            at,
            journal.expected,
            format!("no turn that entry {} has not reached: it is {entry:#x}", journal.index),
        );
        let fate = self.fate(number, journal, held.slot);
        let state = if fate == Fate::Recorded && journal.kind == DEQUEUE { MESSAGES } else { SPARE };
        self.report.require(
            held.state == state,
            "held",
            At::Held { participant: number, place },
            record.held[place as usize],
            format!("state {state}, while an exchange with it is intended"),
        );
        Some(Intended { place, kind: journal.kind, got, fate })
    }

    /// Whether the exchange took place in which participant `number` gave the slot `given`.
    fn fate(&self, number: u32, journal: Journal, given: u64) -> Fate {
        let bits = self.ring.bits;
        if given == bits.slot(journal.expected) {
            return Fate::Recorded;
        }
        let result = bits.later(journal.expected, journal.turns(), given);
        let entry = self.snapshot.entries[journal.index as usize];
        if entry == result {
            return Fate::Unrecorded;
        }
        if bits.turns_ahead(entry, journal.expected) <= journal.turns() as i64 {
            return Fate::Undone;
        }
        // The entry has moved on: somebody found `result` there, or nobody ever saw it.
        let was_found = (0..).zip(&self.snapshot.records).any(|(other, record)| {
            other != number
                && record.journal().is_some_and(|theirs| {
                    theirs.index == journal.index && theirs.expected == result && theirs.fits(bits, result)
                })
        });
        let owner = self.snapshot.owners.get(given as usize).map(|owner| owner % (1 << 32));
        if was_found || owner != Some(number.into()) { Fate::Unrecorded } else { Fate::Undone }
    }
}

impl Intended {
    /// What it was, for people to read.
    pub(super) const fn name(&self) -> &'static str {
        match self.kind {
            DEQUEUE => "a receive",
            DISPLACE => "a forced send",
            _ => "a send",
        }
    }
}
