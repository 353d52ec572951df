//! How one measurement is run: by processes of its own, whatever is measured, so that none
//! can take its caller down.

mod processes;
mod side;
mod threads;
mod victims;

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, Write},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use ironring_testkit::{Args, Child, Exit, Ledger, Role, count_system_calls, roles::RoleFn};
use serde::{Deserialize, Serialize};

use self::side::Result;
use self::victims::Kill;
use crate::{
    clock::UNIT_NS,
    contender::Contender,
    fault::Fault,
    loops::{add_counts, histogram},
    measure::Measure,
    report::Sides,
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

/// The same for other crates, which take long to build for each size.
#[cfg(feature = "peers")]
macro_rules! with_few_words {
    ($size:expr, $words:ident => $run:expr) => {
        crate::contest::with_words!($size, $words => $run, 8, 48, 64, 1024)
    };
}
#[cfg(feature = "peers")]
use with_few_words;

/// The cores of the sending and the receiving side.
pub type Cores = (usize, usize);

/// The roles of the processes that a measurement starts, for `roles::run`.
pub const ROLES: [(&str, RoleFn); 3] =
    [(processes::ROLE, processes::side), (threads::ROLE, threads::sides), (victims::ROLE, processes::victim)];

/// What the processes of a measurement are told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    contender: Contender,
    measure: Measure,
    cores: Cores,
    /// Whether the system calls of the sides are counted, which makes them slower.
    counts_calls: bool,
}

impl Job {
    /// The core of a side: those of a pair are apart, and half of a crowd is on either.
    fn core(self, side: usize) -> usize {
        if side.is_multiple_of(2) { self.cores.0 } else { self.cores.1 }
    }

    /// A process that is told the job.
    fn role(self, name: &str, ledger: &Ledger) -> io::Result<Role> {
        let job = serde_json::to_string(&self).map_err(io::Error::other)?;
        Ok(Role::new(name).arg(job).ledger(ledger))
    }

    /// What this process was told.
    fn told(args: &mut Args) -> Self {
        serde_json::from_str(&args.parse::<String>("job")).expect("a job")
    }

    /// A process that [works](work) at the job, and writes its results to the file.
    fn worker(self, name: &str, ledger: &Ledger) -> io::Result<(Role, File)> {
        let results = tempfile::tempfile()?;
        Ok((self.role(name, ledger)?.pass_fd(RESULTS, &results), results))
    }
}

/// The name of the file for results.
const RESULTS: &str = "results";

/// The work of a process of a measurement: writes down what each of its sides has done.
fn work(
    mut args: Args,
    sides: impl FnOnce(Job, &Ledger, &mut Args) -> std::result::Result<Vec<Result>, Fault>,
) {
    let job = Job::told(&mut args);
    let ledger = args.ledger();
    let mut results = File::from(args.fd(RESULTS));
    if job.counts_calls {
        count_system_calls(|calls| Tally::count_calls(&ledger, calls));
    }
    let done = sides(job, &ledger, &mut args);
    let text = serde_json::to_vec(&done).expect("numbers and texts");
    results.write_all(&text).expect("a file");
}

/// A process of a measurement, and where it writes its results.
struct Running {
    child: Child,
    results: File,
}

/// What a measurement has given.
#[derive(Clone)]
pub struct Outcome {
    /// Messages that were received, each once.
    pub messages: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// Messages a nanosecond, of those that count; 0 of a ping-pong.
    pub rate: f64,
    /// One-way times of a ping-pong, in [`UNITS`](crate::clock::UNITS) of a nanosecond.
    pub latencies: Histogram<u64>,
    /// What both sides took of processors, in nanoseconds.
    pub cpu_ns: u64,
    /// The system calls of both sides, where they were counted.
    pub calls: u64,
    /// What became of processes that were killed, and meanwhile of the others.
    pub deaths: Deaths,
}

/// What became of processes that were killed, and meanwhile of the others.
#[derive(Clone, Debug, Default)]
pub struct Deaths {
    /// One each.
    pub kills: Vec<Death>,
    /// Messages that came more than once.
    pub repeated: u64,
    /// When each message of the survivors came, in nanoseconds from the first on, and how late.
    pub turns: Vec<(u64, u64)>,
}

/// What became of a process that was killed.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    /// When that was, in nanoseconds from the first message on.
    pub at_ns: u64,
    /// Whether it held a message.
    pub held: bool,
    /// How long it took until that was delivered again, in nanoseconds.
    pub again_ns: Option<u64>,
}

