//! Measurements, as they become rows of a report.

use std::time::{Duration, Instant};

use ironring_testkit::floor::{Floor, Placement, are_near};

use super::{Measured, plan::Cell, plan::Shape};
use crate::{
    clock::UNIT_NS,
    contest::Deaths,
    loops::{add_counts, counts, histogram},
    measure::KILLS_EVERY,
    report::{
        self, Cost, Interval, Kill, Latency, Loaded, OpenLoop, Percentiles, Point, Rates, Repeat, Row,
        Summary, Survival, Survivors, Throughput, Window, curve,
    },
    statistics::median,
};

/// The repeats of a cell.
#[derive(Debug)]
pub(super) struct Results {
    cell: Cell,
    repeats: Vec<One>,
    /// System calls a message.
    calls: Option<f64>,
}

/// One repeat.
#[derive(Debug)]
struct One {
    at: Instant,
    took: Duration,
    floors: [f64; 2],
    floors_p999: [f64; 2],
    moved: bool,
    /// One-way times, and how often each was met.
    latencies: Vec<(u64, u64)>,
    latency: Percentiles,
    rates: Rates,
    lost: u64,
    deaths: Deaths,
}

impl Results {
    pub(super) fn new(cell: &Cell) -> Self {
        Self { cell: cell.clone(), repeats: Vec::new(), calls: None }
    }

    /// Whether the best of several variants was measured.
    pub(super) fn has_variants(&self) -> bool {
        self.cell.contenders.len() > 1
    }

    /// Whether nothing was measured, so far.
    pub(super) const fn is_empty(&self) -> bool {
        self.repeats.is_empty()
    }

    /// Takes note of the system calls a message, for all repeats.
    pub(super) const fn count_calls(&mut self, calls: f64) {
        self.calls = Some(calls);
    }

    /// There is no row of what has failed once.
    pub(super) fn clear(&mut self) {
        self.repeats.clear();
    }

    /// Adds a repeat; `moved` if the machine moved the cores during it.
    pub(super) fn add(&mut self, measured: Measured, moved: bool) {
        let Measured { at, took, outcome, before, after } = measured;
        if !self.cell.shape.is_stream() && outcome.latencies.is_empty() {
            // Too short to time a message, as when something else had the cores.
            return;
        }
        let msgs_per_s = outcome.rate * 1e9;
        let cpu_s_per_million =
            (outcome.messages > 0).then(|| outcome.cpu_ns as f64 / 1e9 / (outcome.messages as f64 / 1e6));
        let lost = outcome.sent.saturating_sub(outcome.messages);
        self.repeats.push(One {
            at,
            took,
            floors: [before, after].map(|floor: Floor| floor.p50_ns),
            floors_p999: [before, after].map(|floor: Floor| floor.p999_ns),
            moved,
            latencies: counts(&outcome.latencies),
            latency: Percentiles::of(&outcome.latencies, UNIT_NS),
            rates: Rates {
                msgs_per_s,
                bytes_per_s: msgs_per_s * self.cell.size as f64,
                cost: Cost { cpu_s_per_million, syscalls_per_million: self.calls.map(|calls| calls * 1e6) },
            },
            lost,
            deaths: outcome.deaths,
        });
    }

    fn summary<F>(&self, figures: impl Fn(&One) -> F) -> Summary<F>
    where
        F: Clone + serde::Serialize + serde::de::DeserializeOwned,
    {
        let repeats = self.repeats.iter().map(|one| Repeat {
            figures: figures(one),
            floor_before_ns: one.floors[0],
            floor_after_ns: one.floors[1],
            floor_before_p999_ns: Some(one.floors_p999[0]),
            floor_after_p999_ns: Some(one.floors_p999[1]),
            moved: one.moved,
        });
        Summary::of(repeats.collect())
    }

    /// The repeats that count.
    fn counted(&self) -> Vec<&One> {
        report::counted(&self.repeats, |one| one.moved)
    }

    /// How many messages they have timed, and those as a curve.
    fn curve(&self) -> (u64, Vec<Point>) {
        let mut all = histogram();
        for one in self.counted() {
            add_counts(&mut all, &one.latencies);
        }
        (all.len(), curve(&all, UNIT_NS))
    }

    /// What it is of, in words that no other result has.
    fn subject(&self) -> String {
        let Cell { transport, contenders, shape, size } = &self.cell;
        let mut words = vec![transport.name.to_owned(), shape.of(*size), self.cell.wait().to_owned()];
        let contender = contenders[0];
        words.extend((contender.form() == report::Form::Typed).then(|| "typed".to_owned()));
        words.extend((contender.access() == report::Access::InPlace).then(|| "in place".to_owned()));
        words.join(", ")
    }

