//! One side of a measurement, whatever it is run by.

use ironring_testkit::{Ledger, pin_to_core};
use serde::{Deserialize, Serialize};

use crate::{
    clock::kernel_ns,
    fault::Fault,
    loops,
    measure::Part,
    tally::Tally,
    transport::{Receiver, Sender},
};

/// What a side has done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Result {
    /// Messages that it sent, and that were received elsewhere or came back.
    pub(super) sent: u64,
    /// Messages that it received.
    pub(super) received: u64,
    /// Messages a nanosecond.
    pub(super) rate: f64,
    /// One-way times, and how often each was met.
    pub(super) latencies: Vec<(u64, u64)>,
    /// What it took of a processor.
    pub(super) cpu_ns: u64,
    /// Of messages that others may receive too: see [`loops::Arrivals`].
    pub(super) repeated: u64,
    pub(super) turns: Vec<(u64, u64)>,
    pub(super) redelivered: Vec<(u64, u64)>,
}

/// A side: its number, its part, and its ends.
pub(super) struct Side<'a, S, R> {
    pub(super) number: usize,
    pub(super) part: Part,
    /// All sides.
    pub(super) of: usize,
    pub(super) core: usize,
    pub(super) ledger: &'a Ledger,
    /// What it receives by, if it does.
    pub(super) receiver: Option<R>,
    /// What it sends by, if it does.
    pub(super) sender: Option<S>,
}

impl<S: Sender, R: Receiver> Side<'_, S, R> {
    /// Does its part; `clock` tells what it takes of a processor.
    pub(super) fn run(mut self, clock: libc::clockid_t) -> std::result::Result<Result, Fault> {
        pin_to_core(self.core)?;
        let tally = Tally::new(self.ledger, self.number);
        tally.start(self.of);
        let before = kernel_ns(clock);
        let mut result = self.work(&tally)?;
        result.cpu_ns = kernel_ns(clock) - before;
        // Closed first: the other side's sender may wait for it, while this one waits for the other's.
        drop(self.receiver);
        if let Some(mut sender) = self.sender {
            sender.finish()?;
        }
        Ok(result)
    }

    fn work(&mut self, tally: &Tally) -> std::result::Result<Result, Fault> {
        let mut result = Result::default();
        match (self.part, &mut self.sender, &mut self.receiver) {
            (Part::Send { stream, producer }, Some(sender), _) => {
                result.sent = loops::send(sender, stream, producer, tally)?;
            }
            (Part::Receive { stream }, _, Some(receiver)) => {
                let received = loops::receive(receiver, stream, tally)?;
                (result.received, result.rate) = (received.messages, received.rate);
            }
            (Part::Ping { size, length }, Some(sender), Some(receiver)) => {
                let (messages, latencies) = loops::ping(sender, receiver, size, length, tally)?;
                (result.sent, result.received) = (messages, messages);
                result.latencies = loops::counts(&latencies);
            }
            (Part::Pace { pace }, Some(sender), _) => result.sent = loops::pace(sender, pace, tally)?,
            (Part::Arrive { pace }, _, Some(receiver)) => {
                let arrivals = loops::arrive(receiver, pace, tally)?;
                (result.received, result.rate) = (arrivals.messages, arrivals.rate);
                result.latencies = loops::counts(&arrivals.lateness);
                result.repeated = arrivals.repeated;
                (result.turns, result.redelivered) = (arrivals.turns, arrivals.redelivered);
            }
            (Part::Pong { size }, Some(sender), Some(receiver)) => loops::pong(receiver, sender, size)?,
            (part, ..) => return Err(Fault::Failed(format!("{part:?} without an end that it needs"))),
        }
        Ok(result)
    }
}
