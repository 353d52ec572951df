//! A whole run: everything that is to be measured, in turns, within a time.

mod budget;
mod plan;
mod results;
mod roster;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime},
};

use fastrand::Rng;
use ironring_testkit::{
    cores,
    floor::{self, Floor, Placement},
};

use self::{budget::Budget, plan::Cell, results::Results};
pub use self::{
    plan::Kind,
    roster::{TRANSPORTS, Transport},
};
use crate::{
    contender::Contender,
    contest::{self, Cores, Outcome},
    fault::Fault,
    length::Length,
    report::{Fate, Interval, LeftOut, Report, Settings},
    statistics::median,
};

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who is measured.
    pub transports: Vec<Transport>,
    /// What is measured.
    pub measures: Vec<Kind>,
    /// Bytes of a message; none: what suits each measure.
    pub sizes: Vec<usize>,
    /// The cores of the two sides.
    pub cores: Cores,
    /// Whether less is measured: fewer sizes and ways.
    pub quick: bool,
    /// When it ends.
    pub time: Duration,
    /// The longest measurement.
    pub longest: Duration,
    /// How often everything is measured.
    pub repeats: usize,
}

impl Options {
    /// A whole run between these cores: of twenty minutes, or of half a minute, without peers.
    #[must_use]
    pub fn new(cores: Cores, quick: bool) -> Self {
        let (time, repeats) = if quick { (28, 3) } else { (1_185, 5) };
        Self {
            transports: TRANSPORTS.into_iter().filter(|transport| !(quick && transport.is_peer())).collect(),
            measures: if quick { Kind::QUICK.to_vec() } else { Kind::ALL.to_vec() },
            sizes: Vec::new(),
            cores,
            quick,
            time: Duration::from_secs(time),
            longest: Duration::from_secs(2),
            repeats,
        }
    }
}

/// Two cores to measure between: different ones of one socket, if there are, and not two threads
/// of one core.
#[must_use]
pub fn default_cores() -> Option<Cores> {
    let there = cores();
    let pairs: Vec<Cores> = there
        .iter()
        .enumerate()
        .flat_map(|(i, one)| there[i + 1..].iter().map(|other| (*one, *other)))
        .take(1_000)
        .collect();
    let on_one_socket = |pair: &&Cores| floor::placement(**pair).is_ok_and(|it| it == Placement::SameSocket);
    pairs.iter().find(on_one_socket).or(pairs.first()).copied()
}

/// How far a run is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Measurements that are done.
    pub done: usize,
    /// All of them.
    pub all: usize,
    /// What is measured now.
    pub now: &'a str,
    /// When it ends, at the latest.
    pub left: Duration,
}

/// What a run has given.
#[derive(Clone, Debug)]
pub struct Run {
    /// Everything that was measured.
    pub report: Report,
    /// All latencies, of each repeat, in the order in which they were measured.
    pub intervals: Vec<Interval>,
}

