//! Messages from the ring to standard output: each leaves the one when the other has it.

use std::time::Duration;

use ironring::{Delivery, RecvError, spsc::Consumer};

use super::sink::{Sink, Unwritten};
use crate::failure::Failure;

pub(super) struct Passage {
    pub(super) consumer: Consumer<[u8]>,
    delivery: Delivery,
    sink: Sink,
}

impl Passage {
    pub(super) fn new(consumer: Consumer<[u8]>, delivery: Delivery) -> Result<Self, Failure> {
        Ok(Self { consumer, delivery, sink: Sink::new()? })
    }

    /// Passes messages on, up to `max`, waiting so long for the first; says how many.
    pub(super) fn pass(&mut self, max: u64, wait: Duration) -> Result<u64, Failure> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let mut batch = match self.consumer.recv_batch_by(max, wait) {
            Ok(batch) => batch,
            Err(RecvError::TimedOut | RecvError::Retired) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        match self.sink.write(&mut batch) {
            Ok(()) => Ok(batch.given() as u64),
            Err(Unwritten { written, error }) => {
                batch.hand_back();
                self.release_written(written);
                Err(Failure::writing(&error))
            }
        }
    }

    /// Takes out of the ring the messages that lie in its first `written` bytes, which were
    /// handed back and had reached the output; the rest stays for the next receiver.
    fn release_written(&mut self, mut written: usize) {
        if self.delivery == Delivery::AtMostOnce {
            // To hand back was to release.
            return;
        }
        while let Ok(message) = self.consumer.try_recv() {
            if message.len() > written {
                return message.hand_back();
            }
            written -= message.len();
        }
    }
}
