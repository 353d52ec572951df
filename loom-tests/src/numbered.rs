//! Messages that are told apart by their number, in both kinds of rings.

use ironring::{
    Payload, RecvError, SendError,
    spsc::{Consumer, Producer, View},
};
use loom::thread::yield_now;

/// Messages that are told apart by their number, counted from 0.
pub trait Numbered: Payload {
    /// Stages message number `n`, of so many words where lengths vary: every other one as
    /// a copy, the rest by a claim.
    fn stage(producer: &mut Producer<Self>, n: u32, words: usize) -> Result<(), SendError>;

    /// How many messages were published in this ring, as far as its last one tells.
    fn published(producer: &Producer<Self>) -> u32;

    /// Whether `view` shows message number `n`, whole.
    fn is_number(view: &View<'_, Self>, n: u32, words: usize) -> bool;

    /// Receives a message by copying it out, and tells whether it is number `n`, whole.
    fn copies_number(consumer: &mut Consumer<Self>, n: u32, words: usize) -> bool;

    /// Stages message number `n` once there is room.
    fn stage_when_room(producer: &mut Producer<Self>, n: u32, words: usize) {
        while let Err(error) = Self::stage(producer, n, words) {
            assert_eq!(error, SendError::Full);
            yield_now();
        }
    }

    /// Sends message number `n`, with what is staged before it, once there is room.
    fn send(producer: &mut Producer<Self>, n: u32, words: usize) {
        Self::stage_when_room(producer, n, words);
        producer.publish().expect("published");
    }

    /// Receives message number `n`: every other one where it lies, the rest by a copy.
    fn receive(consumer: &mut Consumer<Self>, n: u32, words: usize) {
        if n % 2 == 1 {
            assert!(Self::copies_number(consumer, n, words), "message {n}");
            return;
        }
        let message = consumer.recv().unwrap();
        assert!(Self::is_number(&message.view(), n, words), "message {n}");
        assert!(!message.is_redelivered());
    }

    /// Asserts that there is no further message.
    fn assert_empty(mut consumer: Consumer<Self>) {
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    }
}

impl Numbered for [u8] {
    fn stage(producer: &mut Producer<Self>, n: u32, words: usize) -> Result<(), SendError> {
        let message = lures(n, words);
        producer.set_tag(n);
        if n % 2 == 1 {
            return producer.stage(&message);
        }
        let mut claim = producer.claim(message.len())?;
        claim.write_at(0, &message);
        claim.stage();
        Ok(())
    }

    fn published(producer: &Producer<Self>) -> u32 {
        producer.last_published().map_or(0, |last| last.tag + 1)
    }

    fn is_number(view: &View<'_, Self>, n: u32, words: usize) -> bool {
        view.tag() == n && view.to_vec() == lures(n, words)
    }

    fn copies_number(consumer: &mut Consumer<Self>, n: u32, words: usize) -> bool {
        let mut copy = [0; 128];
        let len = consumer.recv_into(&mut copy).unwrap();
        copy[..len] == lures(n, words)
    }
}

/// A payload each word of which would pass for the header of an eight-byte message.
fn lures(n: u32, words: usize) -> Vec<u8> {
    const READY: u64 = 1 << 31;
    let lure = u64::from(100 + n) << 32 | READY | 8;
    lure.to_le_bytes().repeat(words)
}

/// A message of one size, in two words.
pub type Pair = [u64; 2];

impl Numbered for Pair {
    fn stage(producer: &mut Producer<Self>, n: u32, _: usize) -> Result<(), SendError> {
        if n % 2 == 1 {
            return producer.stage(&pair(n));
        }
        let mut claim = producer.claim()?;
        claim.write(pair(n));
        claim.stage();
        Ok(())
    }

    fn published(producer: &Producer<Self>) -> u32 {
        producer.last_published().map_or(0, |last| last.position as u32 + 1)
    }

    fn is_number(view: &View<'_, Self>, n: u32, _: usize) -> bool {
        view.get() == pair(n)
    }

    fn copies_number(consumer: &mut Consumer<Self>, n: u32, _: usize) -> bool {
        consumer.recv_value().unwrap() == pair(n)
    }
}

/// Message number `n` of a ring of pairs.
const fn pair(n: u32) -> Pair {
    [100 + n as u64, 200 + n as u64]
}
