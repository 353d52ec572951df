//! What is to be measured.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    time::Duration,
};

use super::{Options, roster::Transport};
use crate::{
    contender::Contender,
    length::Length,
    measure::Measure,
    report::{Fate, LeftOut, Victim, bytes, si},
};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One-way latency, by ping-pong.
    Latency,
    /// Messages a second, as fast as they go.
    Throughput,
    /// How late messages come that are due at a pace.
    OpenLoop,
    /// The same, while processes are killed.
    Survivors,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Latency, Self::Throughput, Self::OpenLoop, Self::Survivors];
    /// Those of a short run.
    pub const QUICK: [Self; 2] = [Self::Latency, Self::Throughput];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Throughput => "throughput",
            Self::OpenLoop => "open-loop",
            Self::Survivors => "survivors",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            format!("found {name:?}, expected one of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// What is measured, but for the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A ping-pong.
    Latency,
    /// A stream.
    Throughput { batch: usize, producers: usize, consumers: usize },
    /// Messages at a pace: so many a second.
    OpenLoop { rate: u64 },
    /// The same, while such processes are killed.
    Survivors { victim: Victim },
}

impl Shape {
    const SINGLES: Self = Self::Throughput { batch: 1, producers: 1, consumers: 1 };
    const BATCHES: Self = Self::Throughput { batch: 32, producers: 1, consumers: 1 };
    const CROWDS: [Self; 4] = [Self::crowd(2, 2), Self::crowd(4, 4), Self::crowd(4, 1), Self::crowd(1, 4)];

    /// Up to more than any transport takes.
    const LOADS: [u64; 7] = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];
    /// The pace of survivors.
    const PACE: u64 = 20_000;
    const VICTIMS: [Victim; 3] = [Victim::None, Victim::Unrelated, Victim::Peer];

    /// What there is to measure of a kind.
    fn all(kind: Kind) -> Vec<Self> {
        match kind {
            Kind::Latency => vec![Self::Latency],
            Kind::Throughput => [&[Self::SINGLES, Self::BATCHES], &Self::CROWDS[..]].concat(),
            Kind::OpenLoop => Self::LOADS.map(|rate| Self::OpenLoop { rate }).to_vec(),
            Kind::Survivors => Self::VICTIMS.map(|victim| Self::Survivors { victim }).to_vec(),
        }
    }

    const fn crowd(producers: usize, consumers: usize) -> Self {
        Self::Throughput { batch: 1, producers, consumers }
    }

    /// Messages that are sent together.
    pub(super) const fn batch(self) -> usize {
        match self {
            Self::Throughput { batch, .. } => batch,
            _ => 1,
        }
    }

    /// Whether messages go as fast as they can.
    pub(super) const fn is_stream(self) -> bool {
        matches!(self, Self::Throughput { .. })
    }

    /// Whether there are two sides.
    pub(super) const fn is_pair(self) -> bool {
        match self {
            Self::Latency | Self::OpenLoop { .. } => true,
            Self::Throughput { producers, consumers, .. } => producers == 1 && consumers == 1,
            Self::Survivors { .. } => false,
        }
    }

    /// What is measured, in words.
    pub(super) fn of(self, size: usize) -> String {
        let size = bytes(size as u64);
        match self {
            Self::Latency => format!("latency, {size}"),
            Self::SINGLES => format!("throughput, {size}"),
            Self::Throughput { batch, producers: 1, consumers: 1 } => format!("throughput, {size} x{batch}"),
            Self::Throughput { producers, consumers, .. } => {
                format!("throughput, {size} {producers}P{consumers}C")
            }
            Self::OpenLoop { rate } => format!("open-loop, {size} at {}", si(rate as f64, "/s")),
            Self::Survivors { victim } => format!("survivors, {size}, {}", victim.name()),
        }
    }

    /// The shortest time in which it can be measured.
    pub(super) const fn least(self) -> Duration {
        match self {
            // Some kills.
            Self::Survivors { .. } => Duration::from_millis(1_050),
            Self::OpenLoop { .. } => Duration::from_millis(30),
            _ => Duration::from_millis(8),
        }
    }

    /// The sizes at which it is measured, unless told: fewer of another crate.
    const fn sizes(self, quick: bool, peer: bool) -> &'static [usize] {
        match self {
            Self::Latency if peer => &[48],
            Self::SINGLES if peer => &[8, 64, 1024],
            Self::Throughput { .. } if peer => &[64],
            Self::Latency if quick => &[8, 64],
            Self::Latency => &[8, 48, 64, 1024, 64 << 10],
            Self::SINGLES if quick => &[64, 64 << 10],
            Self::SINGLES => &[8, 64, 256, 1024, 4096, 64 << 10, 1 << 20],
            Self::BATCHES if quick => &[64],
            Self::BATCHES => &[8, 64, 1024],
            Self::Throughput { .. } if quick => &[],
            Self::Throughput { .. } => &[8, 64],
            Self::OpenLoop { .. } | Self::Survivors { .. } => &[64],
        }
    }
}

/// One line of a report: a transport, used in one way, and what is measured of it.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) transport: Transport,
    /// Variants of the one way, of which the best in the first repeat counts.
    pub(super) contenders: Vec<Contender>,
    pub(super) shape: Shape,
    pub(super) size: usize,
}

impl Cell {
    pub(super) fn measure(&self, length: Length) -> Measure {
        let size = self.size;
        match self.shape {
            Shape::Latency => Measure::Latency { size, length },
            Shape::Throughput { batch, producers, consumers } => {
                Measure::Throughput { size, batch, producers, consumers, length }
            }
            Shape::OpenLoop { rate } => Measure::OpenLoop { size, rate, length },
            Shape::Survivors { victim } => Measure::Survivors { size, rate: Shape::PACE, victim, length },
        }
    }

    /// How its sides wait.
    pub(super) fn wait(&self) -> &'static str {
        self.contenders[0].wait_name()
    }

    /// What is measured of it, in words.
    pub(super) fn what(&self) -> String {
        self.shape.of(self.size)
    }
}

/// All that is to be measured, in the order of the report, and what will not be.
pub(super) fn cells(options: &Options) -> (Vec<Cell>, Vec<LeftOut>) {
    let shapes: Vec<Shape> = options.measures.iter().flat_map(|kind| Shape::all(*kind)).collect();
    let mut cells = Vec::new();
    let mut left_out = BTreeMap::<(&str, &str), Vec<String>>::new();
    for shape in shapes {
        let sizes = |peer| {
            let standard = shape.sizes(options.quick, peer);
            if standard.is_empty() || options.sizes.is_empty() { standard } else { &options.sizes }
        };
        let all: BTreeSet<usize> = [sizes(false), sizes(true)].concat().into_iter().collect();
        for size in all {
            for transport in options.transports.iter().copied() {
                if !sizes(transport.is_peer()).contains(&size) {
                    continue;
                }
                match transport.ways(shape, size, options.quick) {
                    Ok(ways) => cells.extend(ways.into_iter().map(|contenders| Cell {
                        transport,
                        contenders,
                        shape,
                        size,
                    })),
                    Err(why) => left_out.entry((transport.name, why)).or_default().push(shape.of(size)),
                }
            }
        }
    }
    let left_out = left_out.into_iter().map(|((transport, why), what)| LeftOut {
        transport: transport.into(),
        what: what.join("; "),
        fate: Fate::Skipped,
        why: why.into(),
    });
    (cells, left_out.collect())
}
