//! Whether an exchange ring is whole.
//!
//! What must hold at any instant, whoever was killed or stopped where:
//!
//! - every slot is in one place, an entry or a participant's, once what the journals say
//!   was about to happen is taken into account: an exchange that took place and was not
//!   recorded leaves the slot that was given in two places, and the one that was got in none;
//! - the entries from head up to tail are full, each in its turn, and all others free;
//! - neither hint is ahead of that;
//! - each word is one that some participant writes.

mod journals;
mod mend;
mod messages;
mod records;
mod snapshot;
mod window;
mod words;

use std::{fs::File, sync::Arc};

pub(super) use self::mend::mend;
use self::{
    journals::{Fate, Intended},
    snapshot::{Ring, Snapshot},
    window::Window,
};
use super::{
    contents::{Contents, IN_USE},
    report::{At, Report},
};
use crate::{
    error::Error,
    geometry::{Exchange, Geometry},
    memory::Mapping,
};

/// Judges the exchange ring in `mapping`.
pub(super) fn check(
    file: &File,
    mapping: &Arc<Mapping>,
    geometry: &Geometry,
    exchange: Exchange,
    report: &mut Report,
) -> Result<(), Error> {
    let ring = Ring::new(file, mapping, geometry, exchange);
    let [before, after] = ring.look_twice()?;
    if before == after {
        let mut judge = Judge { ring: &ring, snapshot: &after, report };
        let (intended, window) = judge.judge();
        if let (Some(contents), Some(window)) = (Contents::of(mapping, geometry), window) {
            let spoilt = judge.judge_contents(&contents, &window, &intended);
            if ring.look()? == after { report.add(spoilt) } else { report.note(IN_USE) }
        }
        return Ok(());
    }
    let mut once = Report::new(report.kind());
    Judge { ring: &ring, snapshot: &before, report: &mut once }.judge_words();
    Judge { ring: &ring, snapshot: &after, report }.judge_words();
    report.keep_those_of(&once);
    report.note(
        "in use: whether every slot is in one place, and every entry in its turn, cannot be judged while \
         messages pass",
    );
    Ok(())
}

/// One judgement of one snapshot.
struct Judge<'a> {
    ring: &'a Ring<'a>,
    snapshot: &'a Snapshot,
    report: &'a mut Report,
}

