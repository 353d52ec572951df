//! One row of the results: one measure of one transport.

use serde::{Deserialize, Serialize};

use super::{Measured, bytes, si};

/// One measurement, over all its repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Who carried the messages, such as `ironring-spsc` or `pipe`.
    pub transport: String,
    /// What was measured, and what came out.
    #[serde(flatten)]
    pub measured: Measured,
    /// How the sides wait, such as `spin`, `park` or `block`.
    pub wait: String,
    /// Bytes of a message.
    pub size: u64,
    /// What the sides are.
    #[serde(default)]
    pub sides: Sides,
    /// What the messages are.
    #[serde(default)]
    pub form: Form,
    /// How they get in and out.
    #[serde(default)]
    pub access: Access,
    /// Where the sides ran.
    pub placement: Placement,
    /// One-way nanoseconds of one cache line there: [`Summary::floor_ns`](super::Summary::floor_ns).
    pub floor_ns: f64,
    /// The same of all but one in a thousand: [`Summary::floor_p999_ns`](super::Summary::floor_p999_ns).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_p999_ns: Option<f64>,
}

/// What the sides of a transport are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// Processes.
    #[default]
    Processes,
    /// Threads of one process.
    Threads,
}

/// What the messages are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Bytes of any length.
    #[default]
    Bytes,
    /// Values of one size.
    Typed,
}

/// How a message gets into the transport, and out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It is copied in from a buffer, and out into one.
    #[default]
    Copied,
    /// It is made and read where it lies, every line of it touched on both sides.
    InPlace,
}

/// Where the two sides ran, as the floor probe and the kernel tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// On two threads of one core.
    Siblings,
    /// On two cores of one socket.
    SameSocket,
    /// Farther from each other than that, or nobody knows.
    Other,
}

impl Row {
    /// What the row is of, in words that no other row of the same placement has: the measure, the
    /// transport, the size, and what is not as in most rows.
    #[must_use]
    pub fn subject(&self) -> String {
        let mut words = vec![self.measured.name().to_owned(), self.transport.clone(), bytes(self.size)];
        match &self.measured {
            Measured::Latency(_) => {}
            Measured::Throughput(throughput) => {
                if throughput.batch > 1 {
                    words.push(format!("x{}", throughput.batch));
                }
                if (throughput.producers, throughput.consumers) != (1, 1) {
                    words.push(format!("{}P{}C", throughput.producers, throughput.consumers));
                }
            }
            Measured::OpenLoop(open) => words.push(format!("at {}", si(open.offered_per_s, "/s"))),
            Measured::Survivors(survivors) => words.push(survivors.victim.name().to_owned()),
        }
        words.push(self.variant());
        words.join(" ")
    }

    /// How the transport was used: the wait, and what is not as in most rows.
    #[must_use]
    pub fn variant(&self) -> String {
        let mut words = vec![self.wait.as_str()];
        words.extend((self.form == Form::Typed).then_some("typed"));
        words.extend((self.access == Access::InPlace).then_some("in place"));
        words.extend((self.sides == Sides::Threads).then_some("threads"));
        words.join(" ")
    }
}

impl Placement {
    /// The placement's name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Siblings => "siblings",
            Self::SameSocket => "same-socket",
            Self::Other => "other",
        }
    }

    /// Where that is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Siblings => "sibling threads",
            Self::SameSocket => "same socket",
            Self::Other => "cores apart",
        }
    }
}
