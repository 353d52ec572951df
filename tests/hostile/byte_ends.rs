//! The ends of a byte ring.

use std::{path::Path, sync::Arc, time::Duration};

use ironring::{
    Options, SendError,
    spsc::{Consumer, Producer, Ring},
};

use crate::{
    ends::{Ends, Told, attached, received, sent},
    stream_words::{STREAM_STATES, StreamWords},
};

pub(crate) struct ByteEnds<const CAPACITY: u64> {
    ring: Arc<Ring<[u8]>>,
    producer: Option<Producer<[u8]>>,
    consumer: Option<Consumer<[u8]>>,
}

impl<const CAPACITY: u64> ByteEnds<CAPACITY> {
    const LONGEST: usize = CAPACITY as usize / 2 - 8;

    fn producer(&mut self) -> Result<&mut Producer<[u8]>, Told> {
        if self.producer.is_none() {
            self.producer = Some(attached(self.ring.producer())?);
        }
        Ok(self.producer.as_mut().expect("attached just now"))
    }

    fn consumer(&mut self) -> Result<&mut Consumer<[u8]>, Told> {
        if self.consumer.is_none() {
            self.consumer = Some(attached(self.ring.consumer())?);
        }
        Ok(self.consumer.as_mut().expect("attached just now"))
    }
}

impl<const CAPACITY: u64> Ends for ByteEnds<CAPACITY> {
    type Ring = Ring<[u8]>;
    type Words = StreamWords<CAPACITY>;
    const OPERATIONS: usize = 15;

    const STATES: &'static [(&'static str, &'static [usize])] = STREAM_STATES;

    fn ring(path: &Path) -> Ring<[u8]> {
        Ring::create(path, &Options::bytes(CAPACITY)).expect("a ring")
    }

    fn new(ring: &Arc<Ring<[u8]>>) -> Self {
        Self { ring: Arc::clone(ring), producer: None, consumer: None }
    }

    fn operate(&mut self, i: usize) -> Result<(), Told> {
        let longest = Self::LONGEST;
        match i {
            0 => sent(self.producer()?.try_send(b"five!")),
            1 => {
                let producer = self.producer()?;
                let staged = producer.stage(&vec![1; longest]);
                let _ = producer.publish();
                sent(staged)
            }
            2 => received(self.consumer()?.try_recv().map(|message| {
                assert!(message.to_vec().len() <= longest);
            })),
            3 => sent(self.producer()?.claim(longest).map(|mut claim| {
                claim.write_at(0, &vec![2; longest]);
                claim.shrink(9);
                let _ = claim.publish();
            })),
            4 => received(self.consumer()?.try_recv().map(|message| message.hand_back())),
            5 => sent(self.producer()?.send_batch([&[3; 1][..], &[4; 17], &[5; 2]]).1),
            6 => received(self.consumer()?.try_recv_batch(3).map(|mut batch| {
                while let Some(message) = batch.next() {
                    assert!(message.to_vec().len() <= longest);
                }
                assert!(batch.given() <= 3);
            })),
            7 => received(self.consumer()?.recv_into_by(&mut [0; 3], Duration::ZERO)),
            8 => sent(self.producer()?.send_by(b"", Duration::ZERO)),
            9 => {
                let mut buf = vec![0; longest];
                received(self.consumer()?.recv_into_by(&mut buf, Duration::ZERO))
            }
            10 => {
                let producer = self.producer()?;
                let staged = producer.stage(b"never sent");
                producer.discard_staged();
                assert!(producer.len() <= CAPACITY);
                let _ = (producer.is_full(), producer.is_empty(), producer.last_published());
                let _ = producer.consumer().expect("what is known of the consumer");
                sent(staged)
            }
            11 => {
                let consumer = self.consumer()?;
                assert!(consumer.len() <= CAPACITY);
                let _ = (consumer.is_empty(), consumer.is_retired());
                let _ = consumer.producer().expect("what is known of the producer");
                Ok(())
            }
            12 => {
                let producer = self.producer()?;
                // Bounded: a whole ring takes no more, and what is staged is not released.
                let full = (0..=CAPACITY).find_map(|_| producer.stage(b"staged").err());
                if full == Some(SendError::Full) {
                    producer.discard_staged();
                }
                sent(Err::<(), _>(full.expect("it is full at last")))
            }
            13 => {
                self.producer = None;
                self.producer().map(drop)
            }
            _ => {
                self.consumer = None;
                self.consumer().map(drop)
            }
        }
    }

    fn again(&mut self, told: Told) -> Result<(), Told> {
        match told {
            Told::Producer(_) => {
                let producer = self.producer()?;
                producer.discard_staged();
                let _ = producer.publish();
                assert!(producer.len() <= CAPACITY);
                sent(producer.try_send(b""))
            }
            Told::Consumer(_) => {
                let consumer = self.consumer()?;
                assert!(consumer.len() <= CAPACITY);
                received(consumer.try_recv())
            }
            Told::Attaching => Err(told),
        }
    }
}
