//! A victim under ptrace, which runs as many instructions as it is told to.

use std::io;
use std::marker::PhantomData;

use libc::c_int;

use crate::cores::Stay;
use crate::sys::{self, Change, TraceRequest};
use crate::{Child, Exit, mark};

/// Where a victim is after some steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the victim may have ended its operation or died"]
pub enum Step {
    /// Between its marks, with as many instructions done as were asked for.
    Inside {
        /// How many instructions these steps took.
        taken: u64,
    },
    /// At its [`mark::end`].
    Ended {
        /// How many instructions these steps took, the last
        /// [`END_INSTRUCTIONS`](mark::END_INSTRUCTIONS) of them the mark's own.
        taken: u64,
    },
    /// It ended or was killed.
    Died(Exit),
}

/// A child process that stands still unless it is told to go on, started by
/// [`Role::spawn_traced`](crate::Role::spawn_traced). Dropping it kills and reaps it.
///
/// ```text
///   spawn_traced           step: Ended, run_to_end
///  -------------> inside -------------------------> at the end
///                   ^                                   |
///                   +-----------------------------------+
///                              run_to_begin
/// ```
///
/// A system call is one step, and so is each turn of a `rep` instruction. A signal is passed on, and
/// its handler's instructions count too. The victim must not start threads.
///
/// A step into a system call that blocks does not return before the call does.
///
/// ptrace binds it to the thread that started it:
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<ironring_testkit::Traced>();
/// ```
#[derive(Debug)]
pub struct Traced {
    /// Traced by this thread. Dropped, so killed, before the thread leaves the core.
    child: Child,
    /// To be delivered when it is resumed; 0 for none.
    pending: c_int,
    /// Whether it is between its marks.
    pub(crate) inside: bool,
    /// Whether the core it runs on is the caller's choice, not ours.
    pinned_by_caller: bool,
    stay: Stay,
    only_this_thread: PhantomData<*const ()>,
}

/// Which trap stopped the victim.
pub(crate) enum Trap {
    Begin,
    End,
    /// An instruction or a system call was done.
    Stepped,
    /// It is at the first instruction of a signal handler.
    Other,
}

impl Traced {
    /// Takes over a child that asked to be traced by this thread, and runs it to its first mark.
    pub(crate) fn take_over(child: Child, stay: Stay, pinned_by_caller: bool) -> io::Result<Traced> {
        let mut traced = Traced {
            child,
            pending: 0,
            inside: false,
            pinned_by_caller,
            stay,
            only_this_thread: PhantomData,
        };
        // It stops in `exec`, before its first instruction.
        if let Change::Ended(exit) = traced.child.next_change(libc::__WALL) {
            return Err(io::Error::other(exit));
        }
        let pid = traced.child.pid();
        sys::trace(TraceRequest::SetOptions, pid, libc::PTRACE_O_EXITKILL)?;
        traced.run_to_begin().map_err(io::Error::other)?;
        Ok(traced)
    }

    /// Its process number.
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let victim = Role::new("sender").spawn_traced()?;
    /// println!("held inside its operation: process {}", victim.pid());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Lets it do at most `n` instructions.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Role, Step};
    /// let mut victim = Role::new("sender").spawn_traced()?;
    /// while let Step::Inside { .. } = victim.step(1) {
    ///     // Look at what the others see now.
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not inside an operation.
    pub fn step(&mut self, n: u64) -> Step {
        assert!(self.inside, "the victim is not between its marks: run it to the next begin");
        let mut taken = 0;
        while taken < n {
            match self.resume(TraceRequest::SingleStep) {
                Ok(Trap::Stepped) => taken += 1,
                Ok(Trap::End) => {
                    self.inside = false;
                    return Step::Ended { taken };
                }
                Ok(Trap::Begin | Trap::Other) => {}
                Err(exit) => return Step::Died(exit),
            }
        }
        Step::Inside { taken }
    }

