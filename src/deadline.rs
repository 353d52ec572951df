//! Until when a call may wait.

use std::time::{Duration, Instant};

/// Until when a blocking call may wait; every such call takes one.
///
/// ```
/// use std::time::Duration;
/// use ironring::Deadline;
///
/// let soon = Deadline::after(Duration::from_millis(5));
/// assert!(!soon.has_passed());
/// assert!(!Deadline::NEVER.has_passed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Wait for as long as it takes.
    pub const NEVER: Self = Self(None);

    /// This long from now; a time too far off to be told is [`Deadline::NEVER`].
    pub fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    /// At this instant.
    pub fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// How long it is until then; `None` for ever.
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether it is over. Reads the clock, unless the deadline is never.
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }
}

impl From<Duration> for Deadline {
    fn from(time: Duration) -> Self {
        Self::after(time)
    }
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Self {
        Self::at(instant)
    }
}
