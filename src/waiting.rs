//! How a blocking call passes the time until the ring changes.

use crate::{Deadline, sync};

/// A wait of one call. The first looks follow each other at once, since a message that
/// is on its way arrives within a few of them; a wait that lasts costs less and less.
pub(crate) struct Waiting {
    deadline: Deadline,
    looks: u32,
}

/// Looks without a pause between them other than the processor's own.
const SPINS: u32 = 4096;
/// Looks after which the processor is given to others for a while each time.
const YIELDS: u32 = SPINS + 1024;
/// The longest sleep between two looks.
#[cfg(not(loom))]
const NAP: std::time::Duration = std::time::Duration::from_millis(1);

impl Waiting {
    pub(crate) const fn until(deadline: Deadline) -> Self {
        Self { deadline, looks: 0 }
    }

    /// Passes some time; false if the deadline is over.
    #[inline]
    pub(crate) fn pause(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        if self.looks < SPINS {
            sync::spin_loop();
            // Reading the clock costs more than a look.
            return !self.looks.is_multiple_of(64) || !self.deadline.has_passed();
        }
        self.pause_long()
    }

    #[cold]
    fn pause_long(&self) -> bool {
        #[cfg(not(loom))]
        if self.looks > YIELDS {
            std::thread::sleep(NAP.min(self.deadline.remaining().unwrap_or(NAP)));
            return !self.deadline.has_passed();
        }
        sync::yield_now();
        !self.deadline.has_passed()
    }

    /// Whether the wait is long enough for questions that take a system call.
    pub(crate) const fn is_long(&self) -> bool {
        self.looks > YIELDS
    }
}

/// How messages have been coming, and so how long to stay away from a ring that has just
/// run empty.
///
/// In a stream, a consumer that looks again at once takes the line that the producer is
/// filling, message for message; one that stays away for some tens of pauses finds many
/// messages at its next look ("temporal slipping" in FastForward, PPoPP 2008). In a
/// conversation, where one message comes for one that went, staying away would only add
/// to the latency. So the stay follows what came since the ring was last empty: it
/// doubles while more comes than it costs, and halves while single messages come. Every
/// so many single messages a short stay is tried, since a consumer that is as fast as
/// the producer would find single messages for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// The position, in bytes, where the ring was last found empty.
    empty_at: u64,
    /// Pauses to stay away.
    stay: u32,
    /// Single messages in a row.
    singles: u32,
    /// How many of them lead to a trial.
    trial_after: u32,
}

/// The shortest stay that is tried, in pauses.
const STAY_MIN: u32 = 4;
/// The longest stay: about the time in which a line travels ten times.
const STAY_MAX: u32 = 64;
const TRIAL_MIN: u32 = 32;
const TRIAL_MAX: u32 = 1024;

impl Rhythm {
    pub(crate) const fn new() -> Self {
        Self { empty_at: 0, stay: 0, singles: 0, trial_after: TRIAL_MIN }
    }

    /// The ring, of `data_len` bytes, has run empty at `position`, after `messages` since
    /// it was empty before. Stays away for a while, if that has been of use.
    #[inline]
    pub(crate) fn ran_empty(&mut self, position: u64, messages: u64, data_len: u64) {
        if messages == 0 {
            // Nothing came since the last stay: the next message is not to be late.
            return;
        }
        *self = self.adapted(position, messages, data_len);
        for _ in 0..self.stay {
            sync::spin_loop();
        }
    }

    fn adapted(mut self, position: u64, messages: u64, data_len: u64) -> Self {
        let bytes = position.wrapping_sub(self.empty_at);
        if messages >= 2 {
            self.singles = 0;
            self.trial_after = TRIAL_MIN;
            let gain = u32::try_from(messages.saturating_add(bytes / 64)).unwrap_or(u32::MAX);
            if bytes >= data_len / 4 || gain < self.stay {
                self.stay /= 2;
            } else if gain >= self.stay * 2 {
                self.stay = (self.stay * 2).clamp(STAY_MIN, STAY_MAX);
            }
        } else {
            self.stay /= 2;
            self.singles += 1;
            if self.singles >= self.trial_after {
                self.singles = 0;
                self.trial_after = (self.trial_after * 2).min(TRIAL_MAX);
                self.stay = STAY_MIN;
            }
        }
        self.empty_at = position;
        self
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn stays_after(bursts: impl IntoIterator<Item = u64>) -> Vec<u32> {
        let mut rhythm = Rhythm::new();
        let mut position = 0;
        let mut stays = Vec::new();
        for burst in bursts {
            position += 16 * burst;
            rhythm.ran_empty(position, burst, 1 << 20);
            stays.push(rhythm.stay);
        }
        stays
    }

    #[test]
    fn a_conversation_hardly_ever_waits() {
        let stays = stays_after(std::iter::repeat_n(1, 1000));
        assert!(stays.iter().filter(|stay| **stay > 0).count() < 60, "{stays:?}");
        assert!(stays.iter().all(|stay| *stay <= STAY_MIN));
    }

    #[test]
    fn a_stream_stays_away_for_long() {
        let stays = stays_after(std::iter::repeat_n(200, 10));
        assert_eq!(stays.last(), Some(&STAY_MAX), "{stays:?}");
    }

    #[test]
    fn a_consumer_in_lockstep_gets_out_of_it() {
        let mut lockstep = std::iter::repeat_n(1_u64, TRIAL_MIN as usize).collect::<Vec<_>>();
        lockstep.extend([8, 16, 40, 80, 120]);
        assert!(stays_after(lockstep).last().is_some_and(|stay| *stay >= 32));
    }
}
