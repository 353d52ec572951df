//! The loops that every contender runs through.

mod pace;
mod ping;
mod stream;

use hdrhistogram::Histogram;

pub use self::{
    pace::{Arrivals, Pace, arrive, hold, pace},
    ping::{ping, pong},
    stream::{Received, Stream, receive, send},
};
use crate::{
    clock::UNITS,
    fault::Fault,
    stamp::{self, END},
};

/// Messages for a sender or a receiver to work on.
fn buffer(len: usize) -> Vec<u64> {
    assert!(len >= 8 && len.is_multiple_of(8), "{len} bytes are no whole number of words");
    vec![0; len / 8]
}

/// Which message of each producer is due.
struct Order {
    next: Vec<u64>,
    /// Whether all messages come here.
    all: bool,
}

impl Order {
    /// Checks a message; says whether it is the end.
    fn is_end(&mut self, message: &[u8]) -> Result<bool, Fault> {
        let number = stamp::number(message);
        if number == END {
            return stamp::check(message, END).map(|()| true);
        }
        let (producer, turn) = stamp::parts(number);
        let Some(due) = self.next.get_mut(producer) else {
            return stamp::check(message, stamp::of(0, self.next[0])).map(|()| false);
        };
        if turn < *due || (self.all && turn != *due) {
            stamp::check(message, stamp::of(producer, *due))?;
        }
        stamp::check(message, number)?;
        *due = turn + 1;
        Ok(false)
    }
}

/// A histogram of latencies up to ten seconds, in [`UNITS`] of a nanosecond.
///
/// # Panics
///
/// Never: the bounds are in order.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000 * UNITS as u64, 3).expect("bounds in order")
}

/// The values of a histogram, and how often each was met: smaller than the histogram.
pub(crate) fn counts(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram.iter_recorded().map(|count| (count.value_iterated_to(), count.count_at_value())).collect()
}

/// Adds the values of another histogram, given as its [`counts`].
pub(crate) fn add_counts(histogram: &mut Histogram<u64>, counts: &[(u64, u64)]) {
    for (value, count) in counts {
        histogram.saturating_record_n(*value, *count);
    }
}
