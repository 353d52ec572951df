//! The words of an exchange ring, and what their bits mean.

use crate::geometry::{Exchange, Geometry};

/// How entries are read: each is a turn (high bits) and the number of a slot (low bits).
///
/// For position `n`, in the entry `n mod capacity`, on the lap `n / capacity`: a turn of
/// `2 * lap` is *free* (it holds a slot to write to), one of `2 * lap + 1` is *full* (it
/// holds the message of position `n`). An exchange adds 1; one that displaces a message
/// adds 2. Turns have as many bits as the slots' numbers leave, and are compared by
/// wrapping arithmetic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    capacity_bits: u32,
    slot_bits: u32,
    /// From a lap in a position to the turn in an entry.
    lap_shift: u32,
    /// What of a position says on which lap it is.
    lap: u64,
    /// The bits of a slot's number.
    slot: u64,
}

impl Turns {
    pub(super) const fn of(geometry: &Geometry, exchange: Exchange) -> Self {
        let slots = exchange.slots(geometry.capacity);
        let slot_bits = 64 - slots.leading_zeros();
        Self {
            capacity_bits: geometry.capacity.trailing_zeros(),
            slot_bits,
            // There are more slots than entries: `slot_bits` is above the capacity's.
            lap_shift: slot_bits + 1 - geometry.capacity.trailing_zeros(),
            lap: !(geometry.capacity - 1),
            slot: (1 << slot_bits) - 1,
        }
    }

    /// The entry at `position` when it is free, less its slot.
    #[inline(always)]
    pub(super) const fn free(self, position: u64) -> u64 {
        (position & self.lap) << self.lap_shift
    }

    /// The number of the entry at `position`: 0 where a lap begins.
    #[inline(always)]
    pub(super) const fn index(self, position: u64) -> u64 {
        position & !self.lap
    }

    /// What an entry grows by in `turns` turns.
    #[inline(always)]
    pub(super) const fn turns(self, turns: u64) -> u64 {
        turns * (self.slot + 1)
    }

    #[inline(always)]
    pub(super) const fn slot(self, entry: u64) -> u32 {
        (entry & self.slot) as u32
    }

    /// The entry of the same turn with another slot.
    #[inline(always)]
    pub(super) const fn with_slot(self, entry: u64, slot: u32) -> u64 {
        entry & !self.slot | slot as u64
    }

    /// Whether `entry` holds a message.
    #[inline(always)]
    pub(super) const fn is_full(self, entry: u64) -> bool {
        entry & (self.slot + 1) != 0
    }

    /// Whether `entry` is in `turn`, an entry less its slot.
    #[inline(always)]
    pub(super) const fn is_in(self, entry: u64, turn: u64) -> bool {
        entry.wrapping_sub(turn) <= self.slot
    }

    /// How many turns `entry` is ahead of `turn`, an entry less its slot.
    #[inline(always)]
    pub(super) const fn ahead(self, entry: u64, turn: u64) -> i64 {
        entry.wrapping_sub(turn) as i64 >> self.slot_bits
    }

    /// The low bits of an entry's turn, as a journal keeps them.
    #[inline(always)]
    const fn low_turn(self, entry: u64) -> u64 {
        entry >> self.slot_bits & Intent::TURN
    }

    /// The position that the entry of number `index` is in turn for, or was last.
    pub(super) const fn position(self, entry: u64, index: u64) -> u64 {
        entry >> self.slot_bits >> 1 << self.capacity_bits | index
    }
}

/// What a participant is about to do to an entry: the first word of its journal, or 0.
///
/// Bits 0 and 1: the kind. Bits 2 to 7: which held slot it gives. Bits 8 to 31: the
/// entry's number. Bits 32 to 63: the low bits of the entry's turn before, so that two
/// reads of a live journal are known to belong to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intent(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Gives a message, gets a free slot.
    Enqueue,
    /// Gives a free slot, gets a message.
    Dequeue,
    /// Gives a message, gets an older one, which is lost.
    Displace,
}

impl Operation {
    const fn code(self) -> u64 {
        match self {
            Self::Enqueue => 1,
            Self::Dequeue => 2,
            Self::Displace => 3,
        }
    }

    /// By how many turns it moves an entry on.
    pub(super) const fn turns(self) -> u64 {
        match self {
            Self::Enqueue | Self::Dequeue => 1,
            Self::Displace => 2,
        }
    }
}

