//! Setting right what can be, in a ring whose every record the caller has locked.
//!
//! Nothing here makes up a message or loses one that is well-formed: what it cannot set right
//! so stays as it is, for the next check to find. It may be killed between any two stores;
//! each leaves less to do, and what is left is found again.

use std::sync::atomic::Ordering::Release;

use super::{
    Fate, Intended, Judge,
    snapshot::{Ring, Snapshot},
    window::Window,
    words::{Held, SPARE},
};
use crate::{
    error::Error,
    fsck::report::{At, Report},
    header::Kind,
    layout::{
        AT_HEAD, AT_RECORD_DISPLACED_BEFORE, AT_RECORD_DROPPED_BEFORE, AT_RECORD_ROLE, AT_RECORD_STATE,
        AT_TAIL, DETACHED, RECORD_HELD, RECORD_INTENT, RECORD_LAST, RECORD_LAST_TAG, RECORD_NEXT_TAG,
        RECOVERED, SLOT_OWNER,
    },
    mpmc,
    region::Region,
};

/// Mends the exchange ring in `region`; says what was done.
pub(in crate::fsck) fn mend(region: &Region) -> Result<Vec<String>, Error> {
    let geometry = &region.identity().geometry;
    let Some(exchange) = geometry.exchange else { return Ok(Vec::new()) };
    let file = region.file().checked()?;
    let mut mend = Mend { ring: Ring::new(file, region.mapping(), geometry, exchange), done: Vec::new() };
    for _ in 0..MAX_ROUNDS {
        let done = mend.done.len();
        mend.mend_all(region)?;
        if mend.done.len() == done {
            break;
        }
    }
    Ok(mend.done)
}

/// How often all is gone through: what was set right may show what else can be.
const MAX_ROUNDS: u32 = 8;

struct Mend<'a> {
    ring: Ring<'a>,
    done: Vec<String>,
}

