//! A slot, and the messages that lie in it. Nothing that is read from it is used before it is
//! checked.

use super::{
    shared::Shared,
    words::{Held, Owner},
};
use crate::{
    algorithm::Found,
    error::Corrupt,
    layout::{SLOT_HEADER, SLOT_OWNER},
    memory::{Cell, Span, WordRef},
    payload::{FrameHeader, WORD},
    sync::Ordering,
};

/// A slot, which was found to exist.
pub(super) type Slot = Cell;

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
    #[inline(always)]
    pub(super) fn owner(&self, slot: Slot) -> WordRef<'_> {
        self.slots().word::<SLOT_OWNER>(slot)
    }

    /// The header of the first message in `slot`, or of all where they have one size.
    #[inline(always)]
    pub(super) fn first_header(&self, slot: Slot) -> WordRef<'_> {
        self.slots().word::<SLOT_HEADER>(slot)
    }

    /// The word at `offset` in `slot`, which must be within its length.
    #[inline(always)]
    pub(super) fn slot_word(&self, slot: Slot, offset: u64) -> Result<WordRef<'_>, Corrupt> {
        self.slots().checked_word(slot, offset).ok_or(Corrupt {
            word: "slot header",
            found: offset,
            expected: "an offset within the slot",
        })
    }

    /// The message at `place` in `slot`, of `size` bytes, or of any length if `size` is 0.
    #[inline(always)]
    pub(super) fn message(&self, slot: Slot, place: Place, size: usize) -> Result<Packed, Corrupt> {
        // Relaxed: the slot is the caller's, or it finds out that it was not.
        let header =
            if place.index == 0 { self.first_header(slot) } else { self.slot_word(slot, place.offset)? };
        let word = header.load(Ordering::Relaxed);
        let found =
            if size == 0 { self.frame(slot, place, word) } else { self.value(slot, place, word, size) };
        found.ok_or_else(|| not_ready(word))
    }

    /// The message at `place` in `slot`, which was taken at `position`; where the one behind
    /// it lies is its `end`.
    #[inline(always)]
    pub(super) fn found(
        &self,
        slot: Slot,
        place: Place,
        size: usize,
        position: u64,
        deliveries: u32,
    ) -> Result<Found, Corrupt> {
        let Packed { span, tag, next } = self.message(slot, place, size)?;
        let sender = Owner(self.owner(slot).load(Ordering::Relaxed)).sender();
        Ok(Found { position, end: Place::code(next), span, tag, deliveries, sender: Some(sender) })
    }

    #[inline(always)]
    fn frame(&self, slot: Slot, place: Place, word: u64) -> Option<Packed> {
        let header = FrameHeader::decode_packed(word)?;
        let len = header.len();
        if len > self.max_message as u64 {
            return None;
        }
        let span = if place.index == 0 {
            self.slots().body(slot, len as usize)?
        } else {
            self.slots().part(slot, place.offset + WORD, len as usize)?
        };
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
    fn value(&self, slot: Slot, place: Place, word: u64, size: usize) -> Option<Packed> {
        if place.index == 0 && FrameHeader::decode_packed(word)?.len() == size as u64 {
            return Some(Packed { span: self.slots().body(slot, size)?, tag: 0, next: None });
        }
        let (span, next) = self.values_at(slot, place, word, size, size)?;
        Some(Packed { span, tag: 0, next })
    }

    /// The values of `size` bytes from `place` on in `slot`, as many as `room` bytes take, which is
    /// one at least; and where the one behind them lies, if there is one.
    #[inline(always)]
    pub(super) fn values(
        &self,
        slot: Slot,
        place: Place,
        size: usize,
        room: usize,
    ) -> Result<(Span, Option<Place>), Corrupt> {
        let word = self.first_header(slot).load(Ordering::Relaxed);
        self.values_at(slot, place, word, size, room).ok_or_else(|| not_ready(word))
    }

    #[inline(always)]
    fn values_at(
        &self,
        slot: Slot,
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
        let span = self.slots().part(slot, self.payload_offset + at as u64, count * size)?;
        let next = (count < there).then_some(Place { index: place.index + count as u32, ..place });
        Some((span, next))
    }

    /// Where message number `index` lies in `slot`; `None` if there are not so many.
    pub(super) fn place_of(&self, slot: Slot, index: u32) -> Result<Option<Place>, Corrupt> {
        let mut place = Some(Place::FIRST);
        while let Some(at) = place
            && at.index < index
        {
            place = self.message(slot, at, self.message_size)?.next;
        }
        Ok(place)
    }

    /// How many messages lie in `slot`.
    pub(super) fn messages_in(&self, slot: Slot) -> Result<u32, Corrupt> {
        let mut place = Place::FIRST;
        while let Some(next) = self.message(slot, place, self.message_size)?.next {
            place = next;
        }
        Ok(place.index + 1)
    }

    /// How many messages lie in the slot that `held` names.
    pub(super) fn messages_held(&self, held: Held) -> Result<u32, Corrupt> {
        self.messages_in(self.slot_held(held)?)
    }
}

const fn not_ready(word: u64) -> Corrupt {
    Corrupt { word: "slot header", found: word, expected: "ready, with lengths within the slot" }
}
