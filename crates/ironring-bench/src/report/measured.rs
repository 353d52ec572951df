//! What is measured, and what came out.

use serde::{Deserialize, Serialize};

use super::{Percentiles, Point, Summary, summary::OverRepeats};

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "measure", rename_all = "kebab-case")]
pub enum Measured {
    /// One-way latency, by ping-pong.
    Latency(Latency),
    /// Messages a second, as fast as they go.
    Throughput(Throughput),
    /// Latency from the time at which each message was due, at one load.
    OpenLoop(OpenLoop),
    /// Latency while processes are killed.
    Survivors(Survivors),
}

/// One-way latency: half of each round trip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Percentiles over the repeats.
    #[serde(flatten)]
    pub summary: Summary<Percentiles>,
    /// Round trips, in all repeats that count.
    pub samples: u64,
    /// The same messages as a curve: `super::curve`.
    #[serde(default)]
    pub curve: Vec<Point>,
}

/// Messages a second, as fast as they go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Messages that are sent together.
    pub batch: u64,
    /// How many send.
    pub producers: u64,
    /// How many receive.
    pub consumers: u64,
    /// Rates over the repeats.
    #[serde(flatten)]
    pub summary: Summary<Rates>,
}

/// How fast, and what it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Messages a second.
    pub msgs_per_s: f64,
    /// Their bytes a second.
    pub bytes_per_s: f64,
    /// What they take of processors and kernel.
    #[serde(flatten)]
    pub cost: Cost,
}

/// What a million messages take, of both sides; absent where it was not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds of processor time, in the program and in the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_s_per_million: Option<f64>,
    /// System calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syscalls_per_million: Option<f64>,
}

/// Latency from the time at which each message was due, whether or not it could be sent then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenLoop {
    /// Messages a second that were due.
    pub offered_per_s: f64,
    /// Percentiles over the repeats.
    #[serde(flatten)]
    pub summary: Summary<Loaded>,
    /// Messages, in all repeats that count.
    pub samples: u64,
    /// Whether fewer messages came than were due: the latency is then one of the run's length.
    pub saturated: bool,
    /// The same messages as a curve: `super::curve`.
    #[serde(default)]
    pub curve: Vec<Point>,
}

/// Latency under a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// Messages a second that came.
    pub achieved_per_s: f64,
    /// How late they came.
    #[serde(flatten)]
    pub latency: Percentiles,
}

/// Latency between those who live, while processes are killed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survivors {
    /// Who is killed.
    pub victim: Victim,
    /// How often, in milliseconds.
    pub every_ms: f64,
    /// Percentiles over the repeats.
    #[serde(flatten)]
    pub summary: Summary<Survival>,
    /// Messages between survivors, in all repeats that count.
    pub samples: u64,
    /// Messages that were lost, in all repeats that count.
    #[serde(default)]
    pub lost: u64,
    /// Messages that came more than once.
    #[serde(default)]
    pub repeated: u64,
    /// How the transport ended, where a kill ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The same messages as a curve: `super::curve`.
    #[serde(default)]
    pub curve: Vec<Point>,
    /// One repeat in time.
    #[serde(default)]
    pub timeline: Vec<Window>,
    /// The kills of that repeat.
    #[serde(default)]
    pub kills: Vec<Kill>,
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Victim {
    /// Nobody.
    None,
    /// A process that has nothing to do with the transport.
    Unrelated,
    /// A process that uses the transport.
    Peer,
}

/// Latency between survivors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Survival {
    /// Of messages between survivors.
    #[serde(flatten)]
    pub latency: Percentiles,
    /// From a kill to the next delivery of what the victim held, in milliseconds: the median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_ms: Option<f64>,
    /// The longest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_max_ms: Option<f64>,
}

/// The messages of one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// When it began, in milliseconds since the first message.
    pub at_ms: f64,
    /// Messages that came in it.
    pub messages: u64,
    /// Half of them took at most so long, in nanoseconds.
    pub p50_ns: f64,
    /// All of them.
    pub max_ns: f64,
}

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kill {
    /// When, in milliseconds since the first message.
    pub at_ms: f64,
    /// How long until what the victim held was delivered again, in milliseconds; absent if it
    /// held nothing, or it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_ms: Option<f64>,
}

impl Victim {
    /// Who that is, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "nobody killed",
            Self::Unrelated => "unrelated process killed",
            Self::Peer => "peer killed",
        }
    }
}

impl Measured {
    /// The measure's name in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Throughput(_) => "throughput",
            Self::OpenLoop(_) => "open-loop",
            Self::Survivors(_) => "survivors",
        }
    }

    /// The values of the figure `name` in the repeats that count; none if it has no such figure.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<f64> {
        self.over_repeats().values(name)
    }

    /// Of each repeat whose floors before and after agree, also those that do not count, the floor in
    /// nanoseconds and the value of the figure `name`.
    #[must_use]
    pub fn steady(&self, name: &str) -> Vec<(f64, f64)> {
        self.over_repeats().steady(name)
    }

    /// How many repeats were kept.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.over_repeats().repeats()
    }

    /// During how many of them the machine moved the cores; if it did not during all, the others count.
    #[must_use]
    pub fn moved(&self) -> usize {
        self.over_repeats().moved()
    }

    fn over_repeats(&self) -> &dyn OverRepeats {
        match self {
            Self::Latency(latency) => &latency.summary,
            Self::Throughput(throughput) => &throughput.summary,
            Self::OpenLoop(open) => &open.summary,
            Self::Survivors(survivors) => &survivors.summary,
        }
    }
}
