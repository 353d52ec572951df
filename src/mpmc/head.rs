//! The consumer's end: taking slots with messages from the ring, giving their messages
//! out, releasing them.

use std::{collections::VecDeque, marker::PhantomData, sync::Arc};

use super::{
    EXPECT_ENTRY, EXPECT_SLOT,
    block::{Block, OwnedMessages},
    cursor::{Cursor, Look, Lost, Side},
    participant::Participant,
    patrol::{self, Adopted, Patrol},
    recovered::Recovered,
    slot::{Packed, Place, Slot},
    words::{Content, Held, Operation},
};
use crate::{
    Error, Role, Seat,
    algorithm::{self, Found},
    error::{Corrupt, RecvError},
    geometry::Exchange,
    layout::AT_RECORD_REDELIVERED,
    memory::Area,
    options::Delivery,
    payload::Payload,
    region::Region,
    sync::{Ordering, before_what_follows},
    trust::Trust,
    waiting::Rhythm,
};

pub struct Head<M: Payload + ?Sized> {
    /// Dropped before the participant, which then tells others to look for what this has left.
    adopted: Option<Arc<Adopted>>,
    participant: Participant,
    cursor: Cursor,
    /// The places of held slots that are known to be spare, a bit each.
    spares: u64,
    /// Slots whose messages were given out, or are being: in the order they were taken.
    taken: Vec<Block>,
    /// The next message of the last of them.
    next: Option<Place>,
    /// Slots that are in the record, or in that of a participant that died, and whose
    /// messages come again.
    back: VecDeque<Block>,
    patrol: Patrol,
    events: Vec<Recovered>,
    rhythm: Rhythm,
    /// Messages since the ring was last found empty.
    came: u64,
    corrupt: Option<Corrupt>,
    foreseen: Foreseen,
    _payload: PhantomData<fn(&M)>,
}

/// Where messages are likely to come: a single producer sends in the slot that it got last, by
/// the exchange of the position before.
#[derive(Clone, Copy, Debug)]
struct Foreseen {
    /// The position that the ring was last found empty at.
    position: u64,
    /// The slot for it, until it was taken.
    slot: u32,
    /// The slot for the position behind it.
    next: u32,
}

/// The number of no slot.
const NO_SLOT: u32 = u32::MAX;

/// Recoveries that are kept for the program to ask for.
const MAX_EVENTS: usize = 1024;

impl<M: Payload + ?Sized> Head<M> {
    pub(super) fn attach(region: &Region) -> Result<Self, Error> {
        let (participant, recovered) = Participant::attach(region, Role::Consumer)?;
        let held = participant.shared.exchange.held as usize;
        let mut head = Self {
            cursor: Cursor::new(&participant.shared, Side::Head),
            spares: participant.spares()?,
            taken: Vec::with_capacity(held),
            next: None,
            back: VecDeque::with_capacity(held),
            adopted: None,
            patrol: Patrol::new(),
            events: recovered,
            rhythm: Rhythm::new(),
            came: 0,
            corrupt: None,
            foreseen: Foreseen { position: 0, slot: NO_SLOT, next: NO_SLOT },
            participant,
            _payload: PhantomData,
        };
        let own = Block::left_in(&head.participant.shared, head.participant.number)?;
        head.back.extend(own);
        head.look_round()?;
        Ok(head)
    }

