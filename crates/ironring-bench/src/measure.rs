//! What is measured of a contender.

use serde::{Deserialize, Serialize};

use crate::{length::Length, loops::Stream};

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
}

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
            Self::Latency { size, .. } | Self::Throughput { size, .. } => size,
        }
    }

    /// Messages that are sent together.
    #[must_use]
    pub const fn batch(self) -> usize {
        match self {
            Self::Throughput { batch, .. } => batch,
            Self::Latency { .. } => 1,
        }
    }

    /// How long it goes on.
    #[must_use]
    pub const fn length(self) -> Length {
        match self {
            Self::Latency { length, .. } | Self::Throughput { length, .. } => length,
        }
    }

    /// The same, going on for so long.
    #[must_use]
    pub const fn lasting(mut self, new: Length) -> Self {
        let (Self::Latency { length, .. } | Self::Throughput { length, .. }) = &mut self;
        *length = new;
        self
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
    /// Answers.
    Pong {
        /// Bytes of a message.
        size: usize,
    },
}
