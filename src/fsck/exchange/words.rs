//! The words of an exchange ring as docs/LAYOUT.md says them: read here a second time, so
//! that a mistake in the ring's own reading of them shows.

use crate::geometry::{Exchange, Geometry};

/// The number of bits that entries, turns and positions have in one ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits {
    pub(super) capacity: u64,
    pub(super) slots: u64,
    slot: u32,
    position: u32,
}

/// The highest count of messages that one slot carries.
pub(super) const MAX_MESSAGES: u64 = 4095;

impl Bits {
    pub(super) fn of(geometry: &Geometry, exchange: &Exchange) -> Self {
        let slots = geometry.capacity + u64::from(exchange.participants) * u64::from(exchange.held);
        let slot = (1..).find(|bits| slots >> bits == 0).unwrap_or(u64::BITS);
        // A turn has the rest; two turns are a lap.
        let position = u64::BITS - slot - 1 + geometry.capacity.ilog2();
        Self { capacity: geometry.capacity, slots, slot, position }
    }

    pub(super) const fn slot(self, entry: u64) -> u64 {
        entry % (1 << self.slot)
    }

    pub(super) const fn turn(self, entry: u64) -> u64 {
        entry >> self.slot
    }

    pub(super) const fn lap(self, entry: u64) -> u64 {
        self.turn(entry) / 2
    }

    pub(super) const fn is_full(self, entry: u64) -> bool {
        self.turn(entry) % 2 == 1
    }

    /// The lap behind `lap`, after the last of which comes 0.
    pub(super) const fn next_lap(self, lap: u64) -> u64 {
        (lap + 1) % self.laps()
    }

    pub(super) const fn lap_before(self, lap: u64) -> u64 {
        if lap == 0 { self.laps() - 1 } else { lap - 1 }
    }

    /// The turn of the entry for `position`.
    pub(super) const fn turn_at(self, position: u64, is_full: bool) -> u64 {
        position / self.capacity % self.laps() * 2 + is_full as u64
    }

    const fn laps(self) -> u64 {
        1 << (u64::BITS - self.slot - 1)
    }

    /// The entry that has `slot`, `turns` after `entry`.
    pub(super) const fn later(self, entry: u64, turns: u64, slot: u64) -> u64 {
        self.turn(entry).wrapping_add(turns) << self.slot | slot
    }

    /// How many turns `entry` is ahead of `other`; turns come round.
    pub(super) const fn turns_ahead(self, entry: u64, other: u64) -> i64 {
        let ahead = self.turn(entry).wrapping_sub(self.turn(other));
        (ahead << self.slot) as i64 >> self.slot
    }

    /// Whether the position `one` lies behind `other`; positions come round as turns do.
    pub(super) const fn is_beyond(self, one: u64, other: u64) -> bool {
        (one.wrapping_sub(other) << (u64::BITS - self.position)) as i64 > 0
    }
}

/// What a held word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) slot: u64,
    pub(super) released: u64,
    pub(super) received: u64,
    pub(super) deliveries: u64,
    pub(super) state: u64,
}

/// The states of a held slot.
pub(super) const SPARE: u64 = 0;
pub(super) const MESSAGES: u64 = 1;
pub(super) const ASIDE: u64 = 2;
pub(super) const DROPPING: u64 = 3;

impl Held {
    pub(super) const fn read(word: u64) -> Self {
        Self {
            slot: word % (1 << 26),
            released: (word >> 26) % (1 << 12),
            received: (word >> 38) % (1 << 12),
            deliveries: (word >> 50) % (1 << 10),
            state: word >> 60,
        }
    }
}

/// What a participant's journal says that it was about to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journal {
    pub(super) kind: u64,
    pub(super) place: u64,
    pub(super) index: u64,
    /// The low bits of the turn of `expected`.
    pub(super) turn: u64,
    pub(super) expected: u64,
}

/// What may be intended.
pub(super) const ENQUEUE: u64 = 1;
pub(super) const DEQUEUE: u64 = 2;
pub(super) const DISPLACE: u64 = 3;

impl Journal {
    /// `None` where nothing is intended.
    pub(super) const fn read(intent: u64, expected: u64) -> Option<Self> {
        if intent.is_multiple_of(4) {
            return None;
        }
        Some(Self {
            kind: intent % 4,
            place: (intent >> 2) % (1 << 6),
            index: (intent >> 8) % (1 << 24),
            turn: intent >> 32,
            expected,
        })
    }

    /// By how many turns it would move the entry on.
    pub(super) const fn turns(self) -> u64 {
        if self.kind == DISPLACE { 2 } else { 1 }
    }

    /// Whether the turn of `entry` ends in the bits that the intent has.
    pub(super) const fn fits(self, bits: Bits, entry: u64) -> bool {
        bits.turn(entry) % (1 << 32) == self.turn
    }
}
