//! Processes that are killed while others measure.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use ironring_testkit::{Child, Ledger, Role};

use super::Job;
use crate::{clock::kernel_ns, measure::KILLS_EVERY, report::Victim};

/// The role of a victim.
pub(super) const ROLE: &str = "bench-victim";
/// The name of the descriptor by which it learns that it is its turn.
pub(super) const TURN: &str = "turn";

/// Awaits the turn of this process.
pub(super) fn await_turn(turn: OwnedFd) {
    File::from(turn).read_exact(&mut [0]).expect("a turn");
}

/// Processes that take their turns, and are killed at the end of each. They are all there from
/// the beginning on, so that nobody is disturbed by their start.
pub(super) struct Victims {
    /// Each with what tells it that it is its turn.
    waiting: Vec<(Child, io::PipeWriter)>,
    /// One more than the number of the message that each holds.
    held: Ledger,
}

/// A kill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    /// When, on the clock of the kernel.
    pub(super) at_ns: u64,
    /// The message that the process held.
    pub(super) held: Option<u64>,
}

impl Victims {
    /// Starts those that the job asks for; `pass` gives each what it is to use.
    pub(super) fn start(job: Job, pass: impl Fn(Role, Victim) -> Role) -> io::Result<Self> {
        let (count, victim) = job.measure.victims().unwrap_or((0, Victim::None));
        let held = Ledger::new(count.max(1))?;
        let mut waiting = Vec::new();
        for number in 0..count {
            let (wait, turn) = io::pipe()?;
            let role = job.role(ROLE, &held)?.pass_fd(TURN, &wait).arg(number);
            waiting.push((pass(role, victim).spawn()?, turn));
        }
        Ok(Self { waiting, held })
    }

    /// Lets one after another have its turn, and kills it, until `stop`.
    pub(super) fn kill(self, stop: &AtomicBool) -> io::Result<Vec<Kill>> {
        let mut kills = Vec::new();
        for (number, (mut victim, mut turn)) in self.waiting.into_iter().enumerate() {
            // What the last one held goes to a survivor, not to this one, which would keep it.
            let pause = KILLS_EVERY * 2 / 5;
            thread::sleep(pause);
            turn.write_all(&[0])?;
            thread::sleep(KILLS_EVERY - pause);
            let at_ns = kernel_ns(libc::CLOCK_MONOTONIC);
            victim.kill();
            kills.push(Kill { at_ns, held: self.held.get(number).checked_sub(1) });
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(kills)
    }
}
