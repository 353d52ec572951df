//! The word that waiting participants sleep on, and how they are woken.
//!
//! ```text
//!  31                              4   3   2   1   0
//! +---------------------------------+---+---+---+---+
//! |      how often it was rung      | N | F | K | W |
//! +---------------------------------+---+---+---+---+
//! ```
//!
//! - W: somebody waits, or did and died.
//! - K: a wake-up is owed: the word was rung, and perhaps those who sleep not yet woken.
//! - F: whoever changes the ring is to fence before it looks at this word.
//! - N: somebody waits who does not sleep on the word, but is told when the region's file is
//!   touched ([`Watch`](super::Watch)).
//!
//! To wait: set W; full fence; look at the ring again; sleep while the word is what it was
//! with W set, but no longer than the patience; look at the ring. To wake: change the ring;
//! full fence; load the word. Where neither W nor K is set, nobody is to be woken, and nobody
//! makes a system call. Else exchange it for one rung once more, with K and without W; wake
//! *all*, and touch the file where N was set; take K and N away, unless the word has changed
//! meanwhile.
//!
//! Of the two fences, one sees what the other side did before its own: so either the waiter
//! sees the change, or the waker sees W. From W on the word's value keeps the waiter awake
//! if it was rung meanwhile: the kernel compares it. A waker that is killed after it took W
//! away leaves K for the next one. Bits, and not counts, since a waiter that is killed takes
//! nothing back: its W costs others one call. All are woken and not one, since that one may be
//! killed, or taken by a deadline, before it has done anything about it.

use std::{sync::Arc, time::Duration};

use super::{PATIENCE, kernel};
use crate::{
    Deadline, Role,
    layout::{AT_CONSUMERS_WAIT, AT_PRODUCERS_WAIT},
    memory::{HalfWord, Mapping},
    region::Region,
    sync::{MAX_LOST, Ordering, fence},
};

/// The word that the participants of one role sleep on.
#[derive(Clone, Debug)]
pub(crate) struct WaitWord {
    word: HalfWord,
}

const WAITED_FOR: u32 = 1;
const OWED: u32 = 1 << 1;
/// See [`Signals`](super::Signals).
pub(super) const FENCE: u32 = 1 << 2;
/// See [`WaitWord`].
pub(super) const NOTICE: u32 = 1 << 3;
const ONE: u32 = 1 << 4;

/// A sleep that was begun: whoever changes the ring from now on wakes those who sleep on the
/// word while it is as expected. Before that, the ring is to be looked at once more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Armed {
    /// What the word is as long as nobody has rung it.
    pub(crate) expected: u32,
    /// How long to sleep at most.
    pub(crate) patience: Duration,
}

impl Armed {
    /// Whether whoever sleeps is told of deaths meanwhile.
    pub(super) fn is_told(self) -> bool {
        self.patience > PATIENCE
    }

    /// How long to sleep at most, where nobody is to sleep past `deadline`.
    pub(super) fn timeout(self, deadline: Deadline) -> Duration {
        deadline.remaining().map_or(self.patience, |left| left.min(self.patience))
    }
}

/// Why a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Somebody rang the word, or there was a signal.
    ByOther,
    /// It has lasted long enough.
    ByTime,
}

impl WaitWord {
    /// The word that participants in `role` sleep on.
    pub(crate) fn of(role: Role, mapping: &Arc<Mapping>) -> Self {
        let at = match role {
            Role::Consumer => AT_CONSUMERS_WAIT,
            Role::Producer => AT_PRODUCERS_WAIT,
        };
        Self { word: mapping.half_word_kept(at) }
    }

    /// Says that somebody waits, and `also`; returns what the word is from then on.
    pub(super) fn say_waited_for(&self, also: u32) -> u32 {
        let bits = WAITED_FOR | also;
        // Release and Acquire: whoever rings the word sees what was done before, and this
        // what was done before it was rung last.
        self.word.fetch_or(bits, Ordering::AcqRel) | bits
    }

    /// Takes `bits` away again.
    pub(super) fn clear(&self, bits: u32) {
        self.word.fetch_and(!bits, Ordering::Relaxed);
    }

    /// Says that nobody waits, where that is known.
    pub(super) fn reset(&self) {
        self.clear(WAITED_FOR | FENCE | NOTICE);
    }

