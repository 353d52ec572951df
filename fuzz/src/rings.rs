//! Both ends of a ring at work on bytes that change, between their operations and meanwhile.
//!
//! The first byte chooses the ring, the second its state. Then come operations, a byte each, and,
//! marked by the byte's highest bit, words to set: now, or again and again while the operations
//! run.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

use crate::{
    byte_ends::ByteEnds,
    ends::Ends,
    exchange_ends::{ExchangeEnds, Trade},
    input::Input,
    states::Subject,
    support::layout::AT_SESSION,
    typed_ends::{Tick, TypedEnds},
};

/// Operations of one input: longer ones bring nothing more.
const MOST: usize = 64;

/// The value of a word that somebody sets, made of the one that it has.
#[derive(Clone, Copy)]
enum Change {
    To(u64),
    Plus(u64),
    Flip(u64),
}

impl Change {
    fn of(input: &mut Input<'_>) -> Self {
        match input.byte() % 6 {
            0 => Self::To(input.number(8)),
            1 => Self::Plus(input.byte() as i8 as u64),
            2 => Self::Plus((input.byte() as i8 as u64) << (input.byte() % 64)),
            3 => Self::Flip(1 << (input.byte() % 64)),
            // A frame's or a message's header.
            4 => Self::To(1 << 31 | input.number(1)),
            _ => Self::To(1 << 31 | input.number(5)),
        }
    }

    fn make(self, word: &AtomicU64) {
        let value = word.load(Relaxed);
        let value = match self {
            Self::To(value) => value,
            Self::Plus(more) => value.wrapping_add(more),
            Self::Flip(bits) => value ^ bits,
        };
        word.store(value, Relaxed);
    }
}

/// Ends the writer, also by a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn run<E: Ends>(subject: &Subject<E>, input: &mut Input<'_>) {
    let state = input.byte() as usize % subject.states.len();
    subject.restore(state);
    let mut now = Vec::new();
    let mut meanwhile = Vec::new();
    let mut operations = Vec::new();
    while !input.is_over() && operations.len() < MOST {
        let byte = input.byte();
        if byte & 0x80 == 0 {
            operations.push(byte as usize % E::OPERATIONS);
            continue;
        }
        // The first word is the magic, which nobody reads after the opening.
        let at = 8 * (1 + input.below(subject.raw.len() / 8 - 1));
        let change = Change::of(input);
        match byte & 1 {
            0 => now.push((operations.len(), at, change)),
            _ => meanwhile.push((at, change)),
        }
    }
    let over = AtomicBool::new(meanwhile.is_empty());
    thread::scope(|scope| {
        if !meanwhile.is_empty() {
            scope.spawn(|| {
                for (at, change) in meanwhile.iter().cycle() {
                    change.make(subject.raw.word(*at));
                    if over.load(Relaxed) {
                        return;
                    }
                }
            });
        }
        let _over = Over(&over);
        let mut ends = E::new(&subject.ring);
        let mut now = now.into_iter().peekable();
        for (i, operation) in operations.into_iter().enumerate() {
            while let Some((_, at, change)) = now.next_if(|(before, ..)| *before <= i) {
                change.make(subject.raw.word(at));
            }
            if ends.operate(operation).is_err() {
                ends = E::new(&subject.ring);
            }
        }
    });
    // Nobody has anything to write behind the region, in its last page.
    assert!(subject.raw.behind().iter().all(|byte| *byte == 0), "something was written behind the region");
    // Removal is for ever, and closing until it is undone: the next input finds the ring as it was.
    subject.restore(state);
    debug_assert_eq!(subject.raw.word(AT_SESSION).load(Relaxed), subject.states[state].1[AT_SESSION / 8]);
}

/// The ends of SPSC rings.
pub fn spsc(data: &[u8]) {
    thread_local! {
        static LEAST: Subject<ByteEnds<64>> = Subject::new();
        static BYTES: Subject<ByteEnds<4096>> = Subject::new();
        static WORDS: Subject<TypedEnds<u64, 8>> = Subject::new();
        static STRUCTS: Subject<TypedEnds<Tick, 2>> = Subject::new();
    }
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => LEAST.with(|subject| run(subject, &mut input)),
        1 => BYTES.with(|subject| run(subject, &mut input)),
        2 => WORDS.with(|subject| run(subject, &mut input)),
        _ => STRUCTS.with(|subject| run(subject, &mut input)),
    }
}

/// The participants of exchange rings.
pub fn exchange(data: &[u8]) {
    thread_local! {
        static BYTES: Subject<ExchangeEnds<[u8]>> = Subject::new();
        static VALUES: Subject<ExchangeEnds<Trade>> = Subject::new();
    }
    let mut input = Input::new(data);
    match input.byte() % 2 {
        0 => BYTES.with(|subject| run(subject, &mut input)),
        _ => VALUES.with(|subject| run(subject, &mut input)),
    }
}
