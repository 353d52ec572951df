//! `ironring send`.

mod chunks;
mod lines;

use std::{fs::File, io, os::fd::AsFd, time::Duration};

use ironring::{SendError, State, spsc::Producer};

use crate::{args::Send, failure::Failure, open::open_or_make};

pub(crate) fn run(args: &Send) -> Result<(), Failure> {
    let mut producer = open_or_make(&args.name)?.producer()?;
    // Not `io::stdin` itself, which has a buffer of its own.
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(|e| Failure::reading(&e))?;
    match args.chunk {
        Some(size) => chunks::send(&mut producer, &input, size.as_u64())?,
        None => lines::send(&mut producer, &input)?,
    }
    check_delivery(&producer)
}

/// How long to leave a full ring to its receiver.
const NAP: Duration = Duration::from_micros(50);

/// Sleeps a little, so that the receiver makes room. A ring is full of work for it, so
/// there is no hurry; a sender that span would take the processor from others.
fn wait_for_room(producer: &Producer<[u8]>) -> Result<(), SendError> {
    if producer.is_retired() {
        return Err(SendError::Retired);
    }
    std::thread::sleep(NAP);
    Ok(())
}

/// What was sent waits in the ring for a receiver, unless no new one can find it.
fn check_delivery(producer: &Producer<[u8]>) -> Result<(), Failure> {
    if producer.is_retired() && producer.consumer()?.state != State::Attached && !producer.is_empty() {
        let left = producer.len();
        return Err(Failure::Removed(format!(
            "the ring was removed, and no receiver is attached: {left} bytes in it are lost"
        )));
    }
    Ok(())
}
