//! The ends of a typed ring.

use std::{path::Path, sync::Arc};

use bytemuck::{Pod, Zeroable};
use ironring::{
    Options, SendError,
    spsc::{Ring, Spsc},
};

use crate::{
    ends::{Ends, Handles, Told, patience, received, sent},
    stream_words::{STREAM_STATES, StreamWords},
};

/// A message with room between it and the next.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Tick([u64; 3]);

pub(crate) struct TypedEnds<T: Pod, const CAPACITY: u64>(Handles<T, Spsc>);

impl<T: Pod, const CAPACITY: u64> Ends for TypedEnds<T, CAPACITY> {
    type Ring = Ring<T>;
    type Words = StreamWords<CAPACITY>;
    const OPERATIONS: usize = 14;
    const SENDING: &'static [usize] = &[0, 1, 3, 5, 8, 10, 12];
    const RECEIVING: &'static [usize] = &[2, 4, 6, 7, 9, 11, 13];

    const STATES: &'static [(&'static str, &'static [usize])] = STREAM_STATES;

    fn ring(path: &Path) -> Ring<T> {
        Ring::create(path, &Options::messages(CAPACITY)).expect("a ring")
    }

    fn open(path: &Path) -> Ring<T> {
        Ring::open(path).expect("a ring")
    }

    fn new(ring: &Arc<Ring<T>>) -> Self {
        Self(Handles::new(ring))
    }

    fn operate(&mut self, i: usize) -> Result<(), Told> {
        match i {
            0 => sent(self.0.producer()?.try_send(&T::zeroed())),
            1 => {
                let producer = self.0.producer()?;
                let staged = producer.stage(&T::zeroed());
                let _ = producer.publish();
                sent(staged)
            }
            2 => received(self.0.consumer()?.try_recv().map(|message| message.get())),
            3 => sent(self.0.producer()?.claim().map(|mut claim| {
                claim.write(T::zeroed());
                let _ = claim.publish();
            })),
            4 => received(self.0.consumer()?.try_recv().map(|message| message.hand_back())),
            5 => sent(self.0.producer()?.send_batch(&[T::zeroed(); 3]).1),
            6 => received(self.0.consumer()?.try_recv_batch(3).map(|mut batch| {
                while let Some(message) = batch.next() {
                    message.get();
                }
                assert!(batch.given() <= 3);
            })),
            7 => received(self.0.consumer()?.recv_by(patience()).map(|message| message.get())),
            8 => {
                let producer = self.0.producer()?;
                let staged = producer.stage(&T::zeroed());
                producer.discard_staged();
                assert!(producer.len() <= CAPACITY);
                let _ = (producer.is_full(), producer.is_empty(), producer.last_published());
                let _ = producer.consumer().expect("what is known of the consumer");
                sent(staged)
            }
            9 => {
                let consumer = self.0.consumer()?;
                assert!(consumer.len() <= CAPACITY);
                let _ = (consumer.is_empty(), consumer.is_retired());
                let _ = consumer.producer().expect("what is known of the producer");
                Ok(())
            }
            10 => {
                let producer = self.0.producer()?;
                let full = (0..=CAPACITY).find_map(|_| producer.stage(&T::zeroed()).err());
                if full == Some(SendError::Full) {
                    producer.discard_staged();
                }
                sent(Err::<(), _>(full.expect("it is full at last")))
            }
            11 => {
                let consumer = self.0.consumer()?;
                // Across the end of the area, and back to its beginning.
                let mut values = vec![T::zeroed(); CAPACITY as usize - 1];
                received(consumer.recv_values_by(&mut values, patience()))
            }
            12 => self.0.replace_producer(),
            _ => self.0.replace_consumer(),
        }
    }

    fn again(&mut self, told: Told) -> Result<(), Told> {
        self.0.again(told, CAPACITY, &T::zeroed())
    }
}
