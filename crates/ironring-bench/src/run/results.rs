//! Measurements, as they become rows of a report.

use ironring_testkit::floor::{Floor, Placement};

use super::{Measured, plan::Cell, plan::Shape};
use crate::{
    clock::UNIT_NS,
    loops::histogram,
    report::{self, Cost, Latency, Percentiles, Rates, Repeat, Row, Summary, Throughput, curve},
    statistics::median,
};

/// The repeats of a cell.
#[derive(Debug)]
pub(super) struct Results {
    cell: Cell,
    repeats: Vec<One>,
}

/// One repeat.
#[derive(Debug)]
struct One {
    floors: [f64; 2],
    moved: bool,
    /// One-way times, and how often each was met.
    latencies: Vec<(u64, u64)>,
    latency: Percentiles,
    rates: Rates,
}

impl Results {
    pub(super) fn new(cell: &Cell) -> Self {
        Self { cell: cell.clone(), repeats: Vec::new() }
    }

    /// Whether the best of several variants was measured.
    pub(super) fn has_variants(&self) -> bool {
        self.cell.contenders.len() > 1
    }

    /// There is no row of what has failed once.
    pub(super) fn clear(&mut self) {
        self.repeats.clear();
    }

    /// Adds a repeat; `moved` if the machine moved the cores during it.
    pub(super) fn add(&mut self, measured: Measured, moved: bool) {
        let Measured { outcome, before, after } = measured;
        let msgs_per_s = outcome.rate * 1e9;
        let cpu_s_per_million =
            (outcome.messages > 0).then(|| outcome.cpu_ns as f64 / 1e9 / (outcome.messages as f64 / 1e6));
        self.repeats.push(One {
            floors: [before, after].map(|floor: Floor| floor.p50_ns),
            moved,
            latencies: outcome
                .latencies
                .iter_recorded()
                .map(|count| (count.value_iterated_to(), count.count_at_value()))
                .collect(),
            latency: Percentiles::of(&outcome.latencies, UNIT_NS),
            rates: Rates {
                msgs_per_s,
                bytes_per_s: msgs_per_s * self.cell.size as f64,
                cost: Cost { cpu_s_per_million, syscalls_per_million: None },
            },
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
            moved: one.moved,
        });
        Summary::of(repeats.collect())
    }

    fn row(self, placement: report::Placement) -> Row {
        let contender = self.cell.contenders[0];
        let (measured, floor_ns) = match self.cell.shape {
            Shape::Latency => {
                let summary = self.summary(|one| one.latency);
                let all_moved = self.repeats.iter().all(|one| one.moved);
                let mut all = histogram();
                for one in self.repeats.iter().filter(|one| all_moved || !one.moved) {
                    for (value, count) in &one.latencies {
                        all.saturating_record_n(*value, *count);
                    }
                }
                let (floor, samples, curve) = (summary.floor_ns(), all.len(), curve(&all, UNIT_NS));
                (report::Measured::Latency(Latency { summary, samples, curve }), floor)
            }
            Shape::Throughput { batch, producers, consumers } => {
                let summary = self.summary(|one| one.rates);
                let floor = summary.floor_ns();
                let [batch, producers, consumers] = [batch, producers, consumers].map(|n| n as u64);
                let row = Throughput { batch, producers, consumers, summary };
                (report::Measured::Throughput(row), floor)
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
        }
    }
}

/// Whether a floor is half as large again as the usual one, or two thirds of it: the host runs
/// the cores somewhere else, which makes it another machine.
pub(super) fn is_elsewhere(usual: f64, floor: f64) -> bool {
    !(usual / 1.5..=usual * 1.5).contains(&floor)
}

/// The rows, in the order of the cells. A repeat with another floor than is usual in the whole run
/// is marked as one during which the cores moved.
pub(super) fn rows(mut results: Vec<Results>, placement: Placement) -> Vec<Row> {
    let placement = match placement {
        Placement::Siblings => report::Placement::Siblings,
        Placement::SameSocket => report::Placement::SameSocket,
        Placement::OtherSocket => report::Placement::Other,
    };
    results.retain(|one| !one.repeats.is_empty());
    let floors: Vec<f64> =
        results.iter().flat_map(|result| result.repeats.iter().flat_map(|one| one.floors)).collect();
    if floors.is_empty() {
        return Vec::new();
    }
    let usual = median(&floors);
    for one in results.iter_mut().flat_map(|result| &mut result.repeats) {
        one.moved |= one.floors.iter().any(|floor| is_elsewhere(usual, *floor));
    }
    results.into_iter().map(|result| result.row(placement)).collect()
}
