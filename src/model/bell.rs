//! Nobody is told of anything in a loom model: a model's rings are few, and time does not pass.

use super::{Receives, several::Several, word::Armed};
use crate::Error;

pub(super) const fn now() -> u32 {
    0
}

/// Nothing to sleep on.
pub(super) struct Never;

pub(super) const fn until_rung(_: u32) -> Never {
    Never
}

impl<R: Receives> Several<'_, R> {
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "outside of a model it may fail")]
    pub(super) const fn watch_others(&mut self) -> Result<(), Error> {
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "outside of a model it may be told")]
    pub(super) const fn is_told_of_death(&mut self) -> bool {
        false
    }

    pub(super) const fn arm_others(&mut self, _: &mut Armed) {
        self.any.is_awake = false;
    }
}
