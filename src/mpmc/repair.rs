//! Setting right what a participant left that died: exactly, whatever it was doing.
//!
//! Whoever holds the lock on a record repairs it, alone. A repairer may be killed too,
//! between any two instructions; then the lock is free again, and the next one repeats
//! the repair: every step here gives the same when it is repeated. docs/PROOF.md has the
//! argument, case by case.

use super::{
    recovered::{Interrupted, Recovered},
    shared::Shared,
    slot::Slot,
    words::{Content, Held, Intent, Operation, Owner},
};
use crate::{
    error::Corrupt,
    layout::{
        AT_RECORD_DISPLACED, AT_RECORD_DISPLACED_BEFORE, AT_RECORD_DROPPED, AT_RECORD_DROPPED_BEFORE,
        RECORD_EXPECTED, RECORD_INTENT, RECORD_LAST, RECORD_LAST_TAG, RECORD_NEXT_TAG,
    },
    memory::WordRef,
    options::Delivery,
    record::Record,
    sync::Ordering,
};

/// Repairs the record of participant `number`, whose lock the caller holds. Says what was
/// found, if the last holder died or messages were lost.
pub(super) fn repair(shared: &Shared, number: u32, record: &Record) -> Result<Option<Recovered>, Corrupt> {
    let repair = Repair { shared, number };
    let mut recovered = Recovered {
        participant: number,
        role: record.role(),
        holder: record.last_holder(),
        interrupted: repair.settle_intent()?,
        redelivered: 0,
        dropped: 0,
        set_aside: 0,
    };
    // A drop that a repairer was killed in comes first: there is at most one, and what it
    // counts from is in the record.
    for place in shared.places() {
        repair.finish_begun_drop(place, &mut recovered)?;
    }
    for place in shared.places() {
        repair.settle_messages(place, &mut recovered)?;
    }
    let is_news = record.is_attached() || recovered.dropped + recovered.set_aside > 0;
    Ok(is_news.then_some(recovered))
}

struct Repair<'a> {
    shared: &'a Shared,
    number: u32,
}

