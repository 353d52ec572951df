//! The ends of producers, of which consumers leave each other word.

use std::sync::atomic::Ordering;

use super::Consumer;
use crate::{Trust, algorithm::Head as _, layout::AT_RECORD_ENDED, payload::Payload};

impl<M: Payload + ?Sized, P: Trust> Consumer<M, P> {
    /// Of how many attachments of producers the end was
    /// [acknowledged](Self::acknowledge_end), by whatever consumer.
    ///
    /// Where the [`producers`](super::Status::producers) of all places are more together, one
    /// has come since, even if it is gone again: its end is still to be seen.
    pub fn ended(&self) -> u64 {
        if !self.head.seat().is_here() {
            return 0;
        }
        let shared = &self.head.participant().shared;
        let ended =
            |number| shared.record_word(number, AT_RECORD_ENDED).map(|word| word.load(Ordering::Relaxed));
        shared.participants().filter_map(|number| ended(number).ok()).max().unwrap_or(0)
    }

    /// Records that the end of the first `producers` attachments of producers was seen, so
    /// that no later consumer takes it for news.
    ///
    /// ```
    /// # let ring = ironring::mpmc::Ring::<u64>::anonymous(&ironring::Options::messages(8))?;
    /// drop(ring.producer()?);
    /// let mut consumer = ring.consumer()?;
    /// let came = ring.participants()?.iter().map(|place| place.producers).sum();
    /// assert!(came > consumer.ended(), "one came, and its end is news");
    /// consumer.acknowledge_end(came);
    /// drop(consumer);
    /// assert_eq!(ring.consumer()?.ended(), came);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acknowledge_end(&mut self, producers: u64) {
        if self.head.seat().is_here() {
            let shared = &self.head.participant().shared;
            // Its own record, which others read.
            if let Ok(ended) = shared.record_word(self.participant(), AT_RECORD_ENDED) {
                ended.store(producers, Ordering::Relaxed);
            }
        }
    }
}
