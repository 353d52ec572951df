//! All words of an exchange ring, read at once as far as that is possible.

use std::{fs::File, sync::Arc, sync::atomic::Ordering::Acquire};

use super::words::{Bits, Held, Journal, MAX_MESSAGES, SPARE};
use crate::{
    error::Error,
    geometry::{Exchange, Geometry},
    layout::{
        AT_HEAD, AT_RECORD_DISPLACED, AT_RECORD_DISPLACED_BEFORE, AT_RECORD_DROPPED,
        AT_RECORD_DROPPED_BEFORE, AT_RECORD_PID, AT_RECORD_ROLE, AT_RECORD_STATE, AT_TAIL, RECORD_EXPECTED,
        RECORD_HELD, RECORD_INTENT, RECORD_LAST, RECORD_LAST_TAG, RECORD_NEXT_TAG, SLOT_HEADER, SLOT_OWNER,
        SLOT_PAYLOAD,
    },
    liveness,
    memory::{Area, Mapping},
};

/// What is looked at.
pub(super) struct Ring<'a> {
    pub(super) file: &'a File,
    pub(super) geometry: &'a Geometry,
    pub(super) exchange: Exchange,
    pub(super) bits: Bits,
    pub(super) mapping: &'a Arc<Mapping>,
    all: Area,
}

#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) head: u64,
    pub(super) tail: u64,
    pub(super) records: Vec<Record>,
    pub(super) entries: Vec<u64>,
    pub(super) owners: Vec<u64>,
    /// How many messages lie in each slot; 0 where none are looked for, or as no participant
    /// writes them.
    pub(super) messages: Vec<u16>,
    pub(super) malformed: Vec<Malformed>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Record {
    /// Whether somebody has the lock on it.
    pub(super) is_locked: bool,
    pub(super) state: u64,
    pub(super) pid: u64,
    pub(super) role: u64,
    pub(super) intent: u64,
    pub(super) expected: u64,
    pub(super) last: u64,
    pub(super) tags: [u64; 2],
    /// Messages dropped and displaced, and each count before.
    pub(super) dropped: [u64; 2],
    pub(super) displaced: [u64; 2],
    pub(super) held: Vec<u64>,
    pub(super) positions: Vec<u64>,
}

/// How many messages lie in a slot, and where they end, in bytes from its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) count: u16,
    pub(super) end: u64,
}

/// A header in a slot that no participant writes so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) slot: u64,
    pub(super) offset: u64,
    pub(super) word: u64,
}

impl Record {
    pub(super) fn held(&self) -> impl Iterator<Item = (u32, Held)> {
        (0..).zip(self.held.iter().map(|word| Held::read(*word)))
    }

    pub(super) fn journal(&self) -> Option<Journal> {
        Journal::read(self.intent, self.expected)
    }
}

impl<'a> Ring<'a> {
    pub(super) fn new(
        file: &'a File,
        mapping: &'a Arc<Mapping>,
        geometry: &'a Geometry,
        exchange: Exchange,
    ) -> Self {
        Self {
            file,
            geometry,
            exchange,
            bits: Bits::of(geometry, &exchange),
            mapping,
            all: mapping.area(0, geometry.region_len() as usize),
        }
    }

    /// Two looks that found the same, or, in a ring whose words do not stand still for so
    /// long, the last two, which differ.
    pub(super) fn look_twice(&self) -> Result<[Snapshot; 2], Error> {
        let mut before = self.look()?;
        for _ in 1..LOOKS {
            let after = self.look()?;
            if after == before {
                return Ok([before, after]);
            }
            before = after;
            std::thread::yield_now();
        }
        Ok([before, self.look()?])
    }

    pub(super) fn look(&self) -> Result<Snapshot, Error> {
        // The hints first: what the entries say later is at least as far.
        let [head, tail] = [AT_HEAD, AT_TAIL].map(|at| self.mapping.word(at).load(Acquire));
        let records = (0..self.exchange.participants).map(|number| self.record(number));
        let records = records.collect::<Result<Vec<_>, Error>>()?;
        let entries_at = self.exchange.entries_offset() as u64;
        let entries: Vec<_> =
            (0..self.bits.capacity).map(|index| self.word(entries_at + 8 * index)).collect();
        let owners =
            (0..self.bits.slots).map(|slot| self.word(self.slot(slot) + SLOT_OWNER as u64)).collect();
        let mut snapshot = Snapshot {
            head,
            tail,
            records,
            entries,
            owners,
            messages: vec![0; self.bits.slots as usize],
            malformed: Vec::new(),
        };
        self.count_messages(&mut snapshot);
        Ok(snapshot)
    }

