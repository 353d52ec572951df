//! The words of an SPSC ring.

use std::sync::atomic::Ordering::Relaxed;

use ironring_testkit::rng::fastrand::Rng;

use crate::{
    ends::{Crafted, Words},
    support::layout::{AT_CONSUMER, AT_HEAD, AT_PRODUCER, AT_RETIRED, AT_TAIL, HEADER_LEN, MARK, WAITING},
};

/// Those of a ring of so many positions.
pub(crate) struct StreamWords<const CAPACITY: u64>;

const READY: u64 = 1 << 31;
const PADDING: u64 = 1 << 30;

impl<const CAPACITY: u64> Words for StreamWords<CAPACITY> {
    fn sparse(_: usize) -> usize {
        1
    }

    fn is_live(at: usize) -> bool {
        at == AT_RETIRED || Self::is_written(at)
    }

    fn is_written(at: usize) -> bool {
        at == AT_TAIL
            || at == AT_HEAD
            || WAITING.contains(&at)
            || (AT_PRODUCER..AT_PRODUCER + 64).contains(&at)
            || (AT_CONSUMER..AT_CONSUMER + 64).contains(&at)
            || at >= HEADER_LEN
    }

    fn wrong(at: usize, right: u64, rng: &mut Rng) -> Vec<u64> {
        let values = [
            0,
            u64::MAX,
            right.wrapping_add(1),
            right.wrapping_sub(1),
            right.wrapping_add(8),
            right.wrapping_sub(8),
            right.wrapping_add(CAPACITY),
            right.wrapping_sub(CAPACITY),
            right.wrapping_add(CAPACITY + 8),
            right ^ 1 << 63,
            right ^ READY,
            READY | PADDING,
            READY | rng.u64(..2 * CAPACITY),
            READY | 0x3fff_ffff,
            rng.u64(..),
            rng.u64(..2 * CAPACITY) & !7,
        ];
        // One line of data is like another: a few values do for the rest.
        let some = if at < HEADER_LEN + 64 { &values[..] } else { &values[11..15] };
        some.to_vec()
    }

    fn hurtful(rng: &mut Rng, len: usize) -> usize {
        const CURSORS: [usize; 6] =
            [AT_TAIL, AT_HEAD, AT_PRODUCER + MARK, AT_CONSUMER + MARK, AT_PRODUCER, AT_CONSUMER];
        match rng.u8(..7) {
            0..3 => CURSORS[rng.usize(..CURSORS.len())],
            _ => rng.usize(HEADER_LEN / 8..len / 8) * 8,
        }
    }

    fn another(_: usize) -> [u64; 2] {
        [CAPACITY, 8]
    }

    fn crafted() -> Vec<Crafted> {
        vec![("positions about to wrap around", |raw| {
            // The position after the last is 0 again.
            for at in [AT_TAIL, AT_HEAD, AT_CONSUMER + MARK, AT_PRODUCER + MARK] {
                raw.word(at).store(0_u64.wrapping_sub(32), Relaxed);
            }
        })]
    }
}

/// Operations of both ends of an SPSC ring, by the numbers that they have in either of its forms.
pub(crate) const STREAM_STATES: &[(&str, &[usize])] = &[
    ("one message waits", &[0]),
    ("messages came and went", &[0, 2, 3, 2, 1, 2, 0, 2]),
    ("full", &[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("full, and it wrapped", &[0, 2, 0, 2, 0, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
    ("one message was handed back", &[0, 5, 4]),
];
