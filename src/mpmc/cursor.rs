//! Where to enqueue and dequeue: found from the entries, which are the truth; the hints
//! in the header page only shorten the way.

use super::{shared::Shared, words::Turns};
use crate::{
    error::Corrupt,
    memory::Word,
    sync::{MAX_LOST, Ordering},
};

/// The place of a participant's next enqueue or dequeue.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// Every position before it has been seen taken.
    position: u64,
    /// The entry there, less its slot, when it can be taken.
    wanted: u64,
    /// Shared by all on this side: it may lag, and never leads.
    hint: Word,
}

/// What a participant does with positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Enqueues: it looks for an entry that is free.
    Tail,
    /// Dequeues: it looks for an entry that is full.
    Head,
}

/// What the entry at the first position that is not yet taken says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It can be taken.
    Ready(u64),
    /// It cannot: the ring is full, or empty.
    Blocked(u64),
    /// Others kept ahead for longer than any do that keep the protocol.
    Contended,
}

/// Entries that are walked between two looks at the hint.
const STRETCH: u32 = 64;
/// Stretches, beyond those of one lap, after which it is not others at work that keep
/// ahead of this participant.
const MAX_STRETCHES: u64 = 1 << 14;

/// How many exchanges a participant has lost, to others, since it began to try.
#[derive(Debug, Default)]
pub(super) struct Lost(u32);

impl Lost {
    /// Counts another one; false if that is more than peers that keep the protocol bring about.
    #[cold]
    pub(super) fn again(&mut self) -> bool {
        self.0 += 1;
        self.0 < MAX_LOST
    }
}

impl Side {
    /// The entry at `position`, less its slot, when this side can take it.
    #[inline(always)]
    pub(super) const fn wanted(self, turns: Turns, position: u64) -> u64 {
        match self {
            Self::Tail => turns.free(position),
            Self::Head => turns.free(position).wrapping_add(turns.turns(1)),
        }
    }

    const fn leads(self, found: u64) -> Corrupt {
        let word = match self {
            Self::Tail => "tail",
            Self::Head => "head",
        };
        Corrupt { word, found, expected: "a position that the entries have reached, each in its turn" }
    }
}

impl Cursor {
    /// One that knows nothing yet.
    pub(super) fn new(shared: &Shared, side: Side) -> Self {
        let hint = match side {
            Side::Tail => shared.tail(),
            Side::Head => shared.head(),
        };
        Self { position: 0, wanted: side.wanted(shared.turns, 0), hint }
    }

    #[inline(always)]
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Goes to the first position that is not yet taken by `side`, the one that this was made for.
    #[inline(always)]
    pub(super) fn look(&mut self, shared: &Shared, side: Side) -> Result<Look, Corrupt> {
        let position = self.later_of_hint();
        let is_here = position == self.position;
        let wanted = if is_here { self.wanted } else { side.wanted(shared.turns, position) };
        // Acquire: pairs with the Release of the exchange in `Participant::exchange`.
        let entry = shared.entry(position).load(Ordering::Acquire);
        if shared.turns.is_in(entry, wanted) {
            (self.position, self.wanted) = (position, wanted);
            return Ok(Look::Ready(entry));
        }
        if is_here && shared.turns.ahead(entry, wanted) == -1 {
            return Ok(Look::Blocked(entry));
        }
        self.walk(shared, side, position)
    }

    /// The hint, or what this participant has seen, whichever is later.
    #[inline(always)]
    fn later_of_hint(&self) -> u64 {
        // Acquire: pairs with the Release in `pass_on`: entries are seen at least as far
        // as whoever moved the hint saw them.
        let hint = self.hint.load(Ordering::Acquire);
        if is_before(self.position, hint) { hint } else { self.position }
    }

    /// Whether others are known to have taken the position.
    #[inline(always)]
    pub(super) fn is_behind_hint(&self) -> bool {
        // Relaxed: whoever relies on it finds out by its exchange.
        is_before(self.position, self.hint.load(Ordering::Relaxed))
    }

    /// The entry at the position, if it can be taken.
    #[inline(always)]
    pub(super) fn peek(&self, shared: &Shared) -> Option<u64> {
        // Acquire: as in `look`.
        let entry = shared.entry(self.position).load(Ordering::Acquire);
        shared.turns.is_in(entry, self.wanted).then_some(entry)
    }

    /// Goes on from `position` to the first that is not taken.
    #[cold]
    fn walk(&mut self, shared: &Shared, side: Side, mut position: u64) -> Result<Look, Corrupt> {
        let mut trusts_hint = true;
        let limit = MAX_STRETCHES + shared.capacity / u64::from(STRETCH);
        for _ in 0..limit {
            for _ in 0..STRETCH {
                let entry = shared.entry(position).load(Ordering::Acquire);
                let wanted = side.wanted(shared.turns, position);
                let ahead = shared.turns.ahead(entry, wanted);
                match ahead {
                    0 | -1 => {
                        (self.position, self.wanted) = (position, wanted);
                        // Here too, or whoever polls walks each time.
                        self.pass_on(trusts_hint);
                        return Ok(if ahead == 0 { Look::Ready(entry) } else { Look::Blocked(entry) });
                    }
                    1.. => {
                        // Taken. So are those on the laps that the entry is ahead by, and
                        // with each all before it: they are taken in order.
                        let laps = (ahead - 1) as u64 / 2;
                        position = position.wrapping_add(laps.wrapping_mul(shared.capacity)).wrapping_add(1);
                    }
                    _ => {
                        // The hint led: no participant makes it, so go by what was seen.
                        if !trusts_hint {
                            return Err(side.leads(position));
                        }
                        trusts_hint = false;
                        position = self.position;
                    }
                }
            }
            // Others take positions meanwhile, and may be faster.
            if trusts_hint {
                let hint = self.later_of_hint();
                if is_before(position, hint) {
                    position = hint;
                }
            }
        }
        Ok(Look::Contended)
    }

    /// Goes on behind a position that this participant has taken.
    #[inline(always)]
    pub(super) fn take(&mut self, turns: Turns) {
        self.position = self.position.wrapping_add(1);
        if turns.index(self.position) == 0 {
            self.wanted = self.wanted.wrapping_add(turns.turns(2));
        }
        self.pass_on(true);
    }

    /// Moves the hint on to what was seen. Two such stores may cross, and the hint go back:
    /// whoever walks next moves it on again.
    #[inline(always)]
    fn pass_on(&self, trusts_hint: bool) {
        if !trusts_hint || is_before(self.hint.load(Ordering::Relaxed), self.position) {
            // Release: pairs with the Acquire in `later_of_hint`.
            self.hint.store(self.position, Ordering::Release);
        }
    }
}

/// Wrapping: positions that are compared are never half the range of u64 apart.
#[inline(always)]
const fn is_before(one: u64, other: u64) -> bool {
    (one.wrapping_sub(other) as i64) < 0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn races_are_lost_so_often_and_no_more() {
        let mut lost = Lost::default();
        assert_eq!((1..=MAX_LOST).find(|_| !lost.again()), Some(MAX_LOST));
    }
}
