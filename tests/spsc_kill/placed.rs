//! Where messages lie, which one ring after another holds.

use ironring::spsc::Producer;

use crate::{
    kills::numbered::{Numbered, Sample, len_of},
    layout::{AT_CAPACITY, AT_TAIL, HEADER_LEN, frame_len, padding},
};

/// Messages whose place is known by their number and those before.
pub(crate) trait Placed: Numbered {
    /// Behind message `number`, which is sent at `position` or, padded, a little later.
    fn end_of(number: u64, position: u64, ring_len: u64) -> u64;
    /// Whether message `number`, sent at `position`, goes to the start of the data area:
    /// behind padding, where there is such a thing.
    fn wraps(number: u64, position: u64, ring_len: u64) -> bool;
    /// How many messages were sent, as the producer knows it from `last_published`.
    fn sent(producer: &Producer<Self>) -> u64;
}

impl Placed for [u8] {
    fn end_of(number: u64, position: u64, ring_len: u64) -> u64 {
        let len = len_of(number);
        position + padding(position, len, ring_len) + frame_len(len)
    }

    fn wraps(number: u64, position: u64, ring_len: u64) -> bool {
        padding(position, len_of(number), ring_len) > 0
    }

    fn sent(producer: &Producer<Self>) -> u64 {
        producer.last_published().map_or(0, |last| u64::from(last.tag) + 1)
    }
}

impl Placed for Sample {
    fn end_of(_: u64, position: u64, _: u64) -> u64 {
        position + 1
    }

    fn wraps(_: u64, position: u64, ring_len: u64) -> bool {
        position > 0 && position.is_multiple_of(ring_len)
    }

    fn sent(producer: &Producer<Self>) -> u64 {
        producer.last_published().map_or(0, |last| last.position + 1)
    }
}

/// Whether the producer of a byte ring was killed between the header that publishes and
/// `tail`, by the bytes of its region.
pub(crate) fn is_published_and_unrecorded(region: &[u8]) -> bool {
    let word = |at: usize| u64::from_le_bytes(region[at..at + 8].try_into().expect("eight bytes"));
    let at_tail = HEADER_LEN + (word(AT_TAIL) % word(AT_CAPACITY)) as usize;
    word(at_tail) != 0
}
