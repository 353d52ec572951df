//! A ping-pong: one-way times.

use hdrhistogram::Histogram;

use super::{buffer, histogram};
use crate::{
    clock::Ticks,
    fault::Fault,
    length::Length,
    stamp::{self, END},
    tally::Tally,
    transport::{Receiver, Sender},
};

/// Sends messages and awaits each one's return; gives how many that were, and one-way times,
/// half of each round trip.
///
/// # Errors
///
/// Those of the transport, and [`Fault::Wrong`].
pub fn ping(
    to: &mut impl Sender,
    back: &mut impl Receiver,
    size: usize,
    length: Length,
    tally: &Tally,
) -> Result<(u64, Histogram<u64>), Fault> {
    let (mut out, mut home) = (buffer(size), buffer(size));
    let out: &mut [u8] = bytemuck::cast_slice_mut(&mut out);
    let home: &mut [u8] = bytemuck::cast_slice_mut(&mut home);
    let mut latencies = histogram();
    let ticks = Ticks::new();
    let mut number = 0;
    loop {
        stamp::write(out, number);
        let start = Ticks::now();
        to.send(std::hint::black_box(out))?;
        back.recv(home)?;
        let end = Ticks::now();
        stamp::check(std::hint::black_box(home), number)?;
        let time = ticks.since_begin(end);
        if length.is_warm(number, time) {
            latencies.saturating_record(ticks.half(start, end));
        }
        number += 1;
        tally.progress(number);
        if length.is_over(number, time) {
            break;
        }
    }
    stamp::write(out, END);
    to.send(out)?;
    Ok((number, latencies))
}

/// Sends each message back, until one says that it is the end.
///
/// # Errors
///
/// Those of the transport, and [`Fault::Wrong`].
pub fn pong(from: &mut impl Receiver, back: &mut impl Sender, size: usize) -> Result<(), Fault> {
    let mut message = buffer(size);
    let message: &mut [u8] = bytemuck::cast_slice_mut(&mut message);
    for number in 0.. {
        from.recv(message)?;
        if stamp::number(std::hint::black_box(message)) == END {
            return stamp::check(message, END);
        }
        stamp::check(message, number)?;
        back.send(message)?;
    }
    Ok(())
}