    /// Steps to the end of the operation and returns how many instructions that took, the last
    /// [`END_INSTRUCTIONS`](mark::END_INSTRUCTIONS) of them the mark's own.
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let length = Role::new("sender").spawn_traced()?.count()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the process ended, if it did.
    ///
    /// # Panics
    ///
    /// If it is not inside an operation.
    pub fn count(&mut self) -> Result<u64, Exit> {
        match self.step(u64::MAX) {
            Step::Inside { taken } | Step::Ended { taken } => Ok(taken),
            Step::Died(exit) => Err(exit),
        }
    }

    /// Lets it run at full speed to its next [`mark::begin`].
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let mut victim = Role::new("sender").spawn_traced()?;
    /// for _ in 0..1_000 {
    ///     victim.run_to_begin()?;
    /// }
    /// // It sent a thousand messages and is about to send the next.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the process ended, if it did.
    pub fn run_to_begin(&mut self) -> Result<(), Exit> {
        while !matches!(self.resume(TraceRequest::Continue)?, Trap::Begin) {}
        self.inside = true;
        Ok(())
    }

    /// Lets it run at full speed to its next [`mark::end`].
    ///
    /// ```no_run
    /// # use ironring_testkit::{Role, Step};
    /// let mut victim = Role::new("sender").spawn_traced()?;
    /// assert_eq!(victim.step(12), Step::Inside { taken: 12 });
    /// // What the others do while it stands there.
    /// victim.run_to_end()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the process ended, if it did.
    pub fn run_to_end(&mut self) -> Result<(), Exit> {
        while !matches!(self.resume(TraceRequest::Continue)?, Trap::End) {}
        self.inside = false;
        Ok(())
    }

    /// Kills it where it stands, with SIGKILL, and reaps it. If it had ended before, says how.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Exit, Role};
    /// let mut victim = Role::new("sender").spawn_traced()?;
    /// assert_eq!(victim.kill(), Exit::KILLED);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn kill(&mut self) -> Exit {
        self.child.kill()
    }

    /// Lets it go: from here on it runs like any other child, where the calling thread may run
    /// unless it was pinned. Each mark still costs it a signal that does nothing.
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let mut child = Role::new("sender").spawn_traced()?.release()?;
    /// assert!(child.wait().success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the process ended, if it did.
    pub fn release(mut self) -> Result<Child, Exit> {
        let pid = self.pid();
        let free = || -> io::Result<()> {
            if !self.pinned_by_caller {
                self.stay.before.apply(pid)?;
            }
            sys::trace(TraceRequest::Detach, pid, self.pending)
        };
        match free() {
            Ok(()) => Ok(self.child),
            // Something else killed it.
            Err(_) => Err(self.child.wait()),
        }
    }

    /// Resumes it and waits until a trap stops it; holds other signals back for the next resume.
    pub(crate) fn resume(&mut self, how: TraceRequest) -> Result<Trap, Exit> {
        // No signal is held back yet. A failure means that something else killed the victim, which
        // the wait reports.
        let signal = std::mem::take(&mut self.pending);
        let _ = sys::trace(how, self.child.pid(), signal);
        match self.child.next_change(libc::__WALL) {
            Change::Stopped(libc::SIGTRAP) => Ok(self.trap()),
            Change::Stopped(signal) => {
                self.pending = signal;
                Ok(Trap::Other)
            }
            Change::Ended(exit) => Err(exit),
        }
    }

    /// A mark traps with SI_KERNEL, an instruction with TRAP_TRACE, a system call with TRAP_BRKPT.
    fn trap(&self) -> Trap {
        let pid = self.child.pid();
        match sys::signal_code(pid) {
            Ok(libc::SI_KERNEL) if mark::is_end(sys::next_code(pid)) => Trap::End,
            Ok(libc::SI_KERNEL) => Trap::Begin,
            Ok(libc::TRAP_TRACE | libc::TRAP_BRKPT) => Trap::Stepped,
            // A handler's first instruction, or the victim was killed: the next wait tells.
            _ => Trap::Other,
        }
    }
}
