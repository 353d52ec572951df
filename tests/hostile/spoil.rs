//! Every word of a ring, spoilt before, between and after operations.

use std::sync::atomic::Ordering::Relaxed;

use ironring::RecvError;
use ironring_testkit::rng::Seeded;

use crate::{
    byte_ends::ByteEnds,
    ends::{Ends, Told, Words},
    exchange_ends::{ExchangeEnds, Trade},
    states::Subject,
    support::layout::{AT_CONSUMER, AT_HEAD, AT_TAIL, HEADER_LEN, MARK},
    typed_ends::{Tick, TypedEnds},
    watchdog,
};

#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    fine: u64,
    /// Per end: the producer, the consumer, one that attached.
    told: [u64; 3],
    /// Words of which corruption was told, with how often.
    words: std::collections::BTreeMap<&'static str, u64>,
}

/// Sets the word at `at` to `value` before operation `moment`, and goes on for a round of
/// operations or until corruption is told, which then must stay.
fn case<E: Ends>(
    subject: &Subject<E>,
    state: usize,
    at: usize,
    value: u64,
    moment: usize,
    tally: &mut Tally,
) {
    subject.restore(state);
    let mut ends = E::new(&subject.ring);
    for i in 0..moment {
        ends.operate(i).expect("a whole ring");
    }
    let right = subject.raw.word(at).swap(value, Relaxed);
    let before = subject.bytes_now();
    tally.cases += 1;
    let told = (moment..moment + E::OPERATIONS + 3).find_map(|i| ends.operate(i % E::OPERATIONS).err());
    for (at, (before, after)) in subject.words().zip(before.iter().zip(subject.bytes_now())) {
        assert!(E::Words::is_written(at) || *before == after, "word {at} was written");
    }
    match told {
        None => tally.fine += 1,
        Some(Told::Attaching | Told::NoPlace) => tally.told[2] += 1,
        Some(told) => {
            let (end, corrupt) = match told {
                Told::Producer(corrupt) => (0, corrupt),
                Told::Consumer(corrupt) => (1, corrupt),
                Told::Attaching | Told::NoPlace => unreachable!("an arm of its own"),
            };
            tally.told[end] += 1;
            *tally.words.entry(corrupt.word).or_default() += 1;
            subject.raw.word(at).store(right, Relaxed);
            for _ in 0..3 {
                assert_eq!(ends.again(told), Err(told), "corruption stays, although the word is right again");
            }
        }
    }
    drop(ends);
    E::afterwards(&subject.ring);
    watchdog::progress();
}

fn spoil_every_word<E: Ends>(name: &str, told_of: &[&str]) {
    watchdog::start();
    let subject = Subject::<E>::new();
    let mut rng = Seeded::new();
    let mut tally = Tally::default();
    for (state, (state_name, _)) in subject.states.iter().enumerate() {
        let healthy = |moment| {
            subject.restore(state);
            let mut ends = E::new(&subject.ring);
            for i in 0..moment {
                ends.operate(i % E::OPERATIONS).unwrap_or_else(|told| panic!("{state_name}: {told:?}"));
            }
        };
        healthy(4 * E::OPERATIONS);
        for at in subject.words() {
            if !E::Words::is_live(at) {
                case(&subject, state, at, u64::MAX, state % E::OPERATIONS, &mut tally);
                continue;
            }
            for moment in 0..E::OPERATIONS {
                let right = subject.raw.word(at).load(Relaxed);
                for (i, value) in E::Words::wrong(at, right, &mut rng).into_iter().enumerate() {
                    let n = state * E::OPERATIONS + moment + 7 * i + at / 8;
                    if n.is_multiple_of(E::Words::sparse(at)) {
                        case(&subject, state, at, value, moment, &mut tally);
                    }
                }
            }
        }
    }
    println!("{name}: {tally:?}");
    for word in told_of {
        assert!(tally.words.contains_key(word), "corruption of {word} was never told");
    }
    assert!(tally.fine > 0 && tally.told.iter().all(|told| *told > 0), "each outcome is met");
}

#[test]
fn least_byte_ring_survives_every_spoilt_word() {
    spoil_every_word::<ByteEnds<64>>("64 bytes", &["head", "frame header"]);
}

#[test]
fn byte_ring_survives_every_spoilt_word() {
    spoil_every_word::<ByteEnds<256>>("256 bytes", &["head", "frame header"]);
}

#[test]
fn ring_of_words_survives_every_spoilt_word() {
    spoil_every_word::<TypedEnds<u64, 8>>("8 words", &["head", "tail"]);
}

#[test]
fn ring_of_two_structs_survives_every_spoilt_word() {
    spoil_every_word::<TypedEnds<Tick, 2>>("2 structs", &["head", "tail"]);
}

#[test]
fn exchange_ring_of_bytes_survives_every_spoilt_word() {
    spoil_every_word::<ExchangeEnds<[u8]>>("exchange, bytes", EXCHANGED);
}

#[test]
fn exchange_ring_of_values_survives_every_spoilt_word() {
    spoil_every_word::<ExchangeEnds<Trade>>("exchange, values", EXCHANGED);
}

/// Words of an exchange ring of which corruption is told.
const EXCHANGED: &[&str] = &["entry", "head", "tail", "held", "slot header"];

/// Each of these payloads lies within the area, and not all that the frame is to take.
#[test]
fn frame_that_leaves_the_area_is_told() {
    let subject = Subject::<ByteEnds<64>>::new();
    for (offset, len) in [(40, 9), (40, 16), (56, 0)] {
        subject.restore(0);
        for at in [AT_TAIL, AT_HEAD, AT_CONSUMER + MARK] {
            subject.raw.word(at).store(offset, Relaxed);
        }
        subject.raw.word(HEADER_LEN + offset as usize).store(1 << 31 | len, Relaxed);
        let error = subject.ring.producer().map(drop).expect_err("no producer leaves that").to_string();
        assert!(
            error.starts_with("the ring is corrupt: frame header is "),
            "{len} bytes at {offset}: {error}"
        );
        let mut consumer = subject.ring.consumer().expect("a consumer");
        assert!(matches!(consumer.try_recv(), Err(RecvError::Corrupt(_))), "{len} bytes at {offset}");
    }
}

#[test]
fn received_beyond_reason_is_told_when_attaching() {
    let subject = Subject::<ByteEnds<64>>::new();
    for (head, received) in [(0, 72), (8, 80), (0, 4), (4, 4), (0, 1 << 62), (64, u64::MAX)] {
        subject.restore(0);
        subject.raw.word(AT_HEAD).store(head, Relaxed);
        subject.raw.word(AT_CONSUMER + MARK).store(received, Relaxed);
        let error = subject.ring.consumer().map(drop).expect_err("no consumer leaves that");
        assert!(
            error.to_string().starts_with("the ring is corrupt: received is "),
            "{head} {received}: {error}"
        );
    }
}
