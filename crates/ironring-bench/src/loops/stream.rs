//! A stream: as fast as it goes.

use std::time::Instant;

use super::{Order, buffer};
use crate::{
    fault::Fault,
    length::Length,
    stamp::{self, END},
    tally::Tally,
    transport::{Receiver, Sender},
};

/// A stream of messages, as each of its sides sees it.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Bytes of a message.
    pub size: usize,
    /// Messages that are sent together. More than one consumer takes them singly.
    pub batch: usize,
    /// How many send.
    pub producers: usize,
    /// How many receive.
    pub consumers: usize,
    /// How long each producer sends.
    pub length: Length,
}

/// Sends messages as producer `producer`, and, when no other producer is left, one to each
/// consumer that ends its work. Returns how many messages that were, without those.
///
/// # Errors
///
/// Those of the transport.
pub fn send(sender: &mut impl Sender, stream: Stream, producer: usize, tally: &Tally) -> Result<u64, Fault> {
    let Stream { size, batch, consumers, length, .. } = stream;
    let mut words = buffer(size * batch);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let (begun, mut turn) = (Instant::now(), 0);
    while !length.is_over(turn, begun.elapsed()) {
        let look = length.next_look(turn, size);
        while batch == 1 && turn < look {
            stamp::write(bytes, stamp::of(producer, turn));
            sender.send(std::hint::black_box(bytes))?;
            turn += 1;
        }
        while turn < look {
            for (i, message) in bytes.chunks_exact_mut(size).enumerate() {
                stamp::write(message, stamp::of(producer, turn + i as u64));
            }
            sender.send_batch(std::hint::black_box(bytes), size)?;
            turn += batch as u64;
        }
    }
    if tally.is_last_to_finish(stream.producers) {
        let last = &mut bytes[..size];
        stamp::write(last, END);
        (0..consumers).try_for_each(|_| sender.send(last))?;
    }
    Ok(turn)
}

/// What a consumer has received.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// Messages in all.
    pub messages: u64,
    /// Messages a nanosecond, of those that count.
    pub rate: f64,
}

/// Receives messages until one says that it is the end; checks each, and that those of a
/// producer come in their order: all of them, if there is no other consumer.
///
/// # Errors
///
/// Those of the transport, and [`Fault::Wrong`].
pub fn receive(receiver: &mut impl Receiver, stream: Stream, tally: &Tally) -> Result<Received, Fault> {
    let Stream { size, batch, producers, consumers, length } = stream;
    let mut words = buffer(size * batch);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let mut order = Order { next: vec![0; producers], all: consumers == 1 };
    let begun = Instant::now();
    // Numbers of the only producer are their turns.
    let only = producers == 1 && consumers == 1;
    let (mut received, mut warm) = (0, None);
    loop {
        tally.progress(received);
        if warm.is_none() && length.is_warm(received, begun.elapsed()) {
            warm = Some((Instant::now(), received));
        }
        let look = length.next_look(received, size);
        while received < look {
            let there = if batch == 1 {
                // Most of all time is spent here.
                if only && !is_odd(receiver, bytes, &mut received, look)? {
                    break;
                }
                if !only {
                    receiver.recv(bytes)?;
                }
                1
            } else {
                receiver.recv_batch(bytes, size)?
            };
            for message in std::hint::black_box(&*bytes).chunks_exact(size).take(there) {
                if only && stamp::is(message, received) {
                    received += 1;
                    continue;
                }
                if only {
                    order.next[0] = received;
                }
                if order.is_end(message)? {
                    // If nothing came behind the warm-up, as on a busy machine, all counts.
                    let (since, before) = warm.filter(|(_, before)| received > *before).unwrap_or((begun, 0));
                    let rate = (received - before) as f64 / since.elapsed().as_nanos() as f64;
                    return Ok(Received { messages: received, rate });
                }
                received += 1;
            }
        }
    }
}

/// Receives the messages that are due, singly, until there are `look`; true if another one came,
/// which is to be looked at.
#[inline]
fn is_odd(
    receiver: &mut impl Receiver,
    bytes: &mut [u8],
    received: &mut u64,
    look: u64,
) -> Result<bool, Fault> {
    while *received < look {
        receiver.recv(bytes)?;
        if !stamp::is(std::hint::black_box(&*bytes), *received) {
            return Ok(true);
        }
        *received += 1;
    }
    Ok(false)
}
