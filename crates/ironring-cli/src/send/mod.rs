//! `ironring send`.

mod chunks;
mod lines;

use std::{fs::File, io, os::fd::AsFd, time::Duration};

use ironring::{Deadline, Producer, Ring, SendError, Wary};

use crate::{
    args::Send,
    failure::{Failure, complain},
    kind::Used,
    open::{Opened, open_or_make},
};

pub(crate) fn run(args: &Send) -> Result<(), Failure> {
    match open_or_make(&args.ring.name())? {
        Opened::Spsc(ring) => send(&ring, args),
        Opened::Mpmc(ring) => send(&ring, args),
    }
}

fn send<A: Used>(ring: &Ring<[u8], A>, args: &Send) -> Result<(), Failure> {
    if args.force {
        A::check_force()?;
    }
    let mut producer = ring.producer()?;
    producer.set_wait(args.waiting.strategy());
    let timeout = args.waiting.timeout();
    // Not `io::stdin` itself, which has a buffer of its own.
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(|e| Failure::reading(&e))?;
    match args.chunk {
        Some(size) => chunks::send(&mut Patient { producer: &mut producer, timeout }, &input, size.as_u64())?,
        None if args.force => {
            let mut displaced = 0;
            let done =
                lines::send(&mut Forced { producer: &mut producer, displaced: &mut displaced }, &input);
            if displaced > 0 {
                complain(Some(args.ring.shown()), format_args!("{displaced} messages were displaced"));
            }
            done?;
        }
        None => lines::send(&mut Patient { producer: &mut producer, timeout }, &input)?,
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

/// A sender that waits for room, for so long at a time.
struct Patient<'a, A: Used> {
    producer: &'a mut Producer<[u8], Wary, A>,
    timeout: Option<Duration>,
}

impl<A: Used> Patient<'_, A> {
    fn deadline(&self) -> Deadline {
        self.timeout.map_or(Deadline::NEVER, Deadline::from)
    }
}

impl<A: Used> Lines for Patient<'_, A> {
    fn limit(&self) -> usize {
        self.producer.max_message()
    }

    fn take(&mut self, line: &[u8]) -> Result<(), SendError> {
        match self.producer.stage(line) {
            Err(SendError::Full) => {
                // There may be room when what was staged before is gone.
                self.publish()?;
                self.producer.send_by(line, self.deadline())
            }
            done => done,
        }
    }

    /// Where others have taken the room meanwhile, waits for some again.
    fn publish(&mut self) -> Result<(), SendError> {
        let deadline = self.deadline();
        loop {
            match self.producer.publish() {
                Err(SendError::Full) if self.producer.is_retired() => return Err(SendError::Retired),
                Err(SendError::Full) if deadline.has_passed() => return Err(SendError::TimedOut),
                Err(SendError::Full) => std::thread::sleep(NAP),
                done => return done,
            }
        }
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

/// How long to leave a full ring to its receivers, where what is staged waits to be published.
const NAP: Duration = Duration::from_micros(50);

/// What was sent waits in the ring for a receiver, unless no new one can find it.
fn check_delivery<A: Used>(ring: &Ring<[u8], A>, producer: &Producer<[u8], Wary, A>) -> Result<(), Failure> {
    if producer.is_retired() && !producer.is_empty() && !A::has_receiver(ring, producer)? {
        return Err(Failure::Removed(
            "the ring was removed, and no receiver is attached: what is left in it is lost".into(),
        ));
    }
    Ok(())
}
