//! The memory of an exchange ring, as every participant sees it, and what may be read
//! from it: nothing is used before it is checked.

use std::sync::Arc;

use super::{
    EXPECT_LINES,
    cursor::Side,
    slot::Slot,
    words::{Content, Held, Owner, Turns},
};
use crate::{
    checksum::Checksums,
    error::Corrupt,
    geometry::{Exchange, Geometry},
    layout::{AT_HEAD, AT_TAIL, RECORD_HELD, SLOT_OWNER},
    memory::{Area, Cells, Mapping, Word, WordRef},
    options::Delivery,
    payload::{CACHE_LINE, WORD},
    sync::Ordering,
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
    /// How much of a slot is fetched ahead of its use.
    expected_len: u64,
    pub(super) message_size: usize,
    pub(super) checksums: Option<Checksums>,
    records: Area,
    entries: Area,
    slots: Cells,
    mapping: Arc<Mapping>,
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
            expected_len: geometry.stride.min(EXPECT_LINES * CACHE_LINE),
            message_size: geometry.message_size as usize,
            checksums: Checksums::of(mapping, geometry),
            records: mapping.area(records_at, records_len),
            entries: mapping.area(exchange.entries_offset(), (geometry.capacity * WORD) as usize),
            slots: Cells::of(
                mapping.area(geometry.data_offset() as usize, geometry.data_len() as usize),
                geometry.stride,
                exchange.slots(geometry.capacity) as u32,
                geometry.payload_offset(),
            ),
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
        let [tail, head] = [self.tail(), self.head()].map(|hint| hint.load(Ordering::Acquire));
        let len = tail.wrapping_sub(head) as i64;
        // Displacing moves the tail's hint alone, so the head's may lie more than a lap behind. It may
        // lead too, having been read after the tail's.
        len.clamp(0, self.capacity as i64) as u64
    }

    #[inline(always)]
    pub(super) fn entry(&self, position: u64) -> WordRef<'_> {
        self.entries.word(position.wrapping_mul(WORD))
    }

    /// The slot that `entry` names.
    #[inline(always)]
    pub(super) fn slot_of(&self, entry: u64) -> Result<Slot, Corrupt> {
        self.slot(self.turns.slot(entry)).ok_or(Corrupt {
            word: "entry",
            found: entry,
            expected: "the number of a slot",
        })
    }

    #[inline(always)]
    fn slot(&self, number: u32) -> Option<Slot> {
        self.slots.get(number)
    }

    /// The slot that `held` names.
    pub(super) fn slot_held(&self, held: Held) -> Result<Slot, Corrupt> {
        self.slot(held.slot).ok_or(not_held(held.word()))
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
        let word = self.held_word(number, place)?.load(Ordering::Acquire);
        let held = Held::decode(word).filter(|held| self.slot(held.slot).is_some());
        held.ok_or(not_held(word))
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

    /// Fetches the start of the slot that lies at `position`, ahead of its use by `side`, if it is
    /// the one that will lie there then.
    #[inline(always)]
    pub(super) fn expect(&self, position: u64, side: Side) {
        let entry = self.entry(position).load(Ordering::Relaxed);
        if self.turns.is_full(entry) == (side == Side::Head) {
            self.expect_slot(self.turns.slot(entry), side);
        }
    }

    /// Fetches the start of `slot` ahead of its use by `side`; to no effect where there is no such
    /// one.
    #[inline(always)]
    pub(super) fn expect_slot(&self, slot: u32, side: Side) {
        let start = u64::from(slot) * self.slot_len;
        // Both sides write the owner.
        self.slots.area().expect_write(start);
        let mut line = CACHE_LINE;
        while line < self.expected_len {
            match side {
                Side::Tail => self.slots.area().expect_write(start + line),
                Side::Head => self.slots.area().expect_read(start + line),
            }
            line += CACHE_LINE;
        }
    }

    /// Fetches the entry at `position`, ahead of its use.
    #[inline(always)]
    pub(super) fn expect_entry(&self, position: u64) {
        self.entries.expect_word(position.wrapping_mul(WORD));
    }

    /// Whether messages held so were delivered as often as may be, and are to be set aside.
    pub(super) fn is_delivered_enough(&self, held: Held) -> bool {
        let most = self.exchange.max_deliveries;
        most != 0 && held.deliveries >= most && self.delivery == Delivery::AtLeastOnce
    }

    pub(super) const fn slots(&self) -> &Cells {
        &self.slots
    }

    /// The bytes in which slots lie.
    pub(super) const fn area(&self) -> &Area {
        self.slots.area()
    }
}

const fn not_held(word: u64) -> Corrupt {
    Corrupt { word: "held", found: word, expected: "a state and the number of a slot" }
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
            mapping.word(owner as usize).store(Owner::writer(number).0, Relaxed);
            slot += 1;
        }
    }
}
