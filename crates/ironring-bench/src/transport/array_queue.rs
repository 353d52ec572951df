//! crossbeam's ArrayQueue, between threads.

use std::{io, sync::Arc};

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::Backoff;
use serde::{Deserialize, Serialize};

use super::{Idle, Receiver, Sender};

/// What passes between two looks at a queue that was empty or full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackOff {
    /// So many pauses.
    Pauses(u32),
    /// crossbeam's own: more and more pauses.
    Spin,
    /// crossbeam's own for long waits: more and more pauses, then the processor is yielded.
    Snooze,
}

/// A side of an ArrayQueue, which is the same for both.
#[derive(Clone, Debug)]
pub struct Array<const W: usize> {
    queue: Arc<ArrayQueue<[u64; W]>>,
    back_off: BackOff,
}

impl<const W: usize> Array<W> {
    /// A queue of so many messages.
    #[must_use]
    pub fn new(messages: u64, back_off: BackOff) -> Self {
        Self { queue: Arc::new(ArrayQueue::new(messages as usize)), back_off }
    }

    /// Calls `attempt` until it has a result.
    #[inline]
    fn until<T>(&self, mut attempt: impl FnMut(&ArrayQueue<[u64; W]>) -> Option<T>) -> T {
        let backoff = Backoff::new();
        loop {
            if let Some(done) = attempt(&self.queue) {
                return done;
            }
            match self.back_off {
                BackOff::Pauses(pauses) => Idle::Pauses(pauses).pause(),
                BackOff::Spin => backoff.spin(),
                BackOff::Snooze => backoff.snooze(),
            }
        }
    }
}

impl<const W: usize> Sender for Array<W> {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let value = bytemuck::pod_read_unaligned(message);
        self.until(|queue| queue.push(value).ok());
        Ok(())
    }
}

impl<const W: usize> Receiver for Array<W> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        into.copy_from_slice(bytemuck::bytes_of(&self.until(ArrayQueue::pop)));
        Ok(())
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> io::Result<usize> {
        self.recv(&mut into[..size])?;
        let mut received = 1;
        while let Some(message) = into.chunks_exact_mut(size).nth(received)
            && let Some(value) = self.queue.pop()
        {
            message.copy_from_slice(bytemuck::bytes_of(&value));
            received += 1;
        }
        Ok(received)
    }
}
