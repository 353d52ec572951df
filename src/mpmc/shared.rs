//! The memory of an exchange ring, as every participant sees it, and what may be read
//! from it: nothing is used before it is checked.

use std::sync::Arc;

use super::{
    EXPECT_LINES,
    cursor::Side,
    words::{Content, Held, Owner, Turns},
};
use crate::{
    algorithm::Found,
    error::Corrupt,
    geometry::{Exchange, Geometry},
    layout::{AT_HEAD, AT_TAIL, RECORD_HELD, SLOT_HEADER, SLOT_OWNER},
    memory::{Area, Mapping, Span, Word, WordRef},
    options::Delivery,
    payload::{CACHE_LINE, FrameHeader, WORD},
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) turns: Turns,
    pub(super) capacity: u64,
    pub(super) max_message: usize,
    pub(super) delivery: Delivery,
    pub(super) exchange: Exchange,
    /// The length of a slot in bytes.
    pub(super) slot_len: u64,
    /// Where the first message's bytes lie in a slot.
    pub(super) payload_offset: u64,
    slot_count: u32,
    /// How much of a slot is fetched ahead of its use.
    expected_len: u64,
    pub(super) message_size: usize,
    records: Area,
    entries: Area,
    slots: Area,
    mapping: Arc<Mapping>,
}

/// Where in its slot a message lies, and what is behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which message of the slot it is, counted from 0.
    pub(super) index: u32,
    /// Where its frame starts, from the slot's start; where messages have one size, where
    /// the first does.
    pub(super) offset: u64,
}

impl Place {
    pub(super) const FIRST: Self = Self { index: 0, offset: SLOT_HEADER as u64 };

    /// A place behind the first, or none, as one number.
    #[inline(always)]
    const fn code(next: Option<Self>) -> u64 {
        match next {
            Some(place) => place.offset << 12 | place.index as u64,
            None => 0,
        }
    }

    #[inline(always)]
    pub(super) const fn decode(code: u64) -> Option<Self> {
        if code == 0 { None } else { Some(Self { index: (code & 0xfff) as u32, offset: code >> 12 }) }
    }
}

/// A message found in a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    pub(super) span: Span,
    pub(super) tag: u32,
    /// Where the message behind it lies, if there is one.
    pub(super) next: Option<Place>,
}

impl Shared {
    /// # Panics
    ///
    /// If the geometry is not that of an exchange ring, or not that of the mapping: both
    /// were checked against each other when the region was opened.
    pub(super) fn of(mapping: &Arc<Mapping>, geometry: &Geometry) -> Self {
        let exchange = geometry.exchange.expect("the region of an exchange ring");
        let records_at = exchange.record(0);
        let records_len = exchange.record(exchange.participants) - records_at;
        Self {
            turns: Turns::of(geometry, exchange),
            capacity: geometry.capacity,
            max_message: geometry.max_message as usize,
            delivery: geometry.delivery,
            exchange,
            slot_len: geometry.stride,
            payload_offset: geometry.payload_offset(),
            slot_count: exchange.slots(geometry.capacity) as u32,
            expected_len: geometry.stride.min(EXPECT_LINES * CACHE_LINE),
            message_size: geometry.message_size as usize,
            records: mapping.area(records_at, records_len),
            entries: mapping.area(exchange.entries_offset(), (geometry.capacity * WORD) as usize),
            slots: mapping.area(geometry.data_offset() as usize, geometry.data_len() as usize),
            mapping: Arc::clone(mapping),
        }
    }

    /// The hint where to enqueue.
    pub(super) fn tail(&self) -> Word {
        self.mapping.word(AT_TAIL)
    }

    /// The hint where to dequeue.
    pub(super) fn head(&self) -> Word {
        self.mapping.word(AT_HEAD)
    }

    /// How many slots with messages the ring holds, by the hints. A snapshot.
    pub(super) fn len(&self) -> u64 {
        let [tail, head] = [self.tail(), self.head()].map(|hint| hint.load(crate::sync::Ordering::Acquire));
        let len = tail.wrapping_sub(head);
        if len > self.capacity { 0 } else { len }
    }

