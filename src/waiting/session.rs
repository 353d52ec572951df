//! Whether a ring is open, and since when: its sessions.

use std::sync::Arc;

use super::wake_everybody;
use crate::{
    layout::AT_SESSION,
    memory::{HalfWord, Mapping},
    sync::Ordering,
};

/// The session of a ring that a handle attached in.
///
/// The word counts openings and closings: even while the ring is open, odd while it is
/// closed. A handle's session is over when the word has moved on, also if the ring was
/// opened again meanwhile: what it was told to end has ended.
#[derive(Debug)]
pub(crate) struct Session {
    word: HalfWord,
    /// What the word was, or had been before the close, if it was closed then.
    opened: u32,
}

const CLOSED: u32 = 1;

impl Session {
    /// The session that is under way, or that was closed last.
    pub(crate) fn current(mapping: &Arc<Mapping>) -> Self {
        let word = mapping.half_word_kept(AT_SESSION);
        // Acquire: pairs with the Release in `close`, so that what was sent before the ring
        // was closed is seen by who sees it closed.
        let opened = word.load(Ordering::Acquire) & !CLOSED;
        Self { word, opened }
    }

    /// Whether it is over.
    #[inline(always)]
    pub(crate) fn is_over(&self) -> bool {
        // Acquire: as in `current`.
        self.word.load(Ordering::Acquire) != self.opened
    }

    /// Whether the ring is closed now.
    pub(crate) fn is_closed_in(mapping: &Arc<Mapping>) -> bool {
        mapping.half_word_kept(AT_SESSION).load(Ordering::Acquire) & CLOSED != 0
    }

    /// How often the ring was opened again.
    #[cfg(not(loom))]
    pub(crate) fn number_in(mapping: &Arc<Mapping>) -> u32 {
        mapping.half_word_kept(AT_SESSION).load(Ordering::Acquire) / 2
    }

    /// Closes the ring, if it is open, and wakes who waits.
    pub(crate) fn close(mapping: &Arc<Mapping>, touch: impl Fn()) {
        Self::turn(mapping, 0);
        // Also where it was closed: who did it may have been killed before it could.
        wake_everybody(mapping, touch);
    }

    /// Opens the ring again, if it is closed.
    pub(crate) fn reopen(mapping: &Arc<Mapping>) {
        Self::turn(mapping, CLOSED);
    }

    fn turn(mapping: &Arc<Mapping>, from: u32) {
        let word = mapping.half_word_kept(AT_SESSION);
        let found = word.load(Ordering::Acquire);
        if found & CLOSED == from {
            // A failure means that somebody else has done it. Release: pairs with the
            // Acquire in `is_over`.
            let next = found.wrapping_add(1);
            let _ = word.compare_exchange(found, next, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}
