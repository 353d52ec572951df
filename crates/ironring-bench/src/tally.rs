//! What the sides of a measurement tell each other and who has started them, beside the
//! transport: that they are ready, that they have finished, and how far they are.

use std::{io, sync::atomic::Ordering, thread, time::Duration};

use ironring_testkit::Ledger;

/// How many sides are ready.
const READY: usize = 0;
/// How many producers have sent all they send.
const FINISHED: usize = 1;
/// When the first message was due.
const BEGUN: usize = 2;
/// System calls of all sides, where they are counted.
const CALLS: usize = 3;
/// Words from a line to the next, in which each side says how far it is.
const LINE: usize = 16;

/// The view that one side has.
#[derive(Debug)]
pub struct Tally<'a> {
    ledger: &'a Ledger,
    side: usize,
}

impl<'a> Tally<'a> {
    /// A ledger for so many sides.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn ledger(sides: usize) -> io::Result<Ledger> {
        Ledger::new((sides + 1) * LINE)
    }

    /// The view of this side.
    #[must_use]
    pub const fn new(ledger: &'a Ledger, side: usize) -> Self {
        Self { ledger, side }
    }

    /// Says that this side is ready, and awaits the others.
    pub fn start(&self, sides: usize) {
        self.ledger.add(READY, 1);
        while self.ledger.get(READY) < sides as u64 {
            thread::sleep(Duration::from_micros(20));
        }
    }

    /// Says that this producer has finished, and whether it is the last.
    #[must_use]
    pub fn is_last_to_finish(&self, producers: usize) -> bool {
        self.ledger.add(FINISHED, 1) + 1 == producers as u64
    }

    /// Says when the first message is due.
    pub fn begin(&self, ns: u64) {
        self.ledger.set(BEGUN, ns);
    }

    /// When the first message was due: after it was received.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.ledger.get(BEGUN)
    }

    /// Says how many messages have come.
    #[inline]
    pub fn progress(&self, messages: u64) {
        // Relaxed: read when this side is dead, or does not matter.
        self.ledger.word((self.side + 1) * LINE).store(messages, Ordering::Relaxed);
    }

    /// Says how many system calls a process has made.
    pub fn count_calls(ledger: &Ledger, calls: u64) {
        ledger.add(CALLS, calls);
    }

    /// How many system calls the processes have made that were counted.
    #[must_use]
    pub fn calls(ledger: &Ledger) -> u64 {
        ledger.get(CALLS)
    }

    /// How many messages had come to all sides, at their last look.
    #[must_use]
    pub fn received(ledger: &Ledger) -> u64 {
        (1..ledger.len() / LINE).map(|side| ledger.word(side * LINE).load(Ordering::Relaxed)).sum()
    }
}
