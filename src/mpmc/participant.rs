//! One participant: its record, the slots that it holds, and the exchange, which is the
//! whole of the algorithm.

use std::sync::Arc;

use super::{
    recovered::Recovered,
    repair,
    shared::Shared,
    slot::Slot,
    words::{Content, Held, Intent, Operation, Owner},
};
use crate::{
    Error, Role, Seat,
    error::Corrupt,
    layout::{
        AT_RECORD_DISPLACED, AT_RECORD_DISPLACED_BEFORE, AT_RECORD_PRODUCERS, RECORD_EXPECTED, RECORD_HELD,
        RECORD_INTENT, RECORD_LAST, RECORD_LAST_TAG, RECORD_NEXT_TAG,
    },
    memory::Word,
    record::Record,
    region::Region,
    sync::Ordering,
};

#[derive(Debug)]
pub(super) struct Participant {
    pub(super) number: u32,
    pub(super) shared: Shared,
    intent: Word,
    expected: Word,
    last: Word,
    last_tag: Word,
    next_tag: Word,
    displaced: Word,
    displaced_before: Word,
    places: Box<[HeldPlace]>,
    seat: Arc<Seat>,
}

/// A slot that the participant holds: what its record says of it, and its number, which
/// is not read back from there.
#[derive(Debug)]
struct HeldPlace {
    slot: Slot,
    word: Word,
    position: Word,
}

