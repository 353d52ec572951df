//! How a blocking call passes the time until the ring changes.

use crate::{Deadline, sync};

/// A wait of one call. The first looks follow each other at once, since a message that
/// is on its way arrives within a few of them; a wait that lasts costs less and less.
pub(crate) struct Waiting {
    deadline: Deadline,
    looks: u32,
}

/// Looks without a pause between them other than the processor's own.
const SPINS: u32 = 4096;
/// Looks after which the processor is given to others for a while each time.
const YIELDS: u32 = SPINS + 1024;
/// The longest sleep between two looks.
#[cfg(not(loom))]
const NAP: std::time::Duration = std::time::Duration::from_millis(1);

impl Waiting {
    pub(crate) const fn until(deadline: Deadline) -> Self {
        Self { deadline, looks: 0 }
    }

    /// Passes some time; false if the deadline is over.
    #[inline]
    pub(crate) fn pause(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        if self.looks < SPINS {
            sync::spin_loop();
            // Reading the clock costs more than a look.
            return !self.looks.is_multiple_of(64) || !self.deadline.has_passed();
        }
        self.pause_long()
    }

    #[cold]
    fn pause_long(&self) -> bool {
        #[cfg(not(loom))]
        if self.looks > YIELDS {
            std::thread::sleep(NAP.min(self.deadline.remaining().unwrap_or(NAP)));
            return !self.deadline.has_passed();
        }
        sync::yield_now();
        !self.deadline.has_passed()
    }

    /// Whether the wait is long enough for questions that take a system call.
    pub(crate) const fn is_long(&self) -> bool {
        self.looks > YIELDS
    }
}
