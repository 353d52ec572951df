//! Where in the data area of a byte ring frames can start, and how to get there.

use std::collections::{BTreeMap, VecDeque};

use ironring::spsc::{Consumer, Producer};

use crate::support::layout::{frame_len, padding};

/// Lengths of messages, one for each short frame.
const LENGTHS: [usize; 6] = [0, 9, 25, 57, 64, 72];

/// For every offset that can be reached from `from`: the message that leads there, and
/// from where.
fn ways(from: u64, capacity: u64, longest: usize) -> BTreeMap<u64, (u64, usize)> {
    let mut ways = BTreeMap::new();
    let mut found = VecDeque::from([from]);
    while let Some(at) = found.pop_front() {
        for len in LENGTHS.into_iter().filter(|len| *len <= longest) {
            let to = (at + padding(at, len, capacity) + frame_len(len)) % capacity;
            ways.entry(to).or_insert_with(|| {
                found.push_back(to);
                (at, len)
            });
        }
    }
    ways
}

/// Every offset at which a frame can start in the ring of `producer`.
pub(crate) fn offsets(producer: &Producer<[u8]>) -> Vec<u64> {
    let offsets: Vec<_> = ways(0, producer.capacity(), producer.max_message()).into_keys().collect();
    assert!(offsets.len() > 2 && offsets[0] == 0, "{offsets:?}");
    offsets
}

/// Moves an empty ring on until the next frame starts at `offset` in the data area, or
/// must be preceded by padding there.
pub(crate) fn advance_to(offset: u64, producer: &mut Producer<[u8]>, consumer: &mut Consumer<[u8]>) {
    let (capacity, longest) = (producer.capacity(), producer.max_message());
    let mut pass = |len: usize| {
        producer.try_send(&vec![0x11; len]).expect("room in an empty ring");
        let position = consumer.try_recv().expect("a message").position();
        (position + frame_len(len)) % capacity
    };
    let mut now = pass(0);
    let ways = ways(now, capacity, longest);
    let mut lengths = Vec::new();
    let mut at = offset;
    while at != now {
        let (before, len) = ways[&at];
        lengths.push(len);
        at = before;
    }
    for len in lengths.into_iter().rev() {
        now = pass(len);
    }
    assert_eq!(now, offset);
}