impl Judge<'_> {
    /// Judges all of a snapshot that shows the ring as it was at one instant, but for what messages
    /// contain; what was intended then, and where the ring was full.
    fn judge(&mut self) -> (Vec<Option<Intended>>, Option<Window>) {
        self.judge_words();
        let intended: Vec<_> =
            (0..self.ring.exchange.participants).map(|number| self.judge_journal(number)).collect();
        self.judge_slots(&intended);
        let window = self.judge_turns();
        self.judge_entries();
        for (number, intended) in (0..).zip(&intended) {
            self.judge_held(number, intended.as_ref(), window.as_ref());
            self.tell_of(number, intended.as_ref());
        }
        (intended, window)
    }

    /// Judges each word alone.
    fn judge_words(&mut self) {
        let bits = self.ring.bits;
        for (index, entry) in (0..).zip(&self.snapshot.entries) {
            let expected = format!("a slot below {}", bits.slots);
            self.report.require(bits.slot(*entry) < bits.slots, "entry", At::Entry(index), *entry, expected);
        }
        for number in 0..self.ring.exchange.participants {
            self.judge_record(number);
        }
    }

    /// The places that each slot is in.
    fn places(ring: &Ring<'_>, snapshot: &Snapshot, intended: &[Option<Intended>]) -> Vec<Vec<At>> {
        let bits = ring.bits;
        let in_entries =
            (0..).zip(&snapshot.entries).map(|(index, entry)| (bits.slot(*entry), At::Entry(index)));
        let records = (0..).zip(&snapshot.records).zip(intended);
        let in_records = records.flat_map(|((participant, record), intended)| {
            record.held().map(move |(place, held)| {
                let got = intended.filter(|it| it.place == place && it.fate == Fate::Unrecorded);
                (got.map_or(held.slot, |intended| intended.got), At::Held { participant, place })
            })
        });
        let mut places = vec![Vec::new(); bits.slots as usize];
        for (slot, at) in in_entries.chain(in_records) {
            if let Some(places) = places.get_mut(slot as usize) {
                places.push(at);
            }
        }
        places
    }

    /// Whether every slot is in one place.
    fn judge_slots(&mut self, intended: &[Option<Intended>]) {
        for (slot, places) in (0..).zip(Self::places(self.ring, self.snapshot, intended)) {
            let found = match places.as_slice() {
                [_] => continue,
                [] => "in no place".to_owned(),
                places => places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
            };
            self.report.find("place", At::Slot(slot), found, "one entry or one place of a participant");
        }
    }

    /// Whether the entries are in turn, and the hints behind them; where they are in turn.
    fn judge_turns(&mut self) -> Option<Window> {
        let bits = self.ring.bits;
        let window = Window::find(bits, &self.snapshot.entries);
        let Window { head, tail, .. } = window;
        for (index, turn) in &window.wrong {
            let found = self.snapshot.entries[*index as usize];
            let expected = format!("turn {turn}, in a ring that is full from {head} to {tail}");
            self.report.find(
                "entry",
                At::Entry(*index),
                format!("turn {} ({found:#x})", bits.turn(found)),
                expected,
            );
        }
        if !window.wrong.is_empty() {
            return None;
        }
        for (word, hint, truth) in [("head", self.snapshot.head, head), ("tail", self.snapshot.tail, tail)] {
            let expected = format!("at most {truth}, as the entries say");
            self.report.require(!bits.is_beyond(hint, truth), word, At::Header, hint, expected);
        }
        Some(window)
    }

    /// Whether the slots that entries name are as they ought to be.
    fn judge_entries(&mut self) {
        let (bits, participants) = (self.ring.bits, u64::from(self.ring.exchange.participants));
        for entry in &self.snapshot.entries {
            let slot = bits.slot(*entry);
            let Some(word) = self.snapshot.owners.get(slot as usize) else { continue };
            let (holder, sender) = (word % (1 << 32), word >> 32);
            let is_full = bits.is_full(*entry);
            let expected = if is_full { "its sender, twice" } else { "two participants" };
            self.report.require(
                holder < participants && sender < participants && (!is_full || holder == sender),
                "owner",
                At::Slot(slot),
                *word,
                expected,
            );
            if is_full {
                self.judge_messages(slot);
            }
        }
    }

    /// Whether the messages in `slot` are well-formed; how many they are.
    fn judge_messages(&mut self, slot: u64) -> u64 {
        let count = self.snapshot.messages.get(slot as usize).copied().unwrap_or(0);
        if let Some(malformed) = self.snapshot.malformed.iter().find(|malformed| malformed.slot == slot) {
            let found = format!("{:#x}, {} bytes into the slot", malformed.word, malformed.offset);
            self.report.find("header", At::Slot(slot), found, "ready, with lengths within the slot");
        }
        count.into()
    }

    /// Whether what a participant holds is as it ought to be.
    fn judge_held(&mut self, number: u32, intended: Option<&Intended>, window: Option<&Window>) {
        let bits = self.ring.bits;
        let record = &self.snapshot.records[number as usize];
        for ((place, held), position) in record.held().zip(&record.positions) {
            let at = At::Held { participant: number, place };
            let intended = intended.filter(|intended| intended.place == place);
            if let Some(word) = self.snapshot.owners.get(held.slot as usize)
                && intended.is_none_or(|intended| intended.fate == Fate::Undone)
            {
                let is_own = word % (1 << 32) == u64::from(number);
                self.report.require(is_own, "owner", At::Slot(held.slot), *word, format!("held by {number}"));
            }
            let Some(slot) = Self::slot_with_messages(place, held, intended) else { continue };
            let count = self.judge_messages(slot);
            if count > 0 && slot == held.slot {
                let word = record.held[place as usize];
                let is_right = held.released < count && held.received <= count;
                self.report.require(
                    is_right,
                    "held",
                    at,
                    word,
                    format!("fewer than {count} messages released"),
                );
            }
            if let Some(window) = window {
                let is_before = bits.is_beyond(window.head, *position);
                self.report.require(
                    is_before,
                    "position",
                    at,
                    *position,
                    format!("below {}, the head", window.head),
                );
            }
        }
        if let Some(window) = window {
            let expected = format!("at most {}, the tail", window.tail);
            self.report.require(
                window.may_be_last(bits, record.last),
                "last",
                At::Participant(number),
                record.last,
                expected,
            );
        }
    }
}
