//! The words of an exchange ring.

use std::sync::atomic::Ordering::Relaxed;

use ironring_testkit::rng::fastrand::Rng;

use crate::{
    ends::{Crafted, Words},
    support::{
        layout::{
            AT_HEAD, AT_RETIRED, AT_TAIL, HEADER_LEN, WAITING,
            exchange::{EXPECTED, HELD, INTENT, Size},
        },
        raw::Raw,
    },
};

/// The rings that are spoilt.
pub(crate) const SIZE: Size = Size { capacity: 2, participants: 4, holding: 2 };
pub(crate) const SLOT_LEN: usize = 64;

pub(crate) struct ExchangeWords;

impl ExchangeWords {
    /// Where the word of a held slot lies.
    const fn held(participant: usize, place: usize) -> usize {
        SIZE.record(participant) + HELD + 8 * place
    }

    const fn entry(index: usize) -> usize {
        SIZE.entries() + 8 * index
    }
}

impl Words for ExchangeWords {
    fn sparse(at: usize) -> usize {
        let is_central = [AT_TAIL, AT_HEAD].contains(&at)
            || at >= SIZE.entries() && at < SIZE.entries() + 8 * SIZE.capacity;
        if is_central { 16 } else { 257 }
    }

    fn is_live(at: usize) -> bool {
        at == AT_RETIRED || Self::is_written(at)
    }

    fn is_written(at: usize) -> bool {
        let entries = SIZE.entries();
        [AT_TAIL, AT_HEAD].contains(&at)
            || WAITING.contains(&at)
            || (HEADER_LEN..SIZE.record(SIZE.participants)).contains(&at)
            || (entries..entries + 8 * SIZE.capacity).contains(&at)
            || at >= SIZE.slots()
    }

    /// Each field of each word, one more, one less, and as far off as it goes.
    fn wrong(at: usize, right: u64, rng: &mut Rng) -> Vec<u64> {
        const READY: u64 = 1 << 31;
        /// Where fields begin: in intents, held words, headers and owners.
        const FIELDS: [u32; 11] = [0, 2, 3, 8, 26, 30, 31, 32, 38, 50, 60];
        let no_slot = right | ((1 << SIZE.slot_bits()) - 1);
        let mut values =
            vec![0, u64::MAX, no_slot, rng.u64(..), rng.u64(..256), READY | rng.u64(..80), READY | 1 << 30];
        let is_payload = at >= SIZE.slots() && at % SLOT_LEN >= 16;
        if !is_payload {
            for bit in FIELDS.into_iter().chain([SIZE.slot_bits(), SIZE.slot_bits() + 1, 63]) {
                values.extend([right.wrapping_add(1 << bit), right.wrapping_sub(1 << bit)]);
            }
        }
        values
    }

    fn hurtful(rng: &mut Rng, len: usize) -> usize {
        let participant = rng.usize(..SIZE.participants);
        match rng.u8(..8) {
            0 => [AT_TAIL, AT_HEAD][rng.usize(..2)],
            1 | 2 => Self::entry(rng.usize(..SIZE.capacity)),
            3 => SIZE.record(participant) + [INTENT, EXPECTED][rng.usize(..2)],
            4 => SIZE.record(participant) + rng.usize(..32) * 8,
            5 => Self::held(participant, rng.usize(..2 * (SIZE.holding + 1))),
            _ => rng.usize(SIZE.slots() / 8..len / 8) * 8,
        }
    }

    fn another(at: usize) -> [u64; 2] {
        const SLOT: u64 = 2;
        match at {
            AT_TAIL | AT_HEAD => [SIZE.capacity as u64, 1 << 32],
            // A lap of an entry is two turns.
            _ => [2 << SIZE.slot_bits(), SLOT],
        }
    }

    fn crafted() -> Vec<Crafted> {
        const ENQUEUE: u64 = 1;
        const DEQUEUE: u64 = 2;
        const MESSAGES: u64 = 1 << 60 | 1 << 50;
        const TURN: u64 = 1 << SIZE.slot_bits();
        // A message of participant 0, alone in its slot.
        fn fill(raw: &Raw, slot: u64) {
            let at = SIZE.slots() + SLOT_LEN * slot as usize;
            raw.word(at).store(0, Relaxed);
            raw.word(at + 8).store(1 << 31 | 16, Relaxed);
        }
        fn intend(raw: &Raw, participant: usize, kind: u64, turn: u64, expected: u64) {
            let record = SIZE.record(participant);
            raw.word(record).store(1, Relaxed);
            raw.word(record + 56).store(kind, Relaxed);
            raw.word(record + INTENT).store(turn << 32 | kind, Relaxed);
            raw.word(record + EXPECTED).store(expected, Relaxed);
        }
        vec![
            ("turns about to come round", |raw| {
                let last = u64::MAX / TURN - 1;
                for index in 0..SIZE.capacity {
                    raw.word(Self::entry(index)).store((last * TURN) | index as u64, Relaxed);
                }
                for hint in [AT_TAIL, AT_HEAD] {
                    raw.word(hint).store(last / 2 * SIZE.capacity as u64, Relaxed);
                }
            }),
            ("a send was cut short before its exchange", |raw| {
                fill(raw, raw.word(Self::held(0, 0)).load(Relaxed));
                intend(raw, 0, ENQUEUE, 0, 0);
            }),
            ("a send was cut short behind its exchange", |raw| {
                let given = raw.word(Self::held(0, 0)).load(Relaxed);
                fill(raw, given);
                intend(raw, 0, ENQUEUE, 0, 0);
                raw.word(Self::entry(0)).store(TURN | given, Relaxed);
            }),
            ("a receive was cut short behind its exchange", |raw| {
                let given = raw.word(Self::held(3, 0)).load(Relaxed);
                fill(raw, 0);
                intend(raw, 3, DEQUEUE, 1, TURN);
                raw.word(Self::entry(0)).store((2 * TURN) | given, Relaxed);
                raw.word(AT_TAIL).store(1, Relaxed);
            }),
            ("two that died hold messages", |raw| {
                for participant in [2, 3] {
                    let slot = raw.word(Self::held(participant, 1)).load(Relaxed);
                    fill(raw, slot);
                    raw.word(Self::held(participant, 1)).store(MESSAGES | slot, Relaxed);
                    raw.word(SIZE.record(participant)).store(1, Relaxed);
                    raw.word(SIZE.record(participant) + 56).store(2, Relaxed);
                    for index in 0..SIZE.capacity {
                        raw.word(Self::entry(index)).store((2 * TURN) | index as u64, Relaxed);
                    }
                    let position = participant as u64 - 2;
                    raw.word(Self::held(participant, 1 + SIZE.holding + 1)).store(position, Relaxed);
                }
                for hint in [AT_TAIL, AT_HEAD] {
                    raw.word(hint).store(SIZE.capacity as u64, Relaxed);
                }
            }),
        ]
    }
}
