//! The time of a run, spread over what is to be measured in it.

use std::time::{Duration, Instant};

use super::Progress;
use crate::length::Length;

/// What is left of a run.
#[derive(Debug)]
pub(super) struct Budget {
    end: Instant,
    longest: Duration,
    done: usize,
    left: usize,
    /// What a measurement takes beside its length, of late: processes start, and end.
    beside: Duration,
}

impl Budget {
    /// Until `end`, with no measurement longer than `longest` unless it has to be.
    pub(super) const fn new(end: Instant, longest: Duration) -> Self {
        Self { end, longest, done: 0, left: 0, beside: Duration::from_millis(60) }
    }

    /// So many measurements are left.
    pub(super) const fn expect(&mut self, measurements: usize) {
        self.left = measurements;
    }

    fn time(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Whether there is no time for another measurement.
    pub(super) fn is_over(&self) -> bool {
        self.time() <= self.beside
    }

    pub(super) fn progress<'a>(&self, now: &'a str) -> Progress<'a> {
        Progress { done: self.done, all: self.done + self.left, now, left: self.time() }
    }

    /// So many measurements more.
    pub(super) const fn add(&mut self, measurements: usize) {
        self.left += measurements;
    }

    /// One less.
    pub(super) const fn done(&mut self) {
        self.done += 1;
        self.left = self.left.saturating_sub(1);
    }

    /// Runs a measurement, one of so many that share the time of one, for as long as suits, and at
    /// least for so long.
    pub(super) fn spend<T>(
        &mut self,
        shared_by: u32,
        least: Duration,
        measure: impl FnOnce(Length) -> T,
    ) -> T {
        let share = self.time() / self.left.max(1) as u32;
        let time = share.saturating_sub(self.beside * shared_by) / shared_by;
        let time = time.min(self.longest).max(least);
        let begun = Instant::now();
        let result = measure(Length::Time { warm: time / 5, measured: time - time / 5 });
        let beside = begun.elapsed().saturating_sub(time);
        self.beside = (self.beside * 7 + beside.min(Duration::from_secs(1))) / 8;
        result
    }
}