impl Repair<'_> {
    fn word(&self, at: usize) -> Result<WordRef<'_>, Corrupt> {
        self.shared.record_word(self.number, at)
    }

    /// Finds out whether the exchange that was intended took place, and records that.
    fn settle_intent(&self) -> Result<Option<Interrupted>, Corrupt> {
        let intent = self.word(RECORD_INTENT)?;
        // Acquire: pairs with the Release of the intent in `Participant::exchange`. The
        // kernel's lock orders it too.
        let Some(intended) = Intent::decode(intent.load(Ordering::Acquire)) else { return Ok(None) };
        let expected = self.word(RECORD_EXPECTED)?.load(Ordering::Acquire);
        if !intended.fits(self.shared.turns, expected)
            || intended.place() >= self.shared.exchange.held
            || intended.index() >= self.shared.capacity
        {
            return Err(Corrupt {
                word: "intent",
                found: intended.word(),
                expected: "one that fits `expected`",
            });
        }
        let got = self.shared.slot_of(expected)?;
        let given = self.shared.slot_held(self.shared.held(self.number, intended.place())?)?;
        let took_place = self.took_place(intended, expected, given)?;
        if took_place {
            self.complete(intended, expected, got, given)?;
        }
        let slot = if took_place { got } else { given };
        let owner = self.shared.owner(slot);
        let before = Owner(owner.load(Ordering::Relaxed));
        owner.store(before.now(self.number).0, Ordering::Relaxed);
        // Release: pairs with the Acquire of intents in `was_found_by_another`.
        intent.store(Intent::NONE, Ordering::Release);
        Ok(Some(if took_place { Interrupted::Done } else { Interrupted::Undone }))
    }

    fn took_place(&self, intended: Intent, expected: u64, given: Slot) -> Result<bool, Corrupt> {
        let turns = self.shared.turns;
        if given.number() == turns.slot(expected) {
            // The record names the slot that was to be got: it was recorded already.
            return Ok(true);
        }
        let step = intended.operation().turns();
        let result = turns.with_slot(expected.wrapping_add(turns.turns(step)), given.number());
        // Acquire: pairs with the Release of the exchange in `Participant::exchange`:
        // whoever moved the entry on has said so in its journal before.
        let entry = self.shared.entry(intended.index()).load(Ordering::Acquire);
        if entry == result {
            return Ok(true);
        }
        // On the turn of the result, or before, it is somebody else's exchange, or none.
        let turn = turns.with_slot(expected, 0);
        if turns.ahead(entry, turn) <= step as i64 {
            return Ok(false);
        }
        // The entry has moved on. Had this exchange taken place, then another has found in
        // the entry what this gave; and either still says so in its journal, or owns it, or
        // somebody after it does.
        if self.was_found_by_another(intended.index(), result)? {
            return Ok(true);
        }
        // After the journals: who takes a slot stores its owner before it clears its intent.
        let owner = Owner(self.shared.owner(given).load(Ordering::Acquire));
        Ok(owner.participant() != self.number)
    }

    /// Whether any journal says that `entry` was found at `index`.
    fn was_found_by_another(&self, index: u64, entry: u64) -> Result<bool, Corrupt> {
        for number in self.shared.participants() {
            // Acquire, both: pair with the Releases in `Participant::exchange`.
            let intent = self.shared.record_word(number, RECORD_INTENT)?.load(Ordering::Acquire);
            let expected = self.shared.record_word(number, RECORD_EXPECTED)?.load(Ordering::Acquire);
            // The turn in the intent: of a live journal, the two reads may belong to two
            // operations.
            if number != self.number
                && expected == entry
                && Intent::decode(intent)
                    .is_some_and(|intent| intent.index() == index && intent.fits(self.shared.turns, entry))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records what the exchange that took place has brought.
    fn complete(&self, intended: Intent, expected: u64, got: Slot, given: Slot) -> Result<(), Corrupt> {
        let operation = intended.operation();
        if operation == Operation::Displace {
            let before = self.word(AT_RECORD_DISPLACED_BEFORE)?.load(Ordering::Relaxed);
            let count = self.shared.messages_in(got).unwrap_or(1);
            self.word(AT_RECORD_DISPLACED)?.store(before.wrapping_add(count.into()), Ordering::Relaxed);
        }
        if operation != Operation::Dequeue {
            let turn = expected.wrapping_add(self.shared.turns.turns(operation.turns() - 1));
            let position = self.shared.turns.position(turn, intended.index());
            self.word(RECORD_LAST)?.store(position.wrapping_add(1), Ordering::Relaxed);
            let tag = self.word(RECORD_NEXT_TAG)?.load(Ordering::Relaxed);
            self.word(RECORD_LAST_TAG)?.store(tag, Ordering::Relaxed);
        }
        if given.number() != got.number() {
            let held = match operation {
                Operation::Dequeue => Held::taken(got.number()),
                Operation::Enqueue | Operation::Displace => Held::spare(got.number()),
            };
            self.set_held(intended.place(), held)?;
        }
        Ok(())
    }

    fn finish_begun_drop(&self, place: u32, recovered: &mut Recovered) -> Result<(), Corrupt> {
        let held = self.shared.held(self.number, place)?;
        if held.state == Content::Dropping {
            self.finish_drop(place, held, recovered)?;
        }
        Ok(())
    }

    /// Decides what becomes of the messages in the slot held at `place`.
    fn settle_messages(&self, place: u32, recovered: &mut Recovered) -> Result<(), Corrupt> {
        let held = self.shared.held(self.number, place)?;
        if held.state != Content::Messages {
            return Ok(());
        }
        if self.shared.delivery == Delivery::AtMostOnce && held.received > held.released {
            return self.drop_received(place, held, recovered);
        }
        // Whoever filled it may have been no participant that keeps the protocol: whoever
        // receives it is told.
        let count = self.shared.messages_held(held).unwrap_or(1).saturating_sub(held.released);
        if self.shared.is_delivered_enough(held) {
            self.set_held(place, Held { state: Content::Aside, ..held })?;
            recovered.set_aside += count;
        } else {
            recovered.redelivered += count;
        }
        Ok(())
    }

    /// Drops the messages that were received and not released, and counts them once: how
    /// many there were before is recorded before the record says that they are dropped.
    fn drop_received(&self, place: u32, held: Held, recovered: &mut Recovered) -> Result<(), Corrupt> {
        let before = self.word(AT_RECORD_DROPPED)?.load(Ordering::Relaxed);
        self.word(AT_RECORD_DROPPED_BEFORE)?.store(before, Ordering::Relaxed);
        let held = Held { state: Content::Dropping, ..held };
        self.set_held(place, held)?;
        self.finish_drop(place, held, recovered)
    }

    fn finish_drop(&self, place: u32, held: Held, recovered: &mut Recovered) -> Result<(), Corrupt> {
        let count = held.received.saturating_sub(held.released);
        let before = self.word(AT_RECORD_DROPPED_BEFORE)?.load(Ordering::Relaxed);
        self.word(AT_RECORD_DROPPED)?.store(before.wrapping_add(count.into()), Ordering::Relaxed);
        recovered.dropped += count;
        let left = self.shared.messages_held(held).unwrap_or(0).saturating_sub(held.received);
        recovered.redelivered += left;
        self.set_held(
            place,
            if left == 0 {
                Held::spare(held.slot)
            } else {
                Held { state: Content::Messages, released: held.received, ..held }
            },
        )
    }

    fn set_held(&self, place: u32, held: Held) -> Result<(), Corrupt> {
        // Release: what the repair did before it is seen with it.
        self.shared.held_word(self.number, place)?.store(held.word(), Ordering::Release);
        Ok(())
    }
}
