//! The loops that every contender runs through, and the stamps by which each message is
//! checked on arrival.

use std::time::Instant;

use crate::transport::{Receiver, Sender};

/// The longest message in bytes times the largest batch.
const ROOM: usize = 4096 * 32;

/// Messages for a sender or a receiver to work on, aligned as cache lines are.
fn buffer(len: usize) -> Vec<u64> {
    assert!(len <= ROOM && len.is_multiple_of(8), "{len} bytes are no whole number of words, or too many");
    vec![0; len / 8]
}

/// Writes `number` to the first and the last word of `message`.
#[inline]
fn stamp(message: &mut [u8], number: u64) {
    let last = message.len() - 8;
    message[..8].copy_from_slice(&number.to_ne_bytes());
    message[last..].copy_from_slice(&number.to_ne_bytes());
}

/// Checks that `message` is the one with this `number`.
#[inline]
fn check(message: &[u8], number: u64) {
    let last = message.len() - 8;
    let expected = number.to_ne_bytes();
    assert!(
        message[..8] == expected && message[last..] == expected,
        "message {number} arrived as {:?} .. {:?}",
        &message[..8],
        &message[last..]
    );
}

/// Sends messages `0..count` of `size` bytes, `batch` at a time.
pub fn stream(sender: &mut impl Sender, size: usize, batch: usize, count: u64) {
    let mut words = buffer(size * batch);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let mut number = 0;
    while number < count {
        if batch == 1 {
            stamp(bytes, number);
            sender.send(std::hint::black_box(bytes));
        } else {
            for (i, message) in bytes.chunks_exact_mut(size).enumerate() {
                stamp(message, number + i as u64);
            }
            sender.send_batch(std::hint::black_box(bytes), size);
        }
        number += batch as u64;
    }
}

/// Receives messages `0..count` and checks them; returns nanoseconds a message, without
/// the first eighth, in which the sender may still be starting.
pub fn drain(receiver: &mut impl Receiver, size: usize, batch: usize, count: u64) -> f64 {
    let mut words = buffer(size * batch);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let warm = count / 8;
    let mut number = 0;
    let mut started = None;
    while number < count {
        if number >= warm && started.is_none() {
            started = Some((Instant::now(), number));
        }
        let there = if batch == 1 {
            receiver.recv(bytes);
            1
        } else {
            receiver.recv_batch(bytes, size)
        };
        for message in std::hint::black_box(&*bytes).chunks_exact(size).take(there) {
            check(message, number);
            number += 1;
        }
    }
    let (start, first) = started.expect("count is above its eighth");
    start.elapsed().as_nanos() as f64 / (number - first) as f64
}

/// Sends messages `0..count` and awaits each one's return; gives one-way nanoseconds, half
/// of each round trip, as the mean of `SPAN` round trips in a row: the clock has steps of
/// some ten nanoseconds.
pub fn ping(to: &mut impl Sender, back: &mut impl Receiver, size: usize, count: u64) -> Vec<f64> {
    const SPAN: u64 = 8;
    let (mut out, mut home) = (buffer(size), buffer(size));
    let out: &mut [u8] = bytemuck::cast_slice_mut(&mut out);
    let home: &mut [u8] = bytemuck::cast_slice_mut(&mut home);
    let mut times = Vec::with_capacity((count / SPAN) as usize);
    let mut start = Instant::now();
    for number in 0..count {
        stamp(out, number);
        to.send(std::hint::black_box(out));
        back.recv(home);
        check(std::hint::black_box(home), number);
        if (number + 1) % SPAN == 0 {
            let now = Instant::now();
            times.push((now - start).as_nanos() as f64 / (2 * SPAN) as f64);
            start = now;
        }
    }
    times
}

/// Sends each of `count` messages back.
pub fn pong(from: &mut impl Receiver, back: &mut impl Sender, size: usize, count: u64) {
    let mut message = buffer(size);
    let message: &mut [u8] = bytemuck::cast_slice_mut(&mut message);
    for number in 0..count {
        from.recv(message);
        check(std::hint::black_box(message), number);
        back.send(message);
    }
}

/// The number of a message that ends one receiver's work.
const END: u64 = u64::MAX;

/// Sends, as sender `which` of `senders`, `count` messages of `size` bytes, and one that ends
/// the work of one receiver. Numbers grow, and say by their remainder whose they are.
pub fn stream_share(sender: &mut impl Sender, size: usize, which: usize, senders: usize, count: u64) {
    let mut words = buffer(size);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    for turn in 0..count {
        stamp(bytes, turn * senders as u64 + which as u64);
        sender.send(std::hint::black_box(bytes));
    }
    stamp(bytes, END);
    sender.send(bytes);
}

/// Receives messages until one says that it is the end; checks that each sender's come in
/// order; returns how many came.
pub fn drain_share(receiver: &mut impl Receiver, size: usize, senders: usize) -> u64 {
    let mut words = buffer(size);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let mut next = vec![0; senders];
    let mut received = 0;
    loop {
        receiver.recv(bytes);
        let number = u64::from_ne_bytes(std::hint::black_box(&*bytes)[..8].try_into().expect("a word"));
        check(bytes, number);
        if number == END {
            return received;
        }
        let next = &mut next[number as usize % senders];
        assert!(number >= *next, "message {number} came after one of {next} or later");
        *next = number + 1;
        received += 1;
    }
}
