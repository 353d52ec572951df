//! Messages from the ring to standard output: each leaves the one when the other has it.

use std::time::Duration;

use ironring::{Consumer, RecvError, Wary};

use super::sink::{Sink, Unwritten};
use crate::{failure::Failure, kind::Used};

pub(super) struct Passage<A: Used> {
    pub(super) consumer: Consumer<[u8], Wary, A>,
    sink: Sink,
}

impl<A: Used> Passage<A> {
    pub(super) fn new(consumer: Consumer<[u8], Wary, A>) -> Result<Self, Failure> {
        Ok(Self { consumer, sink: Sink::new()? })
    }

    /// Passes messages on, up to `max`, waiting so long for the first; says how many, or that the ring
    /// is closed and there are no more.
    pub(super) fn pass(&mut self, max: u64, wait: Duration) -> Result<Option<u64>, Failure> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let mut batch = match self.consumer.recv_batch_by(max, wait) {
            Ok(batch) => batch,
            Err(RecvError::TimedOut | RecvError::Retired) => return Ok(Some(0)),
            Err(RecvError::Disconnected) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match self.sink.write(&mut batch) {
            Ok(()) => Ok(Some(batch.given() as u64)),
            Err(Unwritten { messages, error }) => {
                // The rest stays for the next receiver.
                batch.hand_back_after(messages);
                Err(Failure::writing(&error))
            }
        }
    }

    /// How many messages so far had been received before, and not released.
    pub(super) const fn redelivered(&self) -> u64 {
        self.sink.redelivered
    }
}
