//! What a side does while a queue is empty or full.

use std::{hint::spin_loop, io};

use serde::{Deserialize, Serialize};

/// What a side of another crate's queue does while that is empty or full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Idle {
    /// It looks again after so many pauses.
    Pauses(u32),
    /// It waits as the crate does.
    Waits,
}

impl Idle {
    /// Whether it waits as the crate does.
    #[must_use]
    pub fn waits(self) -> bool {
        self == Self::Waits
    }

    /// Between two looks.
    #[inline]
    pub fn pause(self) {
        if let Self::Pauses(pauses) = self {
            (0..pauses).for_each(|_| spin_loop());
        }
    }

    /// Calls `attempt` until it has a result.
    ///
    /// # Errors
    ///
    /// Those of `attempt`.
    #[inline]
    pub fn until<T>(self, mut attempt: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
        loop {
            if let Some(done) = attempt()? {
                return Ok(done);
            }
            self.pause();
        }
    }
}