impl Deaths {
    fn of(parts: &[Result], kills: &[Kill], begun: u64) -> Self {
        let again = |kill: &Kill, at: u64| {
            let all = parts.iter().flat_map(|part| &part.redelivered);
            let mut held = all.filter(|(message, time)| Some(*message) == kill.held && *time >= at);
            held.next().map(|(_, time)| time - at)
        };
        Self {
            kills: kills
                .iter()
                .map(|kill| {
                    let at_ns = kill.at_ns.saturating_sub(begun);
                    Death { at_ns, held: kill.held.is_some(), again_ns: again(kill, at_ns) }
                })
                .collect(),
            repeated: parts.iter().map(|part| part.repeated).sum(),
            turns: parts.iter().flat_map(|part| part.turns.iter().copied()).collect(),
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, sent, rate, latencies, cpu_ns, calls, deaths: Deaths { kills, .. } } = self;
        let latencies = format!("{} of them", latencies.len());
        f.debug_struct("Outcome")
            .field("messages", messages)
            .field("sent", sent)
            .field("rate", rate)
            .field("latencies", &latencies)
            .field("cpu_ns", cpu_ns)
            .field("calls", calls)
            .field("kills", kills)
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
    run_job(Job { contender, measure, cores, counts_calls: false }, stop)
}

/// How many system calls the sides make a message, from before the first on, in a measurement that
/// is of nothing else: its processes are traced.
///
/// # Errors
///
/// As in [`run_until`], and if processes may not be traced here.
pub fn calls_per_message(
    contender: Contender,
    measure: Measure,
    cores: Cores,
    stop: &AtomicBool,
) -> std::result::Result<f64, Fault> {
    let outcome = run_job(Job { contender, measure, cores, counts_calls: true }, stop)?;
    Ok(outcome.calls as f64 / outcome.messages.max(1) as f64)
}

fn run_job(job: Job, stop: &AtomicBool) -> std::result::Result<Outcome, Fault> {
    let Job { contender, measure, .. } = job;
    let ledger = Tally::ledger(measure.parts().len())?;
    let (mut parts, mut kills) = (Vec::new(), Vec::new());
    match contender.sides() {
        Sides::Processes => processes::run(job, &ledger, |running, victims| {
            let is_over = AtomicBool::new(false);
            thread::scope(|scope| {
                let killer = scope.spawn(|| victims.kill(&is_over));
                let collected = collect(running, job, &ledger, stop, &mut parts);
                is_over.store(true, Ordering::Relaxed);
                kills = killer.join().map_err(|_| Fault::Failed("the killer panicked".into()))??;
                collected
            })
        })?,
        Sides::Threads => collect(vec![threads::start(job, &ledger)?], job, &ledger, stop, &mut parts)?,
    }
    let mut outcome = sum(&parts);
    outcome.calls = Tally::calls(&ledger);
    outcome.deaths = Deaths::of(&parts, &kills, Tally::new(&ledger, 0).begun());
    let Outcome { messages, sent, .. } = outcome;
    // What was held by who was killed may be lost: that is what is measured then.
    if sent != messages && measure.victims().is_none() {
        return Err(Fault::Lost { sent, received: messages });
    }
    Ok(outcome)
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
                Some(exit) => match side.results(exit) {
                    Ok(more) => parts.extend(more),
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
            && let Err(other) = side.results(exit)
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
    fn results(&mut self, exit: Exit) -> std::result::Result<Vec<Result>, Fault> {
        if matches!(exit, Exit::Signalled(libc::SIGINT | libc::SIGTERM)) {
            return Err(Fault::Interrupted);
        }
        let mut text = String::new();
        self.results.rewind()?;
        self.results.read_to_string(&mut text)?;
        match serde_json::from_str::<std::result::Result<Vec<Result>, Fault>>(&text) {
            Ok(results) if exit.success() => results,
            _ => Err(Fault::Failed(format!("a process of the measurement {exit}"))),
        }
    }
}

/// What all sides have done together.
fn sum(parts: &[Result]) -> Outcome {
    let mut outcome = Outcome {
        messages: 0,
        sent: 0,
        rate: 0.0,
        latencies: histogram(),
        cpu_ns: 0,
        calls: 0,
        deaths: Deaths::default(),
    };
    for part in parts {
        outcome.sent += part.sent;
        outcome.messages += part.received;
        outcome.rate += part.rate;
        outcome.cpu_ns += part.cpu_ns;
        add_counts(&mut outcome.latencies, &part.latencies);
    }
    outcome
}
