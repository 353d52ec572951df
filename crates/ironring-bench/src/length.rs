//! How long a measurement goes on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a measurement goes on. What comes first is not counted: processes start in it,
/// and pages are touched for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Length {
    /// So many messages of each producer, of which the first eighth is not counted.
    Messages(u64),
    /// So long.
    Time {
        /// What is not counted.
        warm: Duration,
        /// What is.
        measured: Duration,
    },
}

impl Length {
    /// Every so many small messages somebody looks at the clock.
    pub const EVERY: u64 = 4096;

    /// After how many messages of `size` bytes, now that there are so many, somebody looks next
    /// whether it is over.
    #[must_use]
    pub fn next_look(self, messages: u64, size: usize) -> u64 {
        let next = messages + (Self::EVERY * 16 / size as u64).clamp(1, Self::EVERY);
        match self {
            Self::Messages(count) => {
                let warm = count / 8;
                next.min(if messages < warm { warm } else { count.max(messages + 1) })
            }
            Self::Time { .. } => next,
        }
    }

    /// Whether enough messages have passed, or time, for the rest to be counted.
    #[must_use]
    pub fn is_warm(self, messages: u64, time: Duration) -> bool {
        match self {
            Self::Messages(count) => messages >= count / 8,
            Self::Time { warm, .. } => time >= warm,
        }
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(self, messages: u64, time: Duration) -> bool {
        match self {
            Self::Messages(count) => messages >= count,
            Self::Time { warm, measured } => time >= warm + measured,
        }
    }

    /// How long it is, if that is known.
    #[must_use]
    pub fn total(self) -> Duration {
        match self {
            Self::Messages(_) => Duration::ZERO,
            Self::Time { warm, measured } => warm + measured,
        }
    }

    /// After this time somebody must be stuck.
    #[must_use]
    pub fn limit(self) -> Duration {
        match self {
            Self::Messages(_) => Duration::from_secs(120),
            Self::Time { warm, measured } => warm + measured + Duration::from_secs(3),
        }
    }
}
