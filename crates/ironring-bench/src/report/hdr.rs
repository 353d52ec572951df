//! Latencies as a log of HdrHistograms, for whatever reads those.

use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::{
    V2DeflateSerializer,
    interval_log::{IntervalLogWriterBuilder, Tag},
};

use crate::{
    clock::UNITS,
    loops::{add_counts, histogram},
};

/// The latencies of one repeat of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// What was measured, in words.
    pub subject: String,
    /// When, from the beginning of the run on.
    pub start: Duration,
    /// For how long.
    pub length: Duration,
    /// Whether the machine moved the cores meanwhile: such a repeat does not count.
    pub moved: bool,
    /// Latencies, in [`UNITS`] of a nanosecond, and how often each was met.
    pub counts: Vec<(u64, u64)>,
}

impl Interval {
    /// The tag in the log: what was measured, without blanks and commas, which a tag cannot have.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let subject = "pipe, latency, 8 B, block".into();
    /// let (start, length) = (Duration::ZERO, Duration::from_secs(1));
    /// let interval = ironring_bench::report::Interval { subject, start, length, moved: true, counts: vec![] };
    /// assert_eq!(interval.tag(), "moved:pipe:latency:8_B:block");
    /// ```
    #[must_use]
    pub fn tag(&self) -> String {
        let moved = if self.moved { "moved:" } else { "" };
        format!("{moved}{}", self.subject.replace(", ", ":").replace([' ', ','], "_"))
    }
}

/// The log: an interval for each repeat, in version 2 of the format, compressed.
///
/// # Panics
///
/// Never: the log is written to memory, and the histograms are within their bounds.
#[must_use]
pub fn hdr_log(started: SystemTime, intervals: &[Interval]) -> Vec<u8> {
    let (mut log, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("latencies of `ironring bench`, in tenths of a nanosecond; a tag says of what")
        .with_start_time(started)
        .with_base_time(started)
        .with_max_value_divisor(UNITS)
        .begin_log_with(&mut log, &mut serializer)
        .expect("memory to write to");
    for interval in intervals {
        let mut latencies = histogram();
        add_counts(&mut latencies, &interval.counts);
        let tag = interval.tag();
        writer
            .write_histogram(&latencies, interval.start, interval.length, Tag::new(&tag))
            .expect("memory to write to");
    }
    log
}
