//! How long to stay away from a ring that has just run empty.

use crate::sync;

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
