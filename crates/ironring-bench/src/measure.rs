//! What is measured of a contender.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    length::Length,
    loops::{Pace, Stream},
    report::Victim,
};

/// What is measured of a contender: sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// One-way times of a ping-pong.
    Latency {
        /// Bytes of a message.
        size: usize,
        /// How long it goes on.
        length: Length,
    },
    /// Messages a second in a stream.
    Throughput {
        /// Bytes of a message.
        size: usize,
        /// Messages that are sent together.
        batch: usize,
        /// How many send.
        producers: usize,
        /// How many receive.
        consumers: usize,
        /// How long each sends.
        length: Length,
    },
    /// How late messages come that are due at a pace.
    OpenLoop {
        /// Bytes of a message.
        size: usize,
        /// Messages a second.
        rate: u64,
        /// How long they are due.
        length: Length,
    },
    /// The same while, one after another, further consumers are killed that hold a message.
    Survivors {
        /// Bytes of a message.
        size: usize,
        /// Messages a second.
        rate: u64,
        /// Whether those who are killed use the transport, or another one like it.
        victim: Victim,
        /// How long messages are due.
        length: Length,
    },
}

/// The time between two kills.
pub const KILLS_EVERY: Duration = Duration::from_millis(100);

impl Measure {
    /// A stream from one producer to one consumer.
    #[must_use]
    pub const fn stream(size: usize, batch: usize, length: Length) -> Self {
        Self::Throughput { size, batch, producers: 1, consumers: 1, length }
    }

    /// A stream of single messages from several producers to as many consumers.
    #[must_use]
    pub const fn crowd(size: usize, pairs: usize, length: Length) -> Self {
        Self::Throughput { size, batch: 1, producers: pairs, consumers: pairs, length }
    }

    /// Bytes of a message.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Latency { size, .. }
            | Self::Throughput { size, .. }
            | Self::OpenLoop { size, .. }
            | Self::Survivors { size, .. } => size,
        }
    }

    /// Messages that are sent together.
    #[must_use]
    pub const fn batch(self) -> usize {
        match self {
            Self::Throughput { batch, .. } => batch,
            _ => 1,
        }
    }

    /// How long it goes on.
    #[must_use]
    pub const fn length(self) -> Length {
        match self {
            Self::Latency { length, .. }
            | Self::Throughput { length, .. }
            | Self::OpenLoop { length, .. }
            | Self::Survivors { length, .. } => length,
        }
    }

    /// The same, going on for so long.
    #[must_use]
    pub const fn lasting(mut self, new: Length) -> Self {
        let (Self::Latency { length, .. }
        | Self::Throughput { length, .. }
        | Self::OpenLoop { length, .. }
        | Self::Survivors { length, .. }) = &mut self;
        *length = new;
        self
    }

    /// How many processes are killed, and whether they use the transport.
    #[must_use]
    pub fn victims(self) -> Option<(usize, Victim)> {
        match self {
            Self::Survivors { victim, length, .. } => {
                let kills = length.total().as_millis() / KILLS_EVERY.as_millis();
                // What the last one held must have time to come.
                Some((kills.saturating_sub(1) as usize, victim)).filter(|_| victim != Victim::None)
            }
            _ => None,
        }
    }

    /// The parts that its sides have, with the end of the stream, or of the way there, first.
    #[must_use]
    pub fn parts(self) -> Vec<Part> {
        match self {
            Self::Latency { size, length } => vec![Part::Pong { size }, Part::Ping { size, length }],
            Self::Throughput { size, batch, producers, consumers, length } => {
                let stream = Stream { size, batch, producers, consumers, length };
                let senders = (0..producers).map(|producer| Part::Send { stream, producer });
                senders.chain((0..consumers).map(|_| Part::Receive { stream })).collect()
            }
            Self::OpenLoop { size, rate, length } => {
                let pace = Pace { size, rate, length, shared: false };
                vec![Part::Pace { pace }, Part::Arrive { pace }]
            }
            Self::Survivors { size, rate, length, .. } => {
                let pace = Pace { size, rate, length, shared: true };
                vec![Part::Pace { pace }, Part::Arrive { pace }]
            }
        }
    }
}

/// What one side does.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Sends.
    Send {
        /// What.
        stream: Stream,
        /// As which producer.
        producer: usize,
    },
    /// Receives.
    Receive {
        /// What.
        stream: Stream,
    },
    /// Sends, and awaits the answer.
    Ping {
        /// Bytes of a message.
        size: usize,
        /// For how long.
        length: Length,
    },
    /// Sends at a pace.
    Pace {
        /// Which.
        pace: Pace,
    },
    /// Receives what comes at a pace.
    Arrive {
        /// Which.
        pace: Pace,
    },
    /// Answers.
    Pong {
        /// Bytes of a message.
        size: usize,
    },
}
