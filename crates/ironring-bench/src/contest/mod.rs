//! How one measurement is run: by processes of its own, whatever is measured, so that none
//! can take its caller down.

mod processes;
mod side;
mod threads;

use std::{
    fmt,
    fs::File,
    io::{Read, Seek},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use ironring_testkit::{Child, Exit, Ledger, Role, roles::RoleFn};
use serde::{Deserialize, Serialize};

use self::side::Result;
use crate::{
    clock::UNIT_NS, contender::Contender, fault::Fault, loops::histogram, measure::Measure, report::Sides,
    tally::Tally,
};

/// Evaluates `$run` with the constant `$words`, the number of words that `$size` bytes are.
macro_rules! with_words {
    ($size:expr, $words:ident => $run:expr) => {
        crate::contest::with_words!($size, $words => $run, 8, 16, 48, 64, 256, 1024, 4096)
    };
    ($size:expr, $words:ident => $run:expr, $($known:literal),*) => {
        match $size {
            $($known => {
                const $words: usize = $known / 8;
                $run
            })*
            other => Err($crate::fault::Fault::Unavailable(format!(
                "values of {other} bytes: it was built for {:?}", [$($known),*]
            ))),
        }
    };
}
use with_words;

/// The cores of the sending and the receiving side.
pub type Cores = (usize, usize);

/// The roles of the processes that a measurement starts, for `roles::run`.
pub const ROLES: [(&str, RoleFn); 2] = [(processes::ROLE, processes::side), (threads::ROLE, threads::sides)];

/// What the processes of a measurement are told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    contender: Contender,
    measure: Measure,
    cores: Cores,
}

impl Job {
    /// The core of a side: those of a pair are apart, and half of a crowd is on either.
    fn core(self, side: usize) -> usize {
        if side.is_multiple_of(2) { self.cores.0 } else { self.cores.1 }
    }

    /// Starts the process for a role, on a core; it writes its result to the file.
    fn role(self, name: &str, ledger: &Ledger) -> std::io::Result<(Role, File)> {
        let job = serde_json::to_string(&self).map_err(std::io::Error::other)?;
        let result = tempfile::tempfile()?;
        Ok((Role::new(name).arg(job).ledger(ledger).pass_fd("result", &result), result))
    }
}

/// A process of a measurement, and where it writes its result.
struct Running {
    child: Child,
    result: File,
}

/// What a measurement has given.
#[derive(Clone)]
pub struct Outcome {
    /// Messages that were received.
    pub messages: u64,
    /// Messages a nanosecond, of those that count; 0 of a ping-pong.
    pub rate: f64,
    /// One-way times of a ping-pong, in [`UNITS`](crate::clock::UNITS) of a nanosecond.
    pub latencies: Histogram<u64>,
    /// What both sides took of processors, in nanoseconds.
    pub cpu_ns: u64,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, rate, latencies, cpu_ns } = self;
        let latencies = format!("{} of them", latencies.len());
        f.debug_struct("Outcome")
            .field("messages", messages)
            .field("rate", rate)
            .field("latencies", &latencies)
            .field("cpu_ns", cpu_ns)
            .finish()
    }
}

impl Outcome {
    /// Nanoseconds a message: the median of a ping-pong.
    #[must_use]
    pub fn ns(&self) -> f64 {
        if self.latencies.is_empty() {
            1.0 / self.rate
        } else {
            self.latencies.value_at_quantile(0.5) as f64 * UNIT_NS
        }
    }
}

/// Runs one measurement.
///
/// # Errors
///
/// If the contender is not to be had, or messages are lost, spoilt or out of order, or a
/// process fails.
pub fn run(contender: Contender, measure: Measure, cores: Cores) -> std::result::Result<Outcome, Fault> {
    run_until(contender, measure, cores, &AtomicBool::new(false))
}

/// Runs one measurement as [`run`] does, until `stop` is set.
///
/// # Errors
///
/// As in [`run`], and [`Fault::Interrupted`].
pub fn run_until(
    contender: Contender,
    measure: Measure,
    cores: Cores,
    stop: &AtomicBool,
) -> std::result::Result<Outcome, Fault> {
    let job = Job { contender, measure, cores };
    let ledger = Tally::ledger(measure.parts().len())?;
    let mut parts = Vec::new();
    match contender.sides() {
        Sides::Processes => {
            processes::run(job, &ledger, |running| collect(running, job, &ledger, stop, &mut parts))?
        }
        Sides::Threads => collect(vec![threads::start(job, &ledger)?], job, &ledger, stop, &mut parts)?,
    }
    sum(&parts)
}

/// Awaits the processes, and their results; whoever is still there after a failure is killed.
fn collect(
    mut running: Vec<Running>,
    job: Job,
    ledger: &Ledger,
    stop: &AtomicBool,
    parts: &mut Vec<Result>,
) -> std::result::Result<(), Fault> {
    const LOOK: Duration = Duration::from_millis(20);
    let deadline = Instant::now() + job.measure.length().limit();
    let mut fault = None;
    while !running.is_empty() && fault.is_none() {
        let mut left = Vec::new();
        for mut side in running {
            match side.child.wait_timeout(LOOK) {
                None => left.push(side),
                Some(exit) => match side.result(exit) {
                    Ok(part) => parts.push(part),
                    // What went wrong is told by who has seen a message, not by who misses it.
                    Err(other) => fault = Some(worse(fault.take(), other)),
                },
            }
        }
        running = left;
        if stop.load(Ordering::Relaxed) {
            fault = Some(Fault::Interrupted);
        } else if fault.is_none() && Instant::now() > deadline {
            fault = Some(Fault::Stuck { received: Tally::received(ledger) });
        }
    }
    let Some(mut fault) = fault else { return Ok(()) };
    // Who has failed for the same reason says so soon, if at all.
    for mut side in running {
        if let Some(exit) = side.child.wait_timeout(LOOK)
            && let Err(other) = side.result(exit)
        {
            fault = worse(Some(fault), other);
        }
    }
    Err(fault)
}

/// Of two faults the one that says more.
fn worse(one: Option<Fault>, other: Fault) -> Fault {
    match one {
        Some(one @ (Fault::Wrong { .. } | Fault::Unavailable(_) | Fault::Interrupted)) => one,
        Some(one) if matches!(other, Fault::Failed(_)) => one,
        _ => other,
    }
}

impl Running {
    /// What the process wrote before it ended so.
    fn result(&mut self, exit: Exit) -> std::result::Result<Result, Fault> {
        if matches!(exit, Exit::Signalled(libc::SIGINT | libc::SIGTERM)) {
            return Err(Fault::Interrupted);
        }
        let mut text = String::new();
        self.result.rewind()?;
        self.result.read_to_string(&mut text)?;
        match serde_json::from_str::<std::result::Result<Result, Fault>>(&text) {
            Ok(result) if exit.success() => result,
            _ => Err(Fault::Failed(format!("a process of the measurement {exit}"))),
        }
    }
}

/// What all sides have done together.
fn sum(parts: &[Result]) -> std::result::Result<Outcome, Fault> {
    let mut outcome = Outcome { messages: 0, rate: 0.0, latencies: histogram(), cpu_ns: 0 };
    let mut sent = 0;
    for part in parts {
        sent += part.sent;
        outcome.messages += part.received;
        outcome.rate += part.rate;
        outcome.cpu_ns += part.cpu_ns;
        for (value, count) in &part.latencies {
            outcome.latencies.saturating_record_n(*value, *count);
        }
    }
    if sent != outcome.messages {
        return Err(Fault::Lost { sent, received: outcome.messages });
    }
    Ok(outcome)
}
