//! The sum of what came of all points of one operation.

use std::{fmt::Display, time::Duration};

use crate::{
    end::{BOUND, Stuck},
    point::Outcome,
};

/// Tries at one point: a system that is busy is late once, and a wake-up that is lost is late each time.
pub(crate) const TRIES: usize = 3;

/// What came of all points of one operation.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) instructions: u64,
    late: u64,
    stuck: u64,
    marks: u64,
    longest: Duration,
}

impl Tally {
    /// Counts what came of `tries` at the point that `what` tells of, until one was in time.
    pub(crate) fn count(&mut self, what: impl Display, mut tries: impl FnMut() -> Result<Outcome, Stuck>) {
        self.instructions += 1;
        for left in (0..TRIES).rev() {
            let outcome = match tries() {
                Ok(outcome) => outcome,
                Err(Stuck) => {
                    println!("{what}: stuck");
                    self.stuck += 1;
                    return;
                }
            };
            self.longest = self.longest.max(outcome.longest);
            if outcome.marks != 0 {
                println!("{what}: marks {:#b} are left", outcome.marks);
                self.marks += 1;
                return;
            }
            if outcome.longest <= BOUND {
                return;
            }
            if left == 0 {
                println!("{what}: late by {:?}, {TRIES} times", outcome.longest);
                self.late += 1;
            }
        }
    }

    /// Prints what was covered.
    ///
    /// # Panics
    ///
    /// If somebody was not served, or not in time.
    pub(crate) fn close(&self, operation: impl Display) {
        let Self { instructions, late, stuck, marks, longest } = self;
        let broken = format!("{late} late, {stuck} stuck, {marks} left a mark");
        let longest = longest.as_secs_f64() * 1e3;
        println!(
            "covered {operation}: {instructions} instructions, {broken} (the longest wait {longest:.1} ms)"
        );
        assert_eq!(late + stuck + marks, 0, "{operation}: {broken}");
    }
}