    /// Makes sure that there is a message to give out, from where it comes first.
    #[inline(always)]
    fn fetch(&mut self) -> Result<Place, RecvError> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt.into());
        }
        if let Some(place) = self.next {
            return Ok(place);
        }
        if self.patrol.is_due() || !self.back.is_empty() {
            self.fetch_again()?;
            if let Some(place) = self.next {
                return Ok(place);
            }
        }
        self.dequeue()
    }

    /// Takes the next slot from the ring, and opens it.
    #[inline(always)]
    fn dequeue(&mut self) -> Result<Place, RecvError> {
        let (place, slot, position) = self.take()?;
        Ok(self.open(place, slot, position))
    }

    /// Takes the next slot from the ring: in which place it is held, and where it was.
    #[inline(always)]
    fn take(&mut self) -> Result<(u32, Slot, u64), RecvError> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt.into());
        }
        let place = self.spare()?;
        self.patrol.count();
        self.expect_foreseen();
        let (slot, position) = match self.exchange(place)? {
            Some(taken) => taken,
            None => self.exchange_again(place)?,
        };
        Ok((place, slot, position))
    }

    /// Exchanges the slot in `place` for the next in the ring, and says where that was; nothing if
    /// others were first.
    #[inline(always)]
    fn exchange(&mut self, place: u32) -> Result<Option<(Slot, u64)>, RecvError> {
        let entry = match self.cursor.look(&self.participant.shared, Side::Head) {
            Ok(Look::Ready(entry)) => entry,
            Ok(Look::Blocked(entry)) => {
                self.patrol.found_empty();
                self.foresee(entry);
                // The look before may have fetched them in vain.
                self.expect_foreseen();
                return Err(RecvError::Empty);
            }
            Ok(Look::Contended) => return Err(RecvError::Contended),
            Err(corrupt) => return Err(self.spoilt(corrupt).into()),
        };
        let position = self.cursor.position();
        let shared = &self.participant.shared;
        // It travels while the exchange waits for the entry.
        shared.expect_slot(shared.turns.slot(entry), Side::Head);
        match self.participant.exchange(Operation::Dequeue, place, position, entry, None) {
            Ok(Some(slot)) => {
                self.cursor.take(self.participant.shared.turns);
                self.came += 1;
                self.foreseen.slot = NO_SLOT;
                self.expect_more(position);
                Ok(Some((slot, position)))
            }
            Ok(None) => Ok(None),
            Err(corrupt) => Err(self.spoilt(corrupt).into()),
        }
    }

    /// The same until nobody else is first.
    #[cold]
    fn exchange_again(&mut self, place: u32) -> Result<(Slot, u64), RecvError> {
        let mut lost = Lost::default();
        while lost.again() {
            if let Some(taken) = self.exchange(place)? {
                return Ok(taken);
            }
        }
        Err(RecvError::Contended)
    }

    /// Starts to give out the messages of a slot just taken.
    #[inline(always)]
    fn open(&mut self, place: u32, slot: Slot, position: u64) -> Place {
        self.spares &= !(1 << place);
        self.taken.push(Block {
            record: self.participant.number,
            place,
            slot,
            position,
            deliveries: 1,
            released: 0,
            given: 0,
        });
        self.next = Some(Place::FIRST);
        Place::FIRST
    }

    /// Finds out in which slot the next message is likely to come, for which the entry, which is
    /// `entry` until then, was looked at in vain.
    #[inline(always)]
    fn foresee(&mut self, entry: u64) {
        let shared = &self.participant.shared;
        let position = self.cursor.position();
        let Foreseen { position: before, next, .. } = self.foreseen;
        if position != before {
            let slot = if position == before.wrapping_add(1) { next } else { NO_SLOT };
            self.foreseen = Foreseen { position, slot, next: shared.turns.slot(entry) };
        }
    }

    /// Fetches the slot in which the next message is likely to come, so that it travels together
    /// with the entry; and the entry for the exchange, not for the look alone.
    #[inline(always)]
    fn expect_foreseen(&self) {
        // Not where others take messages, too: they would have the entry from each other.
        if self.foreseen.slot != NO_SLOT {
            let shared = &self.participant.shared;
            shared.expect_slot(self.foreseen.slot, Side::Head);
            shared.expect_entry(self.cursor.position());
        }
    }

    /// Fetches what comes some positions behind `position`.
    #[inline(always)]
    fn expect_more(&self, position: u64) {
        let shared = &self.participant.shared;
        shared.expect_entry(position.wrapping_add(EXPECT_ENTRY));
        shared.expect(position.wrapping_add(EXPECT_SLOT), Side::Head);
    }

    /// The place of a slot to give: never the last spare one, so that a successor in this
    /// place has one to send with.
    #[inline(always)]
    fn spare(&mut self) -> Result<u32, RecvError> {
        if self.spares & self.spares.wrapping_sub(1) == 0 {
            // Those of owned messages that were released meanwhile, and of messages set aside
            // that somebody took.
            match self.participant.spares() {
                Ok(spares) => self.spares |= spares,
                Err(corrupt) => return Err(self.spoilt(corrupt).into()),
            }
            if self.spares & self.spares.wrapping_sub(1) == 0 {
                return Err(RecvError::HoldsAll);
            }
        }
        Ok(self.spares.trailing_zeros())
    }

    /// Looks for the dead, if it is time, and takes up messages that come again.
    #[cold]
    fn fetch_again(&mut self) -> Result<(), RecvError> {
        if self.patrol.begin() {
            // What cannot be asked of the system now is asked the next time.
            if let Err(Error::Corrupt(corrupt)) = self.look_round() {
                return Err(self.spoilt(corrupt).into());
            }
        }
        while let Some(block) = self.back.pop_front() {
            match self.reopen(block) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(corrupt) => return Err(self.spoilt(corrupt).into()),
            }
        }
        Ok(())
    }

    /// Repairs what participants left that died, and takes up the messages of one of them.
    fn look_round(&mut self) -> Result<(), Error> {
        if self.adopted.as_ref().is_some_and(|adopted| adopted.is_over()) {
            self.adopted = None;
        }
        let Self { participant, adopted, back, events, .. } = self;
        let region = participant.seat().region();
        let shared = &participant.shared;
        let skipped = [Some(participant.number), adopted.as_ref().map(|adopted| adopted.number)];
        patrol::look_round(region, shared, skipped, |lock, number, recovered| {
            events.extend(recovered);
            let excess = events.len().saturating_sub(MAX_EVENTS);
            events.drain(..excess);
            if adopted.is_none() {
                let left = Block::left_in(shared, number)?;
                if !left.is_empty() {
                    *adopted = Some(Arc::new(Adopted::new(lock, number, left.len())));
                    back.extend(left);
                }
            }
            Ok(())
        })
    }

    /// Takes up a slot whose messages come again; false if they have come too often.
    fn reopen(&mut self, block: Block) -> Result<bool, Corrupt> {
        let shared = &self.participant.shared;
        let held = shared.held(block.record, block.place)?;
        if shared.is_delivered_enough(held) {
            self.set_held(&block, Held { state: Content::Aside, ..held })?;
            self.forget_adopted(&block);
            return Ok(false);
        }
        let mut deliveries = held.deliveries;
        if shared.delivery == Delivery::AtLeastOnce {
            deliveries = (deliveries + 1).min(Exchange::MAX_DELIVERIES);
            self.set_held(&block, Held { deliveries, ..held })?;
        }
        let count = shared.messages_in(block.slot)?.saturating_sub(held.released);
        let redelivered = shared.record_word(block.record, AT_RECORD_REDELIVERED)?;
        // A consumer killed before this has not counted them; whoever is next counts its own.
        redelivered.store(redelivered.load(Ordering::Relaxed).wrapping_add(count.into()), Ordering::Relaxed);
        let slot = block.slot;
        let Some(place) = shared.place_of(slot, held.released)? else {
            return Err(Corrupt {
                word: "held",
                found: held.word(),
                expected: "messages that are not released",
            });
        };
        self.taken.push(Block { deliveries, released: held.released, given: held.released, ..block });
        self.next = Some(place);
        Ok(true)
    }

    /// Records how many messages of `block`, which has more, are released.
    fn release_some(&mut self, block: Block) {
        let block = Block { released: block.given, ..block };
        let (released, received) = match self.participant.shared.delivery {
            Delivery::AtLeastOnce => (block.given, 0),
            Delivery::AtMostOnce => (block.given, block.given),
        };
        let held =
            Held { released, received, deliveries: block.deliveries, ..Held::taken(block.slot.number()) };
        let _ = self.set_held(&block, held);
        self.taken.push(block);
    }

    fn set_held(&self, block: &Block, held: Held) -> Result<(), Corrupt> {
        // Release, so that a successor sees the messages read before it sees them released.
        let word = self.participant.shared.held_word(block.record, block.place)?;
        word.store(held.word(), Ordering::Release);
        Ok(())
    }

    /// Records that the slot of `block` is spare again.
    #[inline(always)]
    fn set_spare(&mut self, block: Block) {
        if block.record == self.participant.number {
            self.participant.set_held(block.place, Held::spare(block.slot.number()));
            self.spares |= 1 << block.place;
        } else {
            // The record was checked when it was adopted.
            let _ = self.set_held(&block, Held::spare(block.slot.number()));
            self.forget_adopted(&block);
        }
    }

    /// Lets go of a record whose last message this was.
    fn forget_adopted(&mut self, block: &Block) {
        if block.record != self.participant.number
            && self.adopted.as_ref().is_some_and(|adopted| adopted.finish_one())
        {
            self.adopted = None;
            // Others may have died too.
            self.patrol.hurry();
        }
    }

    #[cold]
    fn spoilt(&mut self, corrupt: Corrupt) -> Corrupt {
        self.corrupt = Some(corrupt);
        corrupt
    }

    /// Takes the next messages of one slot for themselves.
    pub(super) fn take_owned<P: Trust>(&mut self) -> Result<OwnedMessages<M, P>, RecvError> {
        if !self.participant.seat().is_here() {
            return Err(self.participant.seat().not_here().into());
        }
        self.fetch()?;
        let (Some(block), next) = (self.taken.pop(), self.next.take()) else { return Err(RecvError::Empty) };
        let adopted = self.adopted.as_ref();
        match OwnedMessages::new(&self.participant, block, next, adopted) {
            Ok(messages) => {
                self.record_received(&Block { given: block.given + messages.len() as u32, ..block });
                Ok(messages)
            }
            Err(corrupt) => Err(self.spoilt(corrupt).into()),
        }
    }

    /// Records that the messages of `block` that were given out have been received, where they
    /// must not come again, before their contents reach anybody.
    #[inline(always)]
    fn record_received(&self, block: &Block) {
        if self.participant.shared.delivery == Delivery::AtMostOnce {
            let held =
                Held { released: block.released, received: block.given, ..Held::taken(block.slot.number()) };
            let _ = self.set_held(block, held);
            // A consumer killed from here on has received them.
            before_what_follows();
        }
    }

    pub(super) const fn participant(&self) -> &Participant {
        &self.participant
    }

    /// The recoveries since this was last asked.
    pub(super) fn take_events(&mut self) -> Vec<Recovered> {
        std::mem::take(&mut self.events)
    }
}

