//! The stamps by which each message is checked on arrival: its number, in each of its words
//! while a measurement warms up, and from then on in each of its cache lines and at its end.

use crate::fault::Fault;

/// Bytes of a cache line.
const LINE: usize = 64;
const WORD: usize = size_of::<u64>();
/// So many messages of a producer are stamped in each word.
const WHOLE: u64 = 1 << 10;

/// The number of a message that ends a receiver's work.
pub const END: u64 = u64::MAX;

/// How many bits of a number say which of its producer's messages it is; the others say whose.
const TURN: u32 = 48;

/// The number of message `turn` of a producer.
#[inline]
#[must_use]
pub const fn of(producer: usize, turn: u64) -> u64 {
    (producer as u64) << TURN | turn
}

/// The producer of a message, and which of its messages that is.
#[inline]
#[must_use]
pub const fn parts(number: u64) -> (usize, u64) {
    ((number >> TURN) as usize, number & ((1 << TURN) - 1))
}

/// Bytes from a stamp to the next, in the message of this number.
#[inline]
const fn step(number: u64) -> usize {
    if parts(number).1 < WHOLE { WORD } else { LINE }
}

/// Evaluates `$each` for each place `$at` of a stamp in a message of `$len` bytes.
macro_rules! at_stamps {
    ($len:expr, $number:expr, $at:ident => $each:expr) => {{
        let (mut $at, last) = (0, $len - WORD);
        // A single word costs what it must: millions of them are sent in a batch.
        if last > 0 {
            let step = step($number);
            while $at < last {
                $each;
                $at += step;
            }
            $at = last;
        }
        $each
    }};
}

/// Stamps a message of at least 8 bytes.
#[inline]
pub fn write(message: &mut [u8], number: u64) {
    at_stamps!(message.len(), number, at => message[at..at + WORD].copy_from_slice(&number.to_ne_bytes()));
}

/// The number that a message says it has, in its first stamp.
#[inline]
#[must_use]
pub fn number(message: &[u8]) -> u64 {
    word(message, 0)
}

/// Copies the stamps of a message, and nothing between them.
#[inline]
pub fn copy(from: &[u8], to: &mut [u8]) {
    at_stamps!(from.len(), number(from), at => to[at..at + WORD].copy_from_slice(&from[at..at + WORD]));
}

/// Whether all stamps of `message` say this `number`.
#[inline]
#[must_use]
pub fn is(message: &[u8], number: u64) -> bool {
    at_stamps!(message.len(), number, at => if word(message, at) != number {
        return false;
    });
    true
}

/// Checks that all stamps of `message` say this `number`.
///
/// # Errors
///
/// [`Fault::Wrong`] if they do not.
#[inline]
pub fn check(message: &[u8], number: u64) -> Result<(), Fault> {
    at_stamps!(message.len(), number, at => if word(message, at) != number {
        return Err(wrong(message, number, at));
    });
    Ok(())
}

#[inline]
fn word(message: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(message[at..at + WORD].try_into().expect("a word"))
}

#[cold]
fn wrong(message: &[u8], number: u64, at: usize) -> Fault {
    let ((producer, number), found) = (parts(number), word(message, at));
    Fault::Wrong { producer, number, at, found: name(found) }
}

/// What a stamp says, in words.
#[must_use]
pub fn name(number: u64) -> String {
    match (number, parts(number)) {
        (END, _) => "the end".into(),
        (_, (0, turn)) => format!("message {turn}"),
        (_, (producer, turn)) => format!("message {turn} of producer {producer}"),
    }
}