/// Runs until everything is measured, or the time is over, or `stop` is set: the report has what
/// was measured until then.
///
/// # Errors
///
/// If nothing can be measured between these cores.
pub fn run(options: &Options, stop: &AtomicBool, mut watch: impl FnMut(&Progress)) -> std::io::Result<Run> {
    let (begun, started) = (Instant::now(), SystemTime::now());
    let placement = floor::placement(options.cores)?;
    let seed = Rng::new().u64(..);
    let mut rng = Rng::with_seed(seed);
    let (cells, mut left_out) = plan::cells(options);
    let mut cells: Vec<Option<Cell>> = cells.into_iter().map(Some).collect();
    let mut results: Vec<Results> = cells.iter().flatten().map(Results::new).collect();
    let mut floors = Floors::default();
    let mut budget = Budget::new(begun + options.time, options.longest);
    'rounds: for round in 0..options.repeats {
        budget.expect(cells.iter().flatten().count() * (options.repeats - round));
        let mut order: Vec<usize> = (0..cells.len()).collect();
        rng.shuffle(&mut order);
        // Those during which the machine moved the cores come again, once a round.
        let mut again = Vec::new();
        for is_again in [false, true] {
            for index in if is_again { std::mem::take(&mut again) } else { order.clone() } {
                let Some(cell) = &mut cells[index] else { continue };
                if stop.load(Ordering::Relaxed) || budget.is_over() {
                    break 'rounds;
                }
                let name = format!("{}, {}, {}", cell.transport.name, cell.what(), cell.wait());
                watch(&budget.progress(&name));
                match measure(cell, options.cores, &mut budget, stop) {
                    Ok(one) => {
                        if round == 0 && !is_again && cell.shape.is_stream() {
                            match calls(cell, options.cores, stop) {
                                Ok(calls) => results[index].count_calls(calls),
                                Err(fault) => left_out.push(LeftOut {
                                    what: format!("{}, {}: its system calls", cell.what(), cell.wait()),
                                    fate: Fate::Skipped,
                                    ..left(cell, &fault)
                                }),
                            }
                        }
                        let moved = floors.have_moved(one.before, one.after);
                        results[index].add(one, moved);
                        if moved && !is_again {
                            again.push(index);
                            budget.add(1);
                        }
                    }
                    Err(Fault::Interrupted) => {
                        stop.store(true, Ordering::Relaxed);
                        break 'rounds;
                    }
                    Err(fault) => {
                        left_out.push(left(cell, &fault));
                        results[index].clear();
                        cells[index] = None;
                    }
                }
            }
        }
    }
    let mut report = Report::new(Settings {
        started: Settings::utc(started),
        seconds: begun.elapsed().as_secs_f64(),
        quick: options.quick,
        interrupted: stop.load(Ordering::Relaxed),
        pins: vec![options.cores.0, options.cores.1],
        transports: options.transports.iter().map(|one| one.name.to_owned()).collect(),
        measures: options.measures.iter().map(ToString::to_string).collect(),
        sizes: options.sizes.iter().map(|size| *size as u64).collect(),
        repeats: options.repeats,
        seed,
        ..Settings::default()
    });
    for (cell, result) in cells.iter().zip(&results) {
        let Some(cell) = cell else { continue };
        if result.is_empty() {
            left_out
                .push(left(cell, &Fault::Unavailable("the run was over before it could be measured".into())));
        } else if result.has_variants() {
            let name = format!("{}, {}, {}", cell.transport.name, cell.what(), cell.wait());
            report.settings.others.insert(name, format!("{:?}", cell.contenders[0]));
        }
    }
    report.transports = options.transports.iter().map(|one| one.about()).collect();
    results::mark_elsewhere(&mut results);
    let intervals = results::intervals(&results, begun);
    report.results = results::rows(results, placement);
    report.left_out = left_out;
    Ok(Run { report, intervals })
}

/// The floors that were met so far.
#[derive(Debug, Default)]
struct Floors(Vec<f64>);

impl Floors {
    /// Whether the machine has moved the cores between the two, or has them elsewhere than usual.
    fn have_moved(&mut self, before: Floor, after: Floor) -> bool {
        const ENOUGH: usize = 20;
        self.0.extend([before.p50_ns, after.p50_ns]);
        let is_elsewhere = self.0.len() > ENOUGH && !floor::are_near(median(&self.0), after.p50_ns);
        floor::moved(before, after) || is_elsewhere
    }
}

/// A measurement, when it was, and the floors before and after it.
struct Measured {
    at: Instant,
    took: Duration,
    outcome: Outcome,
    before: Floor,
    after: Floor,
}

/// Measures once; of several variants, each, and leaves the best.
fn measure(cell: &mut Cell, cores: Cores, budget: &mut Budget, stop: &AtomicBool) -> Result<Measured, Fault> {
    // Beside a latency the floor's p99.9 is read too: it needs more.
    let rounds = if matches!(cell.shape, plan::Shape::Latency) { 10_000 } else { 2_000 };
    let mut best: Option<(Contender, Measured)> = None;
    let variants = cell.contenders.len() as u32;
    for contender in &cell.contenders {
        let measured = budget.spend(variants, cell.shape.least(), |length| -> Result<Measured, Fault> {
            let before = floor::probe(cores, rounds)?;
            let at = Instant::now();
            let outcome = contest::run_until(*contender, cell.measure(length), cores, stop)?;
            Ok(Measured { at, took: at.elapsed(), outcome, before, after: floor::probe(cores, rounds)? })
        })?;
        if best.as_ref().is_none_or(|(_, best)| measured.outcome.ns() < best.outcome.ns()) {
            best = Some((*contender, measured));
        }
    }
    budget.done();
    let (contender, measured) = best.ok_or_else(|| Fault::Failed("nobody to measure".into()))?;
    cell.contenders = vec![contender];
    Ok(measured)
}

/// The system calls a message: in a pass of its own, as it makes them slower.
fn calls(cell: &Cell, cores: Cores, stop: &AtomicBool) -> Result<f64, Fault> {
    /// So many bytes are enough, and so many messages.
    const BYTES: usize = 32 << 20;
    const MESSAGES: usize = 2_000;
    let length = Length::Messages((BYTES / cell.size).clamp(32, MESSAGES) as u64);
    contest::calls_per_message(cell.contenders[0], cell.measure(length), cores, stop)
}

fn left(cell: &Cell, fault: &Fault) -> LeftOut {
    let fate = match fault {
        Fault::Unavailable(_) => Fate::Skipped,
        _ => Fate::Failed,
    };
    let what = format!("{}, {}", cell.what(), cell.wait());
    LeftOut { transport: cell.transport.name.into(), what, fate, why: fault.to_string() }
}
