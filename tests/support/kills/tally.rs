//! The sum of what came of all cases of one operation.

use std::fmt::{Debug, Display};

use super::violation::{Kind, Violation};

/// Violations that are printed in full, of one operation.
const PRINTED: u64 = 10;

/// What came of all cases of one operation.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cases: usize,
    pub(crate) instructions: u64,
    wedged: u64,
    lost: u64,
    duplicated: u64,
}

impl Tally {
    /// Counts a violation; `what` says where.
    pub(crate) fn count(&mut self, what: impl Display, violation: &Violation) {
        *match violation.kind {
            Kind::Wedged => &mut self.wedged,
            Kind::Lost => &mut self.lost,
            Kind::Duplicated => &mut self.duplicated,
        } += 1;
        if self.broken() <= PRINTED {
            println!("{what}: {violation}");
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.broken() == 0
    }

    fn broken(&self) -> u64 {
        self.wedged + self.lost + self.duplicated
    }

    /// Prints what was covered.
    ///
    /// # Panics
    ///
    /// If something was violated.
    pub(crate) fn close(&self, operation: impl Display) {
        let Self { cases, instructions, wedged, lost, duplicated } = self;
        let broken = format!("{wedged} wedged, {lost} lost, {duplicated} duplicated");
        println!("covered {operation}: {instructions} instructions, {broken} ({cases} cases)");
        assert!(self.is_sound(), "{operation}: {broken}");
    }
}

/// The operation takes effect step by step, each at one instruction, and all of it when
/// it has returned. `is_complete` says that each point was tried at which a step may be.
pub(crate) fn assert_progress<T: Ord + Debug>(
    possible: &[T],
    mut found: Vec<T>,
    is_complete: bool,
    case: &impl Debug,
) {
    assert!(found.is_sorted(), "{case:?}: undone again: {found:?}");
    found.dedup();
    if is_complete {
        assert_eq!(found, possible, "{case:?}");
    }
    assert_eq!((found.first(), found.last()), (possible.first(), possible.last()), "{case:?}");
}
