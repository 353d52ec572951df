//! How one that has been idle for long is told of deaths, and need not look for them so often.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    kernel,
    watch::Watch,
    word::{WaitWord, Woken},
};
use crate::{Error, Seat};

/// The longest sleep of one that is told of deaths: then only somebody that was stopped can owe it a
/// wake-up.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(1);

/// What one handle that has been idle for long is told by: the process's
/// [`Watcher`](super::watcher::Watcher) rings a bell, which it sleeps on besides.
#[derive(Debug)]
pub(super) struct Told {
    watch: Arc<Watch>,
    bell: Arc<AtomicU32>,
    /// What the bell is as long as it is not rung.
    expected: u32,
}

impl Told {
    pub(super) fn new(seat: &Seat) -> Result<Self, Error> {
        kernel::sleeps_on_several().map_err(|e| Error::io("sleeping on several words", e))?;
        let bell = Arc::new(AtomicU32::new(0));
        let rung = Arc::clone(&bell);
        let watch = Watch::new(seat, move || ring_bell(&rung))?;
        Ok(Self { watch, bell, expected: 0 })
    }

    /// Has the bell rung from now on; false if somebody may have died since the last look, or the word
    /// is no longer as `expected`.
    pub(super) fn arm(&mut self, expected: u32) -> bool {
        // Acquire: pairs with the Release in `ring_bell`: who sees it rung sees why.
        self.expected = self.bell.load(Ordering::Acquire);
        self.watch.arm(expected)
    }

    /// Whether somebody may have died since this was asked last.
    pub(super) fn is_to_look_round(&self) -> bool {
        self.watch.is_to_look_round()
    }

    /// Sleeps as [`WaitWord::sleep`] does, and while the bell is not rung.
    pub(super) fn sleep(&self, word: &WaitWord, expected: u32, timeout: Duration) -> Woken {
        kernel::wait_any([(word.word(), expected)].into_iter(), (&*self.bell, self.expected), timeout)
    }
}

/// Rings `bell`, and wakes all who sleep on it.
pub(super) fn ring_bell(bell: &AtomicU32) {
    // Release: pairs with the Acquire where a sleep begins.
    bell.fetch_add(1, Ordering::Release);
    kernel::wake_all(bell);
}