impl<M: Payload + ?Sized> algorithm::Head<M> for Head<M> {
    #[inline(always)]
    fn find(&mut self) -> Result<Found, RecvError> {
        if !self.participant.seat().is_here() {
            return Err(self.participant.seat().not_here().into());
        }
        let place = self.fetch()?;
        let Some(block) = self.taken.last() else { return Err(RecvError::Empty) };
        let shared = &self.participant.shared;
        match shared.found(block.slot, place, M::SIZE, block.position, block.deliveries) {
            Ok(found) => Ok(found),
            Err(corrupt) => Err(self.spoilt(corrupt).into()),
        }
    }

    #[inline(always)]
    fn receive(&mut self, found: &Found) {
        self.next = Place::decode(found.end);
        let Some(block) = self.taken.last_mut() else { return };
        block.given += 1;
        let block = *block;
        self.record_received(&block);
    }

    #[inline(always)]
    fn receive_and_release(&mut self, found: &Found) {
        self.receive(found);
        self.release();
    }

    #[inline(always)]
    fn receive_into(&mut self, into: &mut [u8]) -> Result<usize, RecvError> {
        if !self.participant.seat().is_here() {
            return Err(self.participant.seat().not_here().into());
        }
        if self.taken.is_empty() && (self.patrol.is_due() || !self.back.is_empty()) {
            self.fetch_again()?;
        }
        if self.taken.is_empty() {
            let (place, slot, position) = self.take()?;
            let shared = &self.participant.shared;
            if shared.delivery == Delivery::AtLeastOnce
                && let Ok(Packed { span, next: None, .. }) = shared.message(slot, Place::FIRST, M::SIZE)
                && span.len() <= into.len()
            {
                // Never a block, so that a single message costs no more than it must.
                shared.area().read(span, into);
                self.participant.set_held(place, Held::spare(slot.number()));
                return Ok(span.len());
            }
            self.open(place, slot, position);
        }
        let found = self.find()?;
        algorithm::copy(self, &found, into)
    }

