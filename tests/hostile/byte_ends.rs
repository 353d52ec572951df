//! The ends of a byte ring.

use std::{path::Path, sync::Arc};

use ironring::{
    Options, SendError,
    spsc::{Ring, Spsc},
};

use crate::{
    ends::{Ends, Handles, Told, patience, received, sent},
    stream_words::{STREAM_STATES, StreamWords},
};

pub(crate) struct ByteEnds<const CAPACITY: u64>(Handles<[u8], Spsc>);

impl<const CAPACITY: u64> ByteEnds<CAPACITY> {
    const LONGEST: usize = CAPACITY as usize / 2 - 8;
}

impl<const CAPACITY: u64> Ends for ByteEnds<CAPACITY> {
    type Ring = Ring<[u8]>;
    type Words = StreamWords<CAPACITY>;
    const OPERATIONS: usize = 15;
    const SENDING: &'static [usize] = &[0, 1, 3, 5, 8, 10, 12, 13];
    const RECEIVING: &'static [usize] = &[2, 4, 6, 7, 9, 11, 14];

    const STATES: &'static [(&'static str, &'static [usize])] = STREAM_STATES;

    fn ring(path: &Path) -> Ring<[u8]> {
        Ring::create(path, &Options::bytes(CAPACITY)).expect("a ring")
    }

    fn open(path: &Path) -> Ring<[u8]> {
        Ring::open(path).expect("a ring")
    }

    fn new(ring: &Arc<Ring<[u8]>>) -> Self {
        Self(Handles::new(ring))
    }

    fn operate(&mut self, i: usize) -> Result<(), Told> {
        let longest = Self::LONGEST;
        match i {
            0 => sent(self.0.producer()?.try_send(b"five!")),
            1 => {
                let producer = self.0.producer()?;
                let staged = producer.stage(&vec![1; longest]);
                let _ = producer.publish();
                sent(staged)
            }
            2 => received(self.0.consumer()?.try_recv().map(|message| {
                assert!(message.to_vec().len() <= longest);
            })),
            3 => sent(self.0.producer()?.claim(longest).map(|mut claim| {
                claim.write_at(0, &vec![2; longest]);
                claim.shrink(9);
                let _ = claim.publish();
            })),
            4 => received(self.0.consumer()?.try_recv().map(|message| message.hand_back())),
            5 => sent(self.0.producer()?.send_batch([&[3; 1][..], &[4; 17], &[5; 2]]).1),
            6 => received(self.0.consumer()?.try_recv_batch(3).map(|mut batch| {
                while let Some(message) = batch.next() {
                    assert!(message.to_vec().len() <= longest);
                }
                assert!(batch.given() <= 3);
            })),
            7 => received(self.0.consumer()?.recv_into_by(&mut [0; 3], patience())),
            8 => sent(self.0.producer()?.send_by(b"", patience())),
            9 => {
                let mut buf = vec![0; longest];
                received(self.0.consumer()?.recv_into_by(&mut buf, patience()))
            }
            10 => {
                let producer = self.0.producer()?;
                let staged = producer.stage(b"never sent");
                producer.discard_staged();
                assert!(producer.len() <= CAPACITY);
                let _ = (producer.is_full(), producer.is_empty(), producer.last_published());
                let _ = producer.consumer().expect("what is known of the consumer");
                sent(staged)
            }
            11 => {
                let consumer = self.0.consumer()?;
                assert!(consumer.len() <= CAPACITY);
                let _ = (consumer.is_empty(), consumer.is_retired());
                let _ = consumer.producer().expect("what is known of the producer");
                Ok(())
            }
            12 => {
                let producer = self.0.producer()?;
                // Bounded: a whole ring takes no more, and what is staged is not released.
                let full = (0..=CAPACITY).find_map(|_| producer.stage(b"staged").err());
                if full == Some(SendError::Full) {
                    producer.discard_staged();
                }
                sent(Err::<(), _>(full.expect("it is full at last")))
            }
            13 => self.0.replace_producer(),
            _ => self.0.replace_consumer(),
        }
    }

    fn again(&mut self, told: Told) -> Result<(), Told> {
        self.0.again(told, CAPACITY, b"")
    }
}