    /// Lets those who wait here have this process fenced by the kernel; false if it cannot be.
    pub(super) fn let_waiters_fence(&self) -> bool {
        kernel::let_others_fence(&self.word)
    }

    /// Where the kernel fences, between a change of the ring and [`notify`](Self::notify).
    #[inline(always)]
    pub(super) fn may_be_fenced_here(&self) {
        kernel::may_be_fenced_here(&self.word);
    }

    /// Has the kernel fence whoever may change the ring, and fences; false if it cannot.
    pub(super) fn fence_others(&self) -> bool {
        kernel::fence_others(&self.word)
    }

    /// Whether anybody can wait in this model.
    #[cfg(loom)]
    pub(super) fn is_there(&self) -> bool {
        self.word.is_there()
    }

    /// Wakes who waits, if somebody does: to be called behind a change of the ring, and a fence
    /// of one kind or another. With [`FENCE`], this makes that fence.
    #[inline(always)]
    pub(super) fn notify(&self, with: u32, region: &Region) {
        #[cfg(loom)]
        if !self.is_there() {
            return;
        }
        // Relaxed: what is ordered by the fence is whether W is seen; all else orders the
        // exchange in `ring`.
        let found = self.word.load(Ordering::Relaxed) | with;
        if found & (WAITED_FOR | OWED | FENCE) != 0 {
            self.ring_if_waited_for(found, region);
        }
    }

    #[cold]
    fn ring_if_waited_for(&self, mut found: u32, region: &Region) {
        if found & FENCE != 0 {
            fence(Ordering::SeqCst);
            found = self.word.load(Ordering::Relaxed);
        }
        // Where the exchange fails and W is gone, somebody has rung the word since the ring
        // was changed, and wakes all.
        for _ in 0..MAX_LOST {
            if found & (WAITED_FOR | OWED) == 0 {
                return;
            }
            match self.ring(found, OWED, || region.touch()) {
                Ok(()) => return,
                Err(now) => found = now,
            }
        }
        // Nobody who keeps the protocol rings so often: somebody writes the word at will.
        kernel::wake_all(&self.word);
    }

    /// Wakes who waits, whatever the reason, and keeps those awake who are about to sleep.
    pub(crate) fn ring_always(&self, touch: impl Fn()) {
        let mut found = self.word.load(Ordering::Relaxed);
        let owed = |found| if found & (WAITED_FOR | OWED) == 0 { 0 } else { OWED };
        for _ in 0..MAX_LOST {
            let Err(now) = self.ring(found, owed(found), &touch) else { return };
            found = now;
        }
        kernel::wake_all(&self.word);
    }

    /// Rings the word, if it still is as `found`; what it is, if not.
    fn ring(&self, found: u32, owed: u32, touch: impl FnOnce()) -> Result<(), u32> {
        // N stays as long as K: both are owed, and by whoever finds them if this one dies.
        let kept = if owed == 0 { FENCE } else { FENCE | NOTICE };
        let rung = (found & kept) | owed | (found & !(ONE - 1)).wrapping_add(ONE);
        // Release: pairs with the Acquire in `say_waited_for`: who waits from then on sees
        // what was done before.
        self.word.compare_exchange(found, rung, Ordering::AcqRel, Ordering::Relaxed)?;
        if owed != 0 {
            kernel::wake_all(&self.word);
            if found & NOTICE != 0 {
                touch();
            }
            // Left where somebody has said since that he waits: the next one pays a call.
            let done = rung & !(OWED | NOTICE);
            let _ = self.word.compare_exchange(rung, done, Ordering::Relaxed, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether somebody has rung the word since it was as `expected`.
    #[cfg(not(loom))]
    pub(super) fn is_rung(&self, expected: u32) -> bool {
        // Acquire: pairs with the Release in `ring`.
        self.word.load(Ordering::Acquire) / ONE != expected / ONE
    }

    /// The word itself, to sleep on it and on others.
    pub(super) const fn word(&self) -> &HalfWord {
        &self.word
    }

    /// Sleeps while the word is as expected, for `timeout` at most.
    pub(super) fn sleep(&self, armed: Armed, timeout: Duration) -> Woken {
        kernel::wait(&self.word, armed.expected, timeout)
    }
}