    fn receive_values(&mut self, into: &mut [u8]) -> Result<usize, RecvError> {
        let most = into.len() / M::SIZE;
        let mut left = into;
        while left.len() >= M::SIZE {
            match self.find() {
                Err(RecvError::Empty | RecvError::HoldsAll) if left.len() / M::SIZE < most => break,
                found => found?,
            };
            let (Some(block), Some(place)) = (self.taken.last_mut(), self.next) else { break };
            let shared = &self.participant.shared;
            let (span, next) = match shared.values(block.slot, place, M::SIZE, left.len()) {
                Ok(values) => values,
                Err(corrupt) => return Err(self.spoilt(corrupt).into()),
            };
            let (now, behind) = left.split_at_mut(span.len());
            shared.area().read(span, now);
            block.given += (span.len() / M::SIZE) as u32;
            let block = *block;
            self.record_received(&block);
            (left, self.next) = (behind, next);
            if next.is_none() {
                // Whole slots at a time, so that it never runs out of spare ones.
                self.release();
            }
        }
        let received = most - left.len() / M::SIZE;
        self.release();
        Ok(received)
    }

    #[inline(always)]
    fn release(&mut self) {
        if !self.participant.seat().is_here() {
            return;
        }
        // The last one may have more messages, which stay.
        let stays = self.next.and_then(|_| self.taken.pop());
        while let Some(block) = self.taken.pop() {
            self.set_spare(block);
        }
        if let Some(block) = stays {
            self.release_some(block);
        }
    }

