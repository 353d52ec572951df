//! disruptor, between two threads.

use std::io;

use ::disruptor::{
    BusySpin, EventPoller, Polling, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier,
    build_single_producer,
};

use super::failed;
use crate::transport::{Idle, Receiver, Sender};

/// A side of a disruptor, with what passes between two looks at one that is empty or full.
pub struct Disruptor<S> {
    side: S,
    idle: Idle,
}

type Sending<const W: usize> = Disruptor<SingleProducer<[u64; W], SingleConsumerBarrier>>;
type Receiving<const W: usize> = Disruptor<EventPoller<[u64; W], SingleProducerBarrier>>;

/// The sides of a disruptor for so many messages, or the next power of two.
#[must_use]
pub fn disruptor<const W: usize>(messages: u64, idle: Idle) -> (Sending<W>, Receiving<W>) {
    let size = messages.next_power_of_two() as usize;
    let (poller, builder) = build_single_producer(size, || [0; W], BusySpin).new_event_poller();
    (Disruptor { side: builder.build(), idle }, Disruptor { side: poller, idle })
}

impl<const W: usize> Sender for Sending<W> {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let value: [u64; W] = bytemuck::pod_read_unaligned(message);
        self.idle.until(|| Ok(self.side.try_publish(|place| *place = value).ok()))?;
        Ok(())
    }

    #[inline]
    fn send_batch(&mut self, messages: &[u8], _size: usize) -> io::Result<()> {
        let values: &[[u64; W]] = bytemuck::cast_slice(messages);
        self.idle.until(|| {
            let published = self.side.try_batch_publish(values.len(), |places| {
                for (place, value) in places.zip(values) {
                    *place = *value;
                }
            });
            Ok(published.ok())
        })?;
        Ok(())
    }
}

impl<const W: usize> Receiver for Receiving<W> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.recv_batch(into, W * 8).map(drop)
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], _size: usize) -> io::Result<usize> {
        let values: &mut [[u64; W]] = bytemuck::cast_slice_mut(into);
        self.idle.until(|| match self.side.take(values.len() as u64) {
            Ok(mut events) => {
                let mut received = 0;
                for (value, event) in values.iter_mut().zip(&mut events) {
                    *value = *event;
                    received += 1;
                }
                Ok(Some(received))
            }
            Err(Polling::NoEvents) => Ok(None),
            Err(error) => Err(failed(error)),
        })
    }
}
