//! `ironring send`.

mod chunks;
mod lines;

use std::{fs::File, io, os::fd::AsFd, time::Duration};

use ironring::{Producer, Ring, SendError, Wary};

use crate::{
    args::Send,
    failure::{Failure, complain},
    kind::Used,
    open::{Opened, open_or_make},
};

pub(crate) fn run(args: &Send) -> Result<(), Failure> {
    match open_or_make(&args.name)? {
        Opened::Spsc(ring) => send(&ring, args),
        Opened::Mpmc(ring) => send(&ring, args),
    }
}

fn send<A: Used>(ring: &Ring<[u8], A>, args: &Send) -> Result<(), Failure> {
    if args.force {
        A::check_force()?;
    }
    let mut producer = ring.producer()?;
    // Not `io::stdin` itself, which has a buffer of its own.
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(|e| Failure::reading(&e))?;
    match args.chunk {
        Some(size) => chunks::send(&mut producer, &input, size.as_u64())?,
        None if args.force => {
            let mut displaced = 0;
            let done =
                lines::send(&mut Forced { producer: &mut producer, displaced: &mut displaced }, &input);
            if displaced > 0 {
                complain(Some(&args.name), format_args!("{displaced} messages were displaced"));
            }
            done?;
        }
        None => lines::send(&mut producer, &input)?,
    }
    check_delivery(ring, &producer)
}

/// Where lines go.
trait Lines {
    /// The longest that is possible, in bytes.
    fn limit(&self) -> usize;

    /// Takes a line, to be sent at the next [`publish`](Self::publish) at the latest.
    fn take(&mut self, line: &[u8]) -> Result<(), SendError>;

    /// Sends all that was taken.
    fn publish(&mut self) -> Result<(), SendError>;
}

impl<A: Used> Lines for Producer<[u8], Wary, A> {
    fn limit(&self) -> usize {
        self.max_message()
    }

    fn take(&mut self, line: &[u8]) -> Result<(), SendError> {
        let mut is_alone = false;
        loop {
            match self.stage(line) {
                Err(SendError::Full) if is_alone => wait_for_room(self)?,
                // There may be room when what was staged before is gone.
                Err(SendError::Full) => {
                    publish(self)?;
                    is_alone = true;
                }
                done => return done,
            }
        }
    }

    fn publish(&mut self) -> Result<(), SendError> {
        publish(self)
    }
}

/// Lines that take the place of others where there is no room.
struct Forced<'a, A: Used> {
    producer: &'a mut Producer<[u8], Wary, A>,
    displaced: &'a mut u64,
}

impl<A: Used> Lines for Forced<'_, A> {
    fn limit(&self) -> usize {
        self.producer.max_message()
    }

    fn take(&mut self, line: &[u8]) -> Result<(), SendError> {
        *self.displaced += A::force(self.producer, line)?;
        Ok(())
    }

    fn publish(&mut self) -> Result<(), SendError> {
        Ok(())
    }
}

/// How long to leave a full ring to its receivers.
const NAP: Duration = Duration::from_micros(50);

/// Publishes what is staged, waiting for room where others have taken it.
fn publish<A: Used>(producer: &mut Producer<[u8], Wary, A>) -> Result<(), SendError> {
    loop {
        match producer.publish() {
            Err(SendError::Full) => wait_for_room(producer)?,
            done => return done,
        }
    }
}

/// Sleeps a little, so that a receiver makes room. A ring is full of work for it, so
/// there is no hurry; a sender that span would take the processor from others.
fn wait_for_room<A: Used>(producer: &Producer<[u8], Wary, A>) -> Result<(), SendError> {
    if producer.is_retired() {
        return Err(SendError::Retired);
    }
    std::thread::sleep(NAP);
    Ok(())
}

/// What was sent waits in the ring for a receiver, unless no new one can find it.
fn check_delivery<A: Used>(ring: &Ring<[u8], A>, producer: &Producer<[u8], Wary, A>) -> Result<(), Failure> {
    if producer.is_retired() && !producer.is_empty() && !A::has_receiver(ring, producer)? {
        return Err(Failure::Removed(
            "the ring was removed, and no receiver is attached: what is left in it is lost".into(),
        ));
    }
    Ok(())
}