    #[inline(always)]
    pub(super) fn entry(&self, position: u64) -> WordRef<'_> {
        self.entries.word(position.wrapping_mul(WORD))
    }

    /// The slot that `entry` names.
    #[inline(always)]
    pub(super) fn slot_of(&self, entry: u64) -> Result<u32, Corrupt> {
        let slot = self.turns.slot(entry);
        if slot >= self.slot_count {
            return Err(Corrupt { word: "entry", found: entry, expected: "the number of a slot" });
        }
        Ok(slot)
    }

    /// The word `at` in the record of participant `number`.
    pub(super) fn record_word(&self, number: u32, at: usize) -> Result<WordRef<'_>, Corrupt> {
        let offset = number as usize * self.exchange.record_len() + at;
        self.records.checked_word(offset as u64).ok_or(Corrupt {
            word: "participants",
            found: number.into(),
            expected: "the number of a participant",
        })
    }

    /// The word of the held slot `place` in the record of participant `number`.
    pub(super) fn held_word(&self, number: u32, place: u32) -> Result<WordRef<'_>, Corrupt> {
        self.record_word(number, RECORD_HELD + size_of::<u64>() * place as usize)
    }

    /// The same word, to be kept.
    pub(super) fn held_word_kept(&self, number: u32, place: u32) -> Word {
        self.mapping.word(self.exchange.record(number) + RECORD_HELD + size_of::<u64>() * place as usize)
    }

    /// The word that says at what position the messages in that slot were.
    pub(super) fn position_word(&self, number: u32, place: u32) -> Result<WordRef<'_>, Corrupt> {
        self.held_word(number, self.exchange.held + place)
    }

    /// What participant `number` holds at `place`.
    pub(super) fn held(&self, number: u32, place: u32) -> Result<Held, Corrupt> {
        let word = self.held_word(number, place)?.load(crate::sync::Ordering::Acquire);
        let held = Held::decode(word).filter(|held| held.slot < self.slot_count);
        held.ok_or(Corrupt { word: "held", found: word, expected: "a state and the number of a slot" })
    }

    /// Whether participant `number` holds messages that somebody is to receive.
    pub(super) fn holds_messages(&self, number: u32) -> Result<bool, Corrupt> {
        for place in self.places() {
            if matches!(self.held(number, place)?.state, Content::Messages | Content::Dropping) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The places of held slots in a record.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.exchange.held
    }

    /// The numbers of the participants.
    pub(super) fn participants(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.exchange.participants
    }

    #[inline(always)]
    pub(super) fn owner(&self, slot: u32) -> Result<WordRef<'_>, Corrupt> {
        self.slot_word(slot, SLOT_OWNER as u64)
    }

    /// The word at `offset` in `slot`, which must be within its length.
    #[inline(always)]
    pub(super) fn slot_word(&self, slot: u32, offset: u64) -> Result<WordRef<'_>, Corrupt> {
        self.slots.checked_word(u64::from(slot) * self.slot_len + offset).ok_or(Corrupt {
            word: "entry",
            found: slot.into(),
            expected: "the number of a slot",
        })
    }

    /// The `len` bytes at `offset` in `slot`, or `None` where they are not all in it.
    #[inline(always)]
    pub(super) fn slot_span(&self, slot: u32, offset: u64, len: usize) -> Option<Span> {
        if offset > self.slot_len || len as u64 > self.slot_len - offset {
            return None;
        }
        self.slots.span(u64::from(slot) * self.slot_len + offset, len)
    }

    /// Fetches the start of the slot that lies at `position`, ahead of its use by `side`, if it is
    /// the one that will lie there then.
    #[inline(always)]
    pub(super) fn expect(&self, position: u64, side: Side) {
        let entry = self.entry(position).load(crate::sync::Ordering::Relaxed);
        if self.turns.is_in(entry, side.wanted(self.turns, position)) {
            self.expect_slot(self.turns.slot(entry), side);
        }
    }

    /// Fetches the start of `slot`, if there is such a one, ahead of its use by `side`.
    #[inline(always)]
    pub(super) fn expect_slot(&self, slot: u32, side: Side) {
        if slot >= self.slot_count {
            return;
        }
        let start = u64::from(slot) * self.slot_len;
        // Both sides write the owner.
        self.slots.expect_write(start);
        for line in (start + CACHE_LINE..start + self.expected_len).step_by(CACHE_LINE as usize) {
            match side {
                Side::Tail => self.slots.expect_write(line),
                Side::Head => self.slots.expect_read(line),
            }
        }
    }

    /// Fetches the entry at `position`, ahead of its use.
    #[inline(always)]
    pub(super) fn expect_entry(&self, position: u64) {
        self.entries.expect_write((position & (self.capacity - 1)) * WORD);
    }

    /// The message at `place` in `slot`, of `size` bytes, or of any length if `size` is 0.
    #[inline(always)]
    pub(super) fn message(&self, slot: u32, place: Place, size: usize) -> Result<Packed, Corrupt> {
        // Relaxed: the slot is the caller's, or it finds out that it was not.
        let word = self.slot_word(slot, place.offset)?.load(crate::sync::Ordering::Relaxed);
        let found =
            if size == 0 { self.frame(slot, place, word) } else { self.value(slot, place, word, size) };
        found.ok_or_else(|| not_ready(word))
    }

    /// The message at `place` in `slot`, which was taken at `position`; where the one behind
    /// it lies is its `end`.
    #[inline(always)]
    pub(super) fn found(
        &self,
        slot: u32,
        place: Place,
        size: usize,
        position: u64,
        deliveries: u32,
    ) -> Result<Found, Corrupt> {
        let Packed { span, tag, next } = self.message(slot, place, size)?;
        let sender = Owner(self.owner(slot)?.load(crate::sync::Ordering::Relaxed)).sender();
        Ok(Found { position, end: Place::code(next), span, tag, deliveries, sender: Some(sender) })
    }

    #[inline(always)]
    fn frame(&self, slot: u32, place: Place, word: u64) -> Option<Packed> {
        let header = FrameHeader::decode_packed(word)?;
        let len = header.len();
        if len > self.max_message as u64 {
            return None;
        }
        let span = self.slot_span(slot, place.offset + WORD, len as usize)?;
        let next = if header.is_followed() {
            let offset = place.offset + WORD + len.next_multiple_of(WORD);
            if offset + WORD > self.slot_len || place.index + 1 >= Held::MAX_MESSAGES {
                return None;
            }
            Some(Place { index: place.index + 1, offset })
        } else {
            None
        };
        Some(Packed { span, tag: header.tag(), next })
    }

    #[inline(always)]
    fn value(&self, slot: u32, place: Place, word: u64, size: usize) -> Option<Packed> {
        let (span, next) = self.values_at(slot, place, word, size, size)?;
        Some(Packed { span, tag: 0, next })
    }

    /// The values of `size` bytes from `place` on in `slot`, as many as `room` bytes take, which is
    /// one at least; and where the one behind them lies, if there is one.
    #[inline(always)]
    pub(super) fn values(
        &self,
        slot: u32,
        place: Place,
        size: usize,
        room: usize,
    ) -> Result<(Span, Option<Place>), Corrupt> {
        let word = self.slot_word(slot, place.offset)?.load(crate::sync::Ordering::Relaxed);
        self.values_at(slot, place, word, size, room).ok_or_else(|| not_ready(word))
    }

    #[inline(always)]
    fn values_at(
        &self,
        slot: u32,
        place: Place,
        word: u64,
        size: usize,
        room: usize,
    ) -> Option<(Span, Option<Place>)> {
        let len = FrameHeader::decode_packed(word)?.len() as usize;
        let at = place.index as usize * size;
        let there = len.checked_sub(at)? / size;
        let there = there.min((Held::MAX_MESSAGES - place.index) as usize);
        let count = there.min(room / size);
        if count == 0 {
            return None;
        }
        let span = self.slot_span(slot, self.payload_offset + at as u64, count * size)?;
        let next = (count < there).then_some(Place { index: place.index + count as u32, ..place });
        Some((span, next))
    }

    /// Where message number `index` lies in `slot`; `None` if there are not so many.
    pub(super) fn place_of(&self, slot: u32, index: u32) -> Result<Option<Place>, Corrupt> {
        let mut place = Some(Place::FIRST);
        while let Some(at) = place
            && at.index < index
        {
            place = self.message(slot, at, self.message_size)?.next;
        }
        Ok(place)
    }

    /// Whether messages held so were delivered as often as may be, and are to be set aside.
    pub(super) fn is_delivered_enough(&self, held: Held) -> bool {
        let most = self.exchange.max_deliveries;
        most != 0 && held.deliveries >= most && self.delivery == Delivery::AtLeastOnce
    }

    /// How many messages lie in `slot`.
    pub(super) fn messages_in(&self, slot: u32) -> Result<u32, Corrupt> {
        let mut place = Place::FIRST;
        while let Some(next) = self.message(slot, place, self.message_size)?.next {
            place = next;
        }
        Ok(place.index + 1)
    }

    pub(super) const fn slots(&self) -> &Area {
        &self.slots
    }
}

const fn not_ready(word: u64) -> Corrupt {
    Corrupt { word: "slot header", found: word, expected: "ready, with lengths within the slot" }
}

/// Gives each entry and each participant of a new ring its slots.
pub(crate) fn hand_out_slots(mapping: &Arc<Mapping>, geometry: &Geometry, exchange: Exchange) {
    use crate::sync::Ordering::Relaxed;

    let entries = exchange.entries_offset();
    for slot in 0..geometry.capacity {
        mapping.word(entries + (slot * WORD) as usize).store(slot, Relaxed);
    }
    let mut slot = geometry.capacity as u32;
    for number in 0..exchange.participants {
        for place in 0..exchange.held as usize {
            let held = exchange.record(number) + RECORD_HELD + size_of::<u64>() * place;
            mapping.word(held).store(Held::spare(slot).word(), Relaxed);
            let owner = geometry.data_offset() + u64::from(slot) * geometry.stride + SLOT_OWNER as u64;
            mapping.word(owner as usize).store(super::words::Owner::writer(number).0, Relaxed);
            slot += 1;
        }
    }
}
