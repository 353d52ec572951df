//! Messages at a pace: each is due at its time, which its number tells, and late from then on,
//! whether or not it could be sent then.

use std::{
    hint::spin_loop,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{buffer, histogram};
use crate::{
    clock::{UNITS, kernel_ns},
    fault::Fault,
    length::Length,
    stamp::{self, END},
    tally::Tally,
    transport::{Receiver, Sender},
};

/// Messages at a pace, as each side sees them.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Bytes of a message.
    pub size: usize,
    /// Messages a second.
    pub rate: u64,
    /// How long they are due.
    pub length: Length,
    /// Whether others, who may be killed, receive too: then messages may be missing, come late,
    /// or come again.
    pub shared: bool,
}

impl Pace {
    /// When a message is due, in nanoseconds from the first on.
    const fn due_ns(self, number: u64) -> u64 {
        (number as u128 * 1_000_000_000 / self.rate as u128) as u64
    }
}

fn now() -> u64 {
    kernel_ns(libc::CLOCK_MONOTONIC)
}

/// Sends each message when it is due, or as soon after that as is possible; returns how many.
///
/// # Errors
///
/// Those of the transport.
pub fn pace(sender: &mut impl Sender, pace: Pace, tally: &Tally) -> Result<u64, Fault> {
    let mut words = buffer(pace.size);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let first = now();
    tally.begin(first);
    for number in 0.. {
        let due = pace.due_ns(number);
        let mut time = now() - first;
        while time < due {
            spin_loop();
            time = now() - first;
        }
        if pace.length.is_over(number, Duration::from_nanos(time)) {
            stamp::write(bytes, END);
            // Another receiver, of whom there is one at a time, may take the first.
            let ends = if pace.shared { 2 } else { 1 };
            (0..ends).try_for_each(|_| sender.send(bytes))?;
            return Ok(number);
        }
        stamp::write(bytes, number);
        sender.send(std::hint::black_box(bytes))?;
    }
    Ok(0)
}

/// What has come.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Messages, each once.
    pub messages: u64,
    /// Messages a nanosecond.
    pub rate: f64,
    /// How late those were that count.
    pub lateness: Histogram<u64>,
    /// Messages that came more than once.
    pub repeated: u64,
    /// Of shared messages, when each came in its turn, in nanoseconds from the first on, and how
    /// late.
    pub turns: Vec<(u64, u64)>,
    /// Of shared messages, which came out of their turn, and when.
    pub redelivered: Vec<(u64, u64)>,
}

/// Receives messages until the end; checks each, and that all come in their order, unless others
/// receive them too.
///
/// # Errors
///
/// Those of the transport, and [`Fault::Wrong`].
pub fn arrive(receiver: &mut impl Receiver, pace: Pace, tally: &Tally) -> Result<Arrivals, Fault> {
    let mut words = buffer(pace.size);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let mut lateness = histogram();
    let (mut turns, mut redelivered) = (Vec::new(), Vec::new());
    let mut seen = Vec::new();
    let (mut next, mut messages, mut repeated) = (0, 0, 0);
    loop {
        receiver.recv(bytes)?;
        let time = now() - tally.begun();
        let number = stamp::number(std::hint::black_box(bytes));
        if number == END {
            stamp::check(bytes, END)?;
            let rate = messages as f64 / time as f64;
            return Ok(Arrivals { messages, rate, lateness, repeated, turns, redelivered });
        }
        stamp::check(bytes, if pace.shared { number } else { next })?;
        messages += 1;
        tally.progress(messages);
        let late = time.saturating_sub(pace.due_ns(number));
        if pace.shared {
            if is_known(&mut seen, number) {
                repeated += 1;
                messages -= 1;
            }
            if number < next {
                redelivered.push((number, time));
                continue;
            }
            turns.push((time, late));
        }
        next = number + 1;
        if pace.length.is_warm(number, Duration::from_nanos(time)) {
            lateness.saturating_record(late.saturating_mul(UNITS as u64));
        }
    }
}

/// Whether a message was seen before; from now on it was.
fn is_known(seen: &mut Vec<bool>, number: u64) -> bool {
    /// No run has so many; who finds more has found a wrong number.
    const MOST: usize = 1 << 30;
    let at = (number as usize).min(MOST);
    if seen.len() <= at {
        seen.resize(at + 1, false);
    }
    std::mem::replace(&mut seen[at], true)
}

/// Receives one message, says which, and keeps it until somebody kills this process.
///
/// # Errors
///
/// Those of the transport.
pub fn hold(receiver: &mut impl Receiver, size: usize, say: impl FnOnce(u64)) -> Result<(), Fault> {
    let mut words = buffer(size);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    receiver.hold(bytes)?;
    let number = stamp::number(bytes);
    if number != END {
        say(number);
    }
    let begun = Instant::now();
    // Nobody forgets this process for so long.
    while begun.elapsed() < Duration::from_secs(600) {
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}