    fn record(&self, number: u32) -> Result<Record, Error> {
        let at = self.exchange.record(number);
        let word = |offset: usize| self.word((at + offset) as u64);
        let held = self.exchange.held as usize;
        let words = |from: usize| (from..from + held).map(|n| word(RECORD_HELD + 8 * n)).collect();
        Ok(Record {
            is_locked: liveness::is_locked(self.file, at)?,
            state: word(AT_RECORD_STATE),
            pid: word(AT_RECORD_PID),
            role: word(AT_RECORD_ROLE),
            intent: word(RECORD_INTENT),
            expected: word(RECORD_EXPECTED),
            last: word(RECORD_LAST),
            tags: [word(RECORD_LAST_TAG), word(RECORD_NEXT_TAG)],
            dropped: [word(AT_RECORD_DROPPED), word(AT_RECORD_DROPPED_BEFORE)],
            displaced: [word(AT_RECORD_DISPLACED), word(AT_RECORD_DISPLACED_BEFORE)],
            held: words(0),
            positions: words(held),
        })
    }

    /// Goes through the messages of each slot that has some, or may have.
    fn count_messages(&self, snapshot: &mut Snapshot) {
        let full = snapshot.entries.iter().filter(|entry| self.bits.is_full(**entry));
        let mut slots: Vec<_> = full.map(|entry| self.bits.slot(*entry)).collect();
        for record in &snapshot.records {
            slots.extend(record.held().filter(|(_, held)| held.state != SPARE).map(|(_, held)| held.slot));
            let taken = record.journal().filter(|journal| self.bits.is_full(journal.expected));
            slots.extend(taken.map(|journal| self.bits.slot(journal.expected)));
        }
        for slot in slots.into_iter().filter(|slot| *slot < self.bits.slots) {
            match self.messages_in(slot) {
                Ok(Extent { count, .. }) => snapshot.messages[slot as usize] = count,
                Err(malformed) => {
                    if !snapshot.malformed.contains(&malformed) && snapshot.malformed.len() < MAX_MALFORMED {
                        snapshot.malformed.push(malformed);
                    }
                }
            }
        }
    }

    /// How many messages lie in `slot`, and how far they reach.
    pub(super) fn messages_in(&self, slot: u64) -> Result<Extent, Malformed> {
        let (mut offset, mut count) = (SLOT_HEADER as u64, 0);
        loop {
            let word = self.word(self.slot(slot) + offset);
            let malformed = Malformed { slot, offset, word };
            let (len, is_followed, is_ready) = (word % (1 << 30), word >> 30 & 1 == 1, word >> 31 & 1 == 1);
            if !is_ready {
                return Err(malformed);
            }
            let size = u64::from(self.geometry.message_size);
            if size != 0 {
                let payload = u64::from(self.geometry.message_align).max(SLOT_PAYLOAD as u64);
                let is_right = !is_followed
                    && word >> 32 == 0
                    && len.is_multiple_of(size)
                    && (1..=MAX_MESSAGES).contains(&(len / size))
                    && payload + len <= self.geometry.stride;
                let extent = Extent { count: (len / size) as u16, end: payload + len };
                return if is_right { Ok(extent) } else { Err(malformed) };
            }
            let end = offset + 8 + len;
            count += 1;
            if len > self.geometry.max_message || end > self.geometry.stride {
                return Err(malformed);
            }
            let end = end.next_multiple_of(8);
            if !is_followed {
                return Ok(Extent { count, end });
            }
            offset = end;
            if offset + 8 > self.geometry.stride || u64::from(count) == MAX_MESSAGES {
                return Err(malformed);
            }
        }
    }

    /// Where `slot` starts in the region.
    pub(super) fn slot(&self, slot: u64) -> u64 {
        self.geometry.data_offset() + slot * self.geometry.stride
    }

    /// The word at `offset` of the region, which is one of a word in it.
    pub(super) fn word(&self, offset: u64) -> u64 {
        self.all.checked_word(offset).map_or(0, |word| word.load(Acquire))
    }
}

/// How often the ring is looked at until two looks find the same.
const LOOKS: u32 = 64;
/// Malformed headers that are kept.
const MAX_MALFORMED: usize = 1000;
