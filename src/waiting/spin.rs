//! How long to spin before going to sleep.

use std::time::Duration;

/// Spinning pays where a message comes before the sleep would have cost as much. So the
/// limit follows what spinning has brought: it doubles where something came meanwhile, and
/// halves where nothing did. Every so many sleeps the longest spin is tried, since one that
/// ends too soon would find nothing for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spin {
    limit_us: u32,
    /// Sleeps since something came while spinning.
    sleeps: u32,
}

const MIN_US: u32 = 2;
/// About what a sleep and a wake-up cost together, where the other side has a core of its own.
const MAX_US: u32 = 50;
/// Sleeps that lead to a trial.
const TRIAL_AFTER: u32 = 32;

impl Spin {
    pub(crate) const fn new() -> Self {
        Self { limit_us: MAX_US, sleeps: 0 }
    }

    /// How long to spin.
    pub(crate) const fn limit(self) -> Duration {
        Duration::from_micros(self.limit_us as u64)
    }

    /// A wait has ended that spun for a while, and `slept` or not.
    pub(crate) fn ended(&mut self, slept: bool) {
        if !slept {
            *self = Self { limit_us: (self.limit_us * 2).min(MAX_US), sleeps: 0 };
            return;
        }
        self.sleeps = (self.sleeps + 1) % TRIAL_AFTER;
        self.limit_us = if self.sleeps == 0 { MAX_US } else { (self.limit_us / 2).max(MIN_US) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn limits_after(sleeps: impl IntoIterator<Item = bool>) -> Vec<u32> {
        let mut spin = Spin::new();
        let ended = |slept| {
            spin.ended(slept);
            spin.limit_us
        };
        sleeps.into_iter().map(ended).collect()
    }

    #[test]
    fn spinning_that_brings_nothing_is_all_but_given_up() {
        let limits = limits_after(std::iter::repeat_n(true, 320));
        assert_eq!(limits.iter().filter(|limit| **limit == MAX_US).count(), 10, "trials");
        let spent: u32 = limits.iter().sum();
        assert!(spent < 320 * 6, "{spent} us in 320 waits");
    }

    #[test]
    fn one_success_in_a_trial_brings_it_back() {
        let until_trial = std::iter::repeat_n(true, TRIAL_AFTER as usize);
        assert_eq!(limits_after(until_trial.chain([false, false])).last(), Some(&MAX_US));
    }

    #[test]
    fn spinning_that_pays_goes_on() {
        assert!(limits_after(std::iter::repeat_n(false, 100)).iter().all(|limit| *limit == MAX_US));
    }
}