    fn row(self, placement: report::Placement) -> Row {
        let contender = self.cell.contenders[0];
        let (measured, (floor_ns, floor_p999_ns)) = match self.cell.shape {
            Shape::Latency => {
                let summary = self.summary(|one| one.latency);
                let (floor, (samples, curve)) = (floors(&summary), self.curve());
                (report::Measured::Latency(Latency { summary, samples, curve }), floor)
            }
            Shape::Throughput { batch, producers, consumers } => {
                let summary = self.summary(|one| one.rates);
                let floor = floors(&summary);
                let [batch, producers, consumers] = [batch, producers, consumers].map(|n| n as u64);
                let row = Throughput { batch, producers, consumers, summary };
                (report::Measured::Throughput(row), floor)
            }
            Shape::OpenLoop { rate } => {
                let summary =
                    self.summary(|one| Loaded { achieved_per_s: one.rates.msgs_per_s, latency: one.latency });
                let (floor, (samples, curve)) = (floors(&summary), self.curve());
                let offered_per_s = rate as f64;
                let saturated = summary.median.achieved_per_s < 0.95 * offered_per_s;
                let row = OpenLoop { offered_per_s, summary, samples, saturated, curve };
                (report::Measured::OpenLoop(row), floor)
            }
            Shape::Survivors { victim } => {
                let summary = self.summary(survival);
                let (floor, (samples, curve)) = (floors(&summary), self.curve());
                let counted = self.counted();
                let last = counted.last().map(|one| one.deaths.clone()).unwrap_or_default();
                let row = Survivors {
                    victim,
                    every_ms: KILLS_EVERY.as_secs_f64() * 1e3,
                    summary,
                    samples,
                    lost: counted.iter().map(|one| one.lost).sum(),
                    repeated: counted.iter().map(|one| one.deaths.repeated).sum(),
                    ended: None,
                    curve,
                    timeline: timeline(&last.turns),
                    kills: last
                        .kills
                        .iter()
                        .map(|kill| Kill { at_ms: ms(kill.at_ns), recovered_ms: kill.again_ns.map(ms) })
                        .collect(),
                };
                (report::Measured::Survivors(row), floor)
            }
        };
        Row {
            transport: self.cell.transport.name.into(),
            measured,
            wait: self.cell.wait().into(),
            size: self.cell.size as u64,
            sides: contender.sides(),
            form: contender.form(),
            access: contender.access(),
            placement,
            floor_ns,
            floor_p999_ns,
        }
    }
}

/// The floors under a row: the median, and the p99.9.
fn floors<F>(summary: &Summary<F>) -> (f64, Option<f64>)
where
    F: Clone + serde::Serialize + serde::de::DeserializeOwned,
{
    (summary.floor_ns(), summary.floor_p999_ns())
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// What the survivors of a repeat met.
fn survival(one: &One) -> Survival {
    let again: Vec<f64> = one.deaths.kills.iter().filter_map(|kill| kill.again_ns.map(ms)).collect();
    let has_any = !again.is_empty();
    Survival {
        latency: one.latency,
        recovery_ms: has_any.then(|| median(&again)),
        recovery_max_ms: has_any.then(|| again.iter().copied().fold(0.0, f64::max)),
    }
}

/// Messages, each with the time at which it came and how late it was, in stretches of time.
fn timeline(turns: &[(u64, u64)]) -> Vec<Window> {
    const WIDTH_NS: u64 = 10_000_000;
    turns
        .chunk_by(|(one, _), (other, _)| one / WIDTH_NS == other / WIDTH_NS)
        .map(|window| {
            let late: Vec<f64> = window.iter().map(|(_, late)| *late as f64).collect();
            Window {
                at_ms: ms(window[0].0 / WIDTH_NS * WIDTH_NS),
                messages: window.len() as u64,
                p50_ns: median(&late),
                max_ns: late.iter().copied().fold(0.0, f64::max),
            }
        })
        .collect()
}

/// Marks each repeat with another floor than is usual in the whole run as one during which the cores
/// moved: the host ran them somewhere else, which makes it another machine.
pub(super) fn mark_elsewhere(results: &mut [Results]) {
    let floors: Vec<f64> =
        results.iter().flat_map(|result| result.repeats.iter().flat_map(|one| one.floors)).collect();
    if floors.is_empty() {
        return;
    }
    let usual = median(&floors);
    for one in results.iter_mut().flat_map(|result| &mut result.repeats) {
        one.moved |= one.floors.iter().any(|floor| !are_near(usual, *floor));
    }
}

/// The latencies of each repeat, in the order in which they were measured in a run that began then.
pub(super) fn intervals(results: &[Results], begun: Instant) -> Vec<Interval> {
    let mut all: Vec<Interval> = Vec::new();
    for result in results {
        let timed = result.repeats.iter().filter(|one| !one.latencies.is_empty());
        all.extend(timed.map(|one| Interval {
            subject: result.subject(),
            start: one.at.duration_since(begun),
            length: one.took,
            moved: one.moved,
            counts: one.latencies.clone(),
        }));
    }
    all.sort_by_key(|interval| interval.start);
    all
}

/// The rows, in the order of the cells.
pub(super) fn rows(mut results: Vec<Results>, placement: Placement) -> Vec<Row> {
    let placement = match placement {
        Placement::Siblings => report::Placement::Siblings,
        Placement::SameSocket => report::Placement::SameSocket,
        Placement::OtherSocket => report::Placement::Other,
    };
    results.retain(|one| !one.repeats.is_empty());
    results.into_iter().map(|result| result.row(placement)).collect()
}