impl Intent {
    pub(super) const NONE: u64 = 0;
    const KIND: u64 = 0b11;
    const TURN: u64 = u32::MAX as u64;

    #[inline(always)]
    pub(super) const fn new(operation: Operation, place: u32, index: u64, turns: Turns, entry: u64) -> Self {
        Self(operation.code() | (place as u64) << 2 | index << 8 | turns.low_turn(entry) << 32)
    }

    /// Reads a journal's word; `None` if nothing is intended.
    pub(super) const fn decode(word: u64) -> Option<Self> {
        if word & Self::KIND == 0 { None } else { Some(Self(word)) }
    }

    #[inline(always)]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    pub(super) const fn operation(self) -> Operation {
        match self.0 & Self::KIND {
            1 => Operation::Enqueue,
            2 => Operation::Dequeue,
            _ => Operation::Displace,
        }
    }

    pub(super) const fn place(self) -> u32 {
        (self.0 >> 2 & 0x3f) as u32
    }

    pub(super) const fn index(self) -> u64 {
        self.0 >> 8 & 0xff_ffff
    }

    /// Whether it may belong to an operation that found `entry`.
    pub(super) const fn fits(self, turns: Turns, entry: u64) -> bool {
        self.0 >> 32 == turns.low_turn(entry)
    }
}

/// A slot that a participant holds, and what is in it: one word of its record.
///
/// Bits 0 to 25: the slot. Bits 26 to 37: messages in it that were released; bits 38 to
/// 49: messages that were received (kept where delivery is at most once). Bits 50 to 59:
/// how often the messages that are left were delivered. Bits 60 to 63: the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) slot: u32,
    pub(super) released: u32,
    pub(super) received: u32,
    pub(super) deliveries: u32,
    pub(super) state: Content,
}

/// What is in a slot that a participant holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing that anybody needs.
    Spare,
    /// Messages that were taken from the ring.
    Messages,
    /// Messages that were delivered too often.
    Aside,
    /// Messages that are being dropped: see `Repair::drop_received`.
    Dropping,
}

impl Held {
    /// The highest number of messages that one slot carries.
    pub(super) const MAX_MESSAGES: u32 = (1 << 12) - 1;

    pub(super) const fn spare(slot: u32) -> Self {
        Self { slot, released: 0, received: 0, deliveries: 0, state: Content::Spare }
    }

    /// Messages just taken from the ring.
    pub(super) const fn taken(slot: u32) -> Self {
        Self { slot, released: 0, received: 0, deliveries: 1, state: Content::Messages }
    }

    #[inline(always)]
    pub(super) const fn word(self) -> u64 {
        let state = match self.state {
            Content::Spare => 0,
            Content::Messages => 1,
            Content::Aside => 2,
            Content::Dropping => 3,
        };
        self.slot as u64
            | (self.released as u64) << 26
            | (self.received as u64) << 38
            | (self.deliveries as u64) << 50
            | state << 60
    }

    /// Reads a record's word; `None` where no participant writes such a one.
    pub(super) const fn decode(word: u64) -> Option<Self> {
        let state = match word >> 60 {
            0 => Content::Spare,
            1 => Content::Messages,
            2 => Content::Aside,
            3 => Content::Dropping,
            _ => return None,
        };
        Some(Self {
            slot: (word & 0x3ff_ffff) as u32,
            released: (word >> 26 & 0xfff) as u32,
            received: (word >> 38 & 0xfff) as u32,
            deliveries: (word >> 50 & 0x3ff) as u32,
            state,
        })
    }
}

/// Who has a slot: its first word.
///
/// Bits 0 to 31: the participant that holds it, or held it last. Bits 32 to 63: the one
/// that last wrote messages to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner(pub(super) u64);

impl Owner {
    /// The word of a slot that `participant` has got to write messages to.
    #[inline(always)]
    pub(super) const fn writer(participant: u32) -> Self {
        Self(participant as u64 | (participant as u64) << 32)
    }

    /// The same messages, held by `participant`.
    #[inline(always)]
    pub(super) const fn now(self, participant: u32) -> Self {
        Self(self.0 >> 32 << 32 | participant as u64)
    }

    pub(super) const fn participant(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    pub(super) const fn sender(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
