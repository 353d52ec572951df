//! Messages that say which one they are: the number of messages sent before it gives a
//! message its length and every byte of it.

use std::fmt::Debug;

use ironring::{Options, Payload, RecvError, SendError, View};

use crate::kind::{Claim, Consumer, Producer};

/// The most messages that an operation is about.
pub(crate) const LONGEST_BATCH: u64 = 3;

/// The longest byte message.
pub(crate) const LONGEST: usize = 100;

/// The typed message: its number, then words that depend on it.
pub(crate) type Sample = [u64; 4];

/// A byte message, on the stack, so that receiving one allocates nothing.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Bytes {
    len: usize,
    bytes: [u8; LONGEST],
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The two forms of message behind the same names. What sends or receives does nothing
/// else, so that a victim is stepped through the library's code.
pub(crate) trait Numbered: Payload {
    /// The role of a victim that uses this form.
    const NAME: &'static str;
    type Message: PartialEq + Debug;

    fn options(capacity: u64) -> Options;
    fn make(number: u64) -> Self::Message;
    /// What is sent.
    fn payload(message: &Self::Message) -> &Self;
    /// Gives the messages sent from now on this number, where they carry one beside their bytes.
    fn label(producer: &mut Producer<Self>, number: u64);
    fn send_batch(producer: &mut Producer<Self>, messages: &[Self::Message]) -> usize;
    /// Claims room and writes the message there.
    fn claim<'a>(
        producer: &'a mut Producer<Self>,
        message: &Self::Message,
    ) -> Result<Claim<'a, Self>, SendError>;
    fn read(view: &View<'_, Self>) -> Self::Message;
    /// Which message this claims to be; of a batch that was labelled together, the last.
    fn number(view: &View<'_, Self>) -> u64;
    fn recv_copy(consumer: &mut Consumer<Self>) -> Result<Self::Message, RecvError>;
    /// Receives that many messages by value.
    fn recv_values(_: &mut Consumer<Self>, _count: usize) -> usize {
        unreachable!("only values come so")
    }
}

/// A number that depends on every bit of `n` (the finalizer of splitmix64).
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn word_of(number: u64, i: u64) -> u64 {
    mix((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(i))
}

/// All lengths in turn, neighbours far apart, none twice among 101 messages.
pub(crate) fn len_of(number: u64) -> usize {
    (number * 37 % (LONGEST as u64 + 1)) as usize
}

impl Numbered for [u8] {
    const NAME: &'static str = "bytes";
    type Message = Bytes;

    fn options(capacity: u64) -> Options {
        // Half of the cases, so that a look at a ring is one at its messages, too.
        Options::messages(capacity).max_message(LONGEST as u64).checksums(capacity == 2)
    }

    fn make(number: u64) -> Bytes {
        let len = len_of(number);
        let mut bytes = [0; LONGEST];
        for (i, chunk) in bytes[..len].chunks_mut(8).enumerate() {
            chunk.copy_from_slice(&word_of(number, i as u64).to_le_bytes()[..chunk.len()]);
        }
        Bytes { len, bytes }
    }

    #[inline(always)]
    fn payload(message: &Bytes) -> &[u8] {
        message.as_ref()
    }

    fn label(producer: &mut Producer<Self>, number: u64) {
        producer.set_tag(number as u32);
    }

    #[inline(always)]
    fn send_batch(producer: &mut Producer<Self>, messages: &[Bytes]) -> usize {
        producer.send_batch(messages).0
    }

    #[inline(always)]
    fn claim<'a>(producer: &'a mut Producer<Self>, message: &Bytes) -> Result<Claim<'a, Self>, SendError> {
        let mut claim = producer.claim(message.len)?;
        claim.write_at(0, message.as_ref());
        Ok(claim)
    }

    #[inline(always)]
    fn read(view: &View<'_, Self>) -> Bytes {
        let mut bytes = [0; LONGEST];
        let len = view.copy_to(&mut bytes);
        Bytes { len, bytes }
    }

    fn number(view: &View<'_, Self>) -> u64 {
        u64::from(view.tag())
    }

    #[inline(always)]
    fn recv_copy(consumer: &mut Consumer<Self>) -> Result<Bytes, RecvError> {
        let mut bytes = [0; LONGEST];
        let len = consumer.recv_into(&mut bytes)?;
        Ok(Bytes { len, bytes })
    }
}

impl Numbered for Sample {
    const NAME: &'static str = "typed";
    type Message = Sample;

    fn options(capacity: u64) -> Options {
        Options::messages(capacity).checksums(capacity == 2)
    }

    fn make(number: u64) -> Sample {
        let mut words = std::array::from_fn(|i| word_of(number, i as u64));
        words[0] = number;
        words
    }

    #[inline(always)]
    fn payload(message: &Sample) -> &Sample {
        message
    }

    fn label(_: &mut Producer<Self>, _: u64) {}

    #[inline(always)]
    fn send_batch(producer: &mut Producer<Self>, messages: &[Sample]) -> usize {
        producer.send_batch(messages).0
    }

    #[inline(always)]
    fn claim<'a>(producer: &'a mut Producer<Self>, message: &Sample) -> Result<Claim<'a, Self>, SendError> {
        let mut claim = producer.claim()?;
        claim.write(*message);
        Ok(claim)
    }

    #[inline(always)]
    fn read(view: &View<'_, Self>) -> Sample {
        view.get()
    }

    fn number(view: &View<'_, Self>) -> u64 {
        view.get()[0]
    }

    #[inline(always)]
    fn recv_copy(consumer: &mut Consumer<Self>) -> Result<Sample, RecvError> {
        consumer.recv_value()
    }

    #[inline(always)]
    fn recv_values(consumer: &mut Consumer<Self>, count: usize) -> usize {
        let mut values = [Sample::default(); LONGEST_BATCH as usize];
        consumer.recv_values(&mut values[..count]).expect("a message")
    }
}
