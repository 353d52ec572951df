//! How one who waits for several rings is told of those that it does not sleep on, and of deaths.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    LONG_IDLE, PATIENCE, Receives,
    several::Several,
    told::{self, LONG_PATIENCE},
    word::Armed,
};
use crate::Error;

/// Rung for all who sleep on several words.
static BELL: AtomicU32 = AtomicU32::new(0);

fn ring_bell() {
    told::ring_bell(&BELL);
}

/// What the bell is as long as it is not rung again.
pub(super) fn now() -> u32 {
    // Acquire: pairs with the Release in `told::ring_bell`: who sees it rung sees why.
    BELL.load(Ordering::Acquire)
}

/// The word by which the bell ends a sleep, and what it is until then.
pub(super) fn until_rung(expected: u32) -> (&'static AtomicU32, u32) {
    (&BELL, expected)
}

impl<R: Receives> Several<'_, R> {
    /// Has those watched that are not slept on.
    pub(super) fn watch_others(&mut self) -> Result<(), Error> {
        let direct = self.direct();
        self.receivers[direct..].iter_mut().try_for_each(|one| one.watched(ring_bell).map(drop))
    }

    /// Whether it was told of a death since this was asked last.
    pub(super) fn is_told_of_death(&mut self) -> bool {
        let mut is_told = false;
        for receiver in &mut *self.receivers {
            is_told |= receiver.is_told_of_death();
        }
        is_told
    }

    /// Has the bell rung for those that are not slept on, and for deaths, where it has been idle for
    /// long: then the sleep may be long.
    pub(super) fn arm_others(&mut self, armed: &mut Armed) {
        let direct = self.direct();
        self.any.is_awake = false;
        for (receiver, expected) in self.receivers[direct..].iter_mut().zip(&self.any.expected[direct..]) {
            let is_armed = receiver.watched(ring_bell).is_ok_and(|watch| watch.arm(*expected));
            self.any.is_awake |= !is_armed;
        }
        if armed.patience == PATIENCE && self.tell_of_deaths() {
            armed.patience = LONG_PATIENCE;
        }
    }

    /// Has deaths told, where it has been idle for long; false if they are not, for all.
    fn tell_of_deaths(&mut self) -> bool {
        let direct = self.direct();
        let Self { any, receivers } = self;
        if any.strategy.idle < LONG_IDLE {
            return false;
        }
        let mut is_told = true;
        for (receiver, expected) in receivers[..direct].iter_mut().zip(&any.expected) {
            match receiver.watched(ring_bell) {
                Ok(watch) => is_told &= watch.arm(*expected),
                Err(_) => {
                    any.strategy.idle = Duration::ZERO;
                    return false;
                }
            }
        }
        is_told
    }
}