    #[cold]
    fn hand_back(&mut self, from: &Found, kept: usize) {
        if self.participant.shared.delivery == Delivery::AtMostOnce {
            return self.release();
        }
        let first = self.taken.iter().position(|block| block.position == from.position).unwrap_or(0);
        let mut back = self.taken.split_off(first);
        // The last one may have more messages, which were not given out.
        let is_open = self.next.take().is_some();
        // Those before it are released; and so are those before it in its slot.
        self.release();
        if let Some(block) = back.first_mut() {
            block.released = match Place::decode(from.end) {
                Some(behind) => behind.index - 1,
                None => block.given.saturating_sub(1),
            };
        }
        let (mut kept, last) = (kept as u64, back.len().saturating_sub(1));
        let mut again = Vec::with_capacity(back.len());
        for (i, block) in back.into_iter().enumerate() {
            let given = u64::from(block.given.saturating_sub(block.released));
            let done = kept.min(given);
            kept -= done;
            if done == given && (i < last || !is_open) {
                self.set_spare(block);
                continue;
            }
            let block = Block { released: block.released + done as u32, ..block };
            let held = Held {
                released: block.released,
                deliveries: block.deliveries,
                ..Held::taken(block.slot.number())
            };
            let _ = self.set_held(&block, held);
            again.push(block);
        }
        for block in again.into_iter().rev() {
            self.back.push_front(block);
        }
    }

    fn look_for_the_dead(&mut self) {
        self.patrol.hurry();
    }

    fn let_some_come(&mut self) {
        let position = self.cursor.position();
        let shared = &self.participant.shared;
        self.rhythm.ran_empty(
            position.wrapping_mul(shared.slot_len),
            self.came,
            shared.capacity * shared.slot_len,
        );
        self.came = 0;
    }

    fn len(&self) -> u64 {
        if !self.participant.seat().is_here() {
            return 0;
        }
        self.participant.shared.len()
    }

    fn is_empty(&self) -> bool {
        if !self.participant.seat().is_here() {
            return true;
        }
        let at_hand = self.next.is_some() || !self.back.is_empty();
        !at_hand
            && !matches!(self.cursor.clone().look(&self.participant.shared, Side::Head), Ok(Look::Ready(_)))
    }

    fn capacity(&self) -> u64 {
        self.participant.shared.capacity
    }

    fn max_message(&self) -> usize {
        self.participant.shared.max_message
    }

    fn area(&self) -> &Area {
        self.participant.shared.area()
    }

    fn seat(&self) -> &Seat {
        self.participant.seat()
    }
}

impl<M: Payload + ?Sized> std::fmt::Debug for Head<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head")
            .field("participant", &self.participant)
            .field("cursor", &self.cursor)
            .field("taken", &self.taken)
            .field("back", &self.back)
            .finish_non_exhaustive()
    }
}