impl Participant {
    /// Takes a place in the ring whose last holder is gone, and sets right what that left.
    pub(super) fn attach(region: &Region, role: Role) -> Result<(Self, Vec<Recovered>), Error> {
        let mut recovered = Vec::new();
        let (seat, number) = Self::take_place(region, role, &mut recovered)?;
        let shared = Shared::of(seat.mapping(), &region.identity().geometry);
        let exchange = shared.exchange;
        let places = shared.places().map(|place| {
            let word = |index: u32| {
                seat.mapping().word(seat.record() + RECORD_HELD + size_of::<u64>() * index as usize)
            };
            let slot = shared.slot_held(shared.held(number, place)?)?;
            Ok(HeldPlace { slot, word: word(place), position: word(exchange.held + place) })
        });
        let places = places.collect::<Result<Box<[_]>, Corrupt>>()?;
        check_distinct(&places)?;
        let word = |offset| seat.mapping().word(seat.record() + offset);
        if role == Role::Producer {
            let producers = word(AT_RECORD_PRODUCERS);
            // Published by the Release of the record's state.
            producers.store(producers.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        let participant = Self {
            number,
            intent: word(RECORD_INTENT),
            expected: word(RECORD_EXPECTED),
            last: word(RECORD_LAST),
            last_tag: word(RECORD_LAST_TAG),
            next_tag: word(RECORD_NEXT_TAG),
            displaced: word(AT_RECORD_DISPLACED),
            displaced_before: word(AT_RECORD_DISPLACED_BEFORE),
            places,
            shared,
            seat: Arc::new(seat),
        };
        // Not before: were this one killed until here, its predecessor is repaired again.
        participant.seat.announce();
        // Also where the last one was killed before it could wake anybody.
        participant.seat.signals().came_or_went();
        Ok((participant, recovered))
    }

    /// Takes a place that is fit for `role`, once what its last holder left is set right.
    fn take_place(region: &Region, role: Role, recovered: &mut Vec<Recovered>) -> Result<(Seat, u32), Error> {
        let geometry = &region.identity().geometry;
        let shared = Shared::of(region.mapping(), geometry);
        let exchange = shared.exchange;
        let mut passed_by = Vec::new();
        loop {
            let mut records = fitting(&shared, role)?;
            records.retain(|number| !passed_by.contains(number));
            let offsets = records.iter().map(|number| exchange.record(*number));
            let Some(seat) = Seat::take_first(region, offsets, role)? else {
                return Err(Error::NoPlace { participants: exchange.participants });
            };
            let number = ((seat.record() - exchange.record(0)) / exchange.record_len()) as u32;
            let shared = Shared::of(seat.mapping(), geometry);
            let record = Record::at(seat.record(), seat.mapping());
            recovered.extend(repair::repair(&shared, number, &record)?);
            if role == Role::Consumer || !shared.holds_messages(number)? {
                return Ok((seat, number));
            }
            // They would be nobody's while a producer has the place; what the journal said was
            // not known before. Consumers find it, and it comes again by them.
            if record.is_attached() {
                record.set_recovered();
            }
            passed_by.push(number);
        }
    }

    /// The slot held at `place`.
    #[inline(always)]
    pub(super) fn slot(&self, place: u32) -> Slot {
        self.places[place as usize].slot
    }

    /// Gives the slot held at `place` to the ring for the one that `entry` names, which was
    /// found at `position`; returns that one. None if somebody else was first: then nothing has happened.
    /// What is given may have a `tag`, the one that was said to be the next.
    ///
    /// The journal tells a repairer what was to happen, and the entry whether it did: so
    /// this may end between any two instructions.
    #[inline(always)]
    pub(super) fn exchange(
        &mut self,
        operation: Operation,
        place: u32,
        position: u64,
        entry: u64,
        tag: Option<u32>,
    ) -> Result<Option<Slot>, Corrupt> {
        let turns = self.shared.turns;
        let got = self.shared.slot_of(entry)?;
        let owner = self.shared.owner(got);
        let held = &mut self.places[place as usize];
        let index = turns.index(position);
        let new = turns.with_slot(entry.wrapping_add(turns.turns(operation.turns())), held.slot.number());

        // Before the intent, by which a repairer finds them.
        match operation {
            Operation::Enqueue => {}
            Operation::Dequeue => held.position.store(position, Ordering::Relaxed),
            Operation::Displace => {
                let displaced = self.displaced.load(Ordering::Relaxed);
                self.displaced_before.store(displaced, Ordering::Relaxed);
            }
        }
        // Release: pairs with the Acquire in `repair`: whoever reads this sees what the operation
        // before has stored, to the end.
        self.expected.store(entry, Ordering::Release);
        // Release: pairs with the Acquire in `repair`, so that `expected` is seen with it, and
        // what the operation before has stored.
        let intent = Intent::new(operation, place, index, turns, entry);
        self.intent.store(intent.word(), Ordering::Release);

        // Release: pairs with the Acquire of the entry in `Cursor`, so that the slot's contents
        // are seen with it. That Acquire serves for the slot that this gets, too: no two
        // exchanges leave the same entry, so what is found here is what was read there.
        let done =
            self.shared.entry(position).compare_exchange(entry, new, Ordering::Release, Ordering::Relaxed);
        if done.is_err() {
            // Release: pairs with the Acquire in `repair`, so that whoever sees that nothing is
            // intended sees what the operation before has stored.
            self.intent.store(Intent::NONE, Ordering::Release);
            return Ok(None);
        }
        held.slot = got;
        match operation {
            Operation::Dequeue => {
                held.word.store(Held::taken(got.number()).word(), Ordering::Relaxed);
                let before = Owner(owner.load(Ordering::Relaxed));
                owner.store(before.now(self.number).0, Ordering::Relaxed);
            }
            Operation::Enqueue | Operation::Displace => {
                if operation == Operation::Displace {
                    let before = self.displaced_before.load(Ordering::Relaxed);
                    let count = self.shared.messages_in(got).unwrap_or(1);
                    self.displaced.store(before.wrapping_add(count.into()), Ordering::Relaxed);
                }
                held.word.store(Held::spare(got.number()).word(), Ordering::Relaxed);
                owner.store(Owner::writer(self.number).0, Ordering::Relaxed);
                self.last.store(position.wrapping_add(1), Ordering::Relaxed);
                if let Some(tag) = tag {
                    self.last_tag.store(tag.into(), Ordering::Relaxed);
                }
            }
        }
        // Release: pairs with the Acquire in `repair`, so that whoever sees that nothing is
        // intended sees the record and the owner as they are since.
        self.intent.store(Intent::NONE, Ordering::Release);
        self.seat.signals().exchanged();
        Ok(Some(got))
    }

    /// Records what is in the slot held at `place`.
    #[inline(always)]
    pub(super) fn set_held(&self, place: u32, held: Held) {
        // Release, so that a successor sees the messages read before it sees them released.
        self.places[place as usize].word.store(held.word(), Ordering::Release);
    }

    /// The slots held of which the record says that nothing is in them, a bit each.
    pub(super) fn spares(&self) -> Result<u64, Corrupt> {
        let mut spares = 0;
        for place in self.shared.places() {
            if self.shared.held(self.number, place)?.state == Content::Spare {
                spares |= 1 << place;
            }
        }
        Ok(spares)
    }

    /// Says that messages written to the slot held at `place` are this participant's: the
    /// last holder of this record may have got it with messages of another one.
    pub(super) fn sign(&self, place: u32) -> Result<(), Corrupt> {
        let owner = self.shared.owner(self.slot(place));
        owner.store(Owner::writer(self.number).0, Ordering::Relaxed);
        Ok(())
    }

    /// Says what tag the next message to be published has.
    pub(super) fn set_next_tag(&self, tag: u32) {
        self.next_tag.store(tag.into(), Ordering::Relaxed);
    }

    /// The position behind the last message published from this place, and its tag.
    pub(super) fn last(&self) -> (u64, u32) {
        (self.last.load(Ordering::Relaxed), self.last_tag.load(Ordering::Relaxed) as u32)
    }

    pub(super) fn seat(&self) -> &Seat {
        &self.seat
    }

    /// The seat, for what is to keep the place.
    pub(super) const fn seat_kept(&self) -> &Arc<Seat> {
        &self.seat
    }
}

/// The participants' places in the order in which one that comes as `role` tries them: a
/// consumer first those where messages wait for it, a producer those where none do.
fn fitting(shared: &Shared, role: Role) -> Result<Vec<u32>, Corrupt> {
    let mut fitting = Vec::new();
    for number in shared.participants() {
        let (mut messages, mut aside) = (0, 0);
        for place in shared.places() {
            let held = shared.held(number, place)?;
            match held.state {
                Content::Spare => {}
                // The repair sets them aside.
                Content::Messages if shared.is_delivered_enough(held) => aside += 1,
                Content::Messages | Content::Dropping => messages += 1,
                Content::Aside => aside += 1,
            }
        }
        // A consumer gives one slot for another, so it needs two.
        if role == Role::Producer || shared.exchange.held - aside >= 2 {
            fitting.push((number, messages));
        }
    }
    fitting.sort_by_key(|(_, messages)| match role {
        Role::Producer => *messages,
        Role::Consumer => shared.exchange.held - messages,
    });
    Ok(fitting.into_iter().map(|(number, _)| number).collect())
}

fn check_distinct(places: &[HeldPlace]) -> Result<(), Corrupt> {
    for (i, place) in places.iter().enumerate() {
        if places[..i].iter().any(|other| other.slot.number() == place.slot.number()) {
            return Err(Corrupt {
                word: "held",
                found: place.slot.number().into(),
                expected: "each slot held once",
            });
        }
    }
    Ok(())
}