impl Mend<'_> {
    fn mend_all(&mut self, region: &Region) -> Result<(), Error> {
        self.mend_journals()?;
        self.mend_places()?;
        for number in 0..self.ring.exchange.participants {
            match mpmc::recover_record(region, number) {
                Ok(recovered) => self.done.extend(recovered.map(|recovered| recovered.to_string())),
                // It is in the next report.
                Err(Error::Corrupt(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.mend_records()?;
        self.mend_owners()?;
        self.mend_hints()
    }

    /// Stores `value` in the word at `offset` of the region; that is `word` at `at`.
    fn set(&mut self, at: At, word: &str, offset: usize, value: u64) {
        let stored = self.ring.mapping.word(offset);
        let before = stored.swap(value, Release);
        self.done.push(format!("{at}: {word} was {before:#x}, is {value:#x}"));
    }

    fn set_in_record(&mut self, number: u32, word: &str, offset: usize, value: u64) {
        let record = self.ring.exchange.record(number);
        self.set(At::Participant(number), word, record + offset, value);
    }

    fn set_held(&mut self, participant: u32, place: u32, value: u64) {
        let at = self.ring.exchange.record(participant) + RECORD_HELD + 8 * place as usize;
        self.set(At::Held { participant, place }, "held", at, value);
    }

    /// Clears journals from which nobody could tell what was intended.
    fn mend_journals(&mut self) -> Result<(), Error> {
        let snapshot = self.ring.look()?;
        for (number, intended) in (0..).zip(self.intended(&snapshot)) {
            if snapshot.records[number as usize].intent != 0 && intended.is_none() {
                self.set_in_record(number, "intent", RECORD_INTENT, 0);
            }
        }
        Ok(())
    }

    fn intended(&self, snapshot: &Snapshot) -> Vec<Option<Intended>> {
        let mut report = Report::new(Kind::Mpmc);
        let mut judge = Judge { ring: &self.ring, snapshot, report: &mut report };
        (0..self.ring.exchange.participants).map(|number| judge.judge_journal(number)).collect()
    }

    /// Gives slots that are in no place to those places that have none of their own, and where
    /// no messages are.
    fn mend_places(&mut self) -> Result<(), Error> {
        let snapshot = self.ring.look()?;
        let intended = self.intended(&snapshot);
        let places = Judge::places(&self.ring, &snapshot, &intended);
        let lost = (0..).zip(&places).filter(|(_, places)| places.is_empty()).map(|(slot, _): (u64, _)| slot);
        let weight = |at: &At| weight(&self.ring, &snapshot, &intended, *at);
        let mut wanting = Vec::new();
        for mut places in places.iter().cloned() {
            places.sort_by_key(|at| std::cmp::Reverse(weight(at)));
            wanting.extend(places.into_iter().skip(1).filter(|at| weight(at) == Weight::Nothing));
        }
        for (participant, record) in (0..).zip(&snapshot.records) {
            let of_no_slot = record.held().filter(|(_, held)| held.slot >= self.ring.bits.slots);
            wanting.extend(of_no_slot.map(|(place, _)| At::Held { participant, place }));
        }
        for (index, entry) in (0..).zip(&snapshot.entries) {
            if self.ring.bits.slot(*entry) >= self.ring.bits.slots && !self.ring.bits.is_full(*entry) {
                wanting.push(At::Entry(index));
            }
        }
        for (slot, at) in lost.zip(wanting) {
            match at {
                At::Held { participant, place } => self.set_held(participant, place, slot),
                At::Entry(index) => {
                    let entry = self.ring.bits.later(snapshot.entries[index as usize], 0, slot);
                    self.set(at, "entry", self.ring.exchange.entries_offset() + 8 * index as usize, entry);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sets words of records right from which nobody learns anything about messages.
    fn mend_records(&mut self) -> Result<(), Error> {
        let snapshot = self.ring.look()?;
        let window = self.window(&snapshot);
        for (number, record) in (0..).zip(&snapshot.records) {
            for (place, held) in record.held() {
                let spare = Held { released: 0, received: 0, deliveries: 0, ..held };
                if held.state == SPARE && held != spare {
                    self.set_held(number, place, held.slot);
                }
            }
            let low = u64::from(u32::MAX);
            let [last_tag, next_tag] = record.tags;
            let ([dropped, dropped_before], [displaced, displaced_before]) =
                (record.dropped, record.displaced);
            for (is_right, word, offset, value) in [
                (record.state <= RECOVERED, "state", AT_RECORD_STATE, DETACHED),
                (record.role <= 2, "role", AT_RECORD_ROLE, 0),
                (last_tag <= low, "last_tag", RECORD_LAST_TAG, last_tag & low),
                (next_tag <= low, "next_tag", RECORD_NEXT_TAG, next_tag & low),
                (
                    Judge::is_count(dropped, dropped_before),
                    "dropped_before",
                    AT_RECORD_DROPPED_BEFORE,
                    dropped,
                ),
                (
                    Judge::is_count(displaced, displaced_before),
                    "displaced_before",
                    AT_RECORD_DISPLACED_BEFORE,
                    displaced,
                ),
                (
                    window.as_ref().is_none_or(|window| window.may_be_last(self.ring.bits, record.last)),
                    "last",
                    RECORD_LAST,
                    0,
                ),
            ] {
                if !is_right {
                    self.set_in_record(number, word, offset, value);
                }
            }
        }
        Ok(())
    }

    /// Says of each slot again who holds it, as the records say; the sender stays who it was.
    fn mend_owners(&mut self) -> Result<(), Error> {
        let snapshot = self.ring.look()?;
        let (bits, participants) = (self.ring.bits, u64::from(self.ring.exchange.participants));
        let mut right = Vec::new();
        for (number, record) in (0_u64..).zip(&snapshot.records) {
            for (_, held) in record.held() {
                let Some(owner) = snapshot.owners.get(held.slot as usize) else { continue };
                let sender = Some(owner >> 32).filter(|sender| *sender < participants).unwrap_or(number);
                right.push((held.slot, sender << 32 | number));
            }
        }
        for entry in &snapshot.entries {
            let slot = bits.slot(*entry);
            let Some(owner) = snapshot.owners.get(slot as usize) else { continue };
            let known = |number: u64| Some(number).filter(|number| *number < participants);
            let (holder, sender) = (known(owner % (1 << 32)), known(owner >> 32));
            let sender = sender.or(holder).unwrap_or(0);
            let holder = if bits.is_full(*entry) { sender } else { holder.unwrap_or(sender) };
            right.push((slot, sender << 32 | holder));
        }
        // Who holds a slot that is in two places, nobody can tell.
        right.sort_unstable();
        for places in right.chunk_by(|(one, _), (other, _)| one == other) {
            if let [(slot, owner)] = *places
                && snapshot.owners[slot as usize] != owner
            {
                self.set(At::Slot(slot), "owner", self.ring.slot(slot) as usize + SLOT_OWNER, owner);
            }
        }
        Ok(())
    }

    /// Puts hints back that lead.
    fn mend_hints(&mut self) -> Result<(), Error> {
        let snapshot = self.ring.look()?;
        let Some(window) = self.window(&snapshot) else { return Ok(()) };
        for (word, at, hint, truth) in
            [("head", AT_HEAD, snapshot.head, window.head), ("tail", AT_TAIL, snapshot.tail, window.tail)]
        {
            if self.ring.bits.is_beyond(hint, truth) {
                self.set(At::Header, word, at, truth);
            }
        }
        Ok(())
    }

    /// Where head and tail are, where all entries agree.
    fn window(&self, snapshot: &Snapshot) -> Option<Window> {
        Some(Window::find(self.ring.bits, &snapshot.entries)).filter(|window| window.wrong.is_empty())
    }
}

/// What would be lost if a place got another slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Nothing,
    Journal,
    Messages,
}

fn weight(ring: &Ring<'_>, snapshot: &Snapshot, intended: &[Option<Intended>], at: At) -> Weight {
    match at {
        At::Entry(index) if ring.bits.is_full(snapshot.entries[index as usize]) => Weight::Messages,
        At::Held { participant, place } => {
            let record = participant as usize;
            let is_intended =
                intended[record].is_some_and(|it| it.place == place && it.fate != Fate::Recorded);
            match Held::read(snapshot.records[record].held[place as usize]).state {
                _ if is_intended => Weight::Journal,
                SPARE => Weight::Nothing,
                _ => Weight::Messages,
            }
        }
        _ => Weight::Nothing,
    }
}
