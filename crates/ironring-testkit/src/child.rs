//! A running child process and how it ended.

use std::fmt;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

use libc::{c_int, pid_t};

use crate::sys::{self, Change};

/// How a process ended.
///
/// ```
/// use ironring_testkit::Exit;
///
/// assert_eq!(Exit::Exited(101).to_string(), "exited with status 101");
/// assert_eq!(Exit::Signalled(9).to_string(), "killed by signal 9 (SIGKILL)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself with this status: 0 when its role returned, 101 when it panicked.
    Exited(i32),
    /// This signal killed it.
    Signalled(i32),
}

impl Exit {
    /// How a process ends that was sent SIGKILL.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Exit, Role};
    /// let mut child = Role::new("consumer").spawn()?;
    /// assert_eq!(child.kill(), Exit::KILLED);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const KILLED: Exit = Exit::Signalled(libc::SIGKILL);

    /// Whether the role returned.
    ///
    /// ```
    /// # use ironring_testkit::Exit;
    /// assert!(Exit::Exited(0).success());
    /// assert!(!Exit::Exited(101).success());
    /// ```
    pub fn success(self) -> bool {
        self == Exit::Exited(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = match *self {
            Exit::Exited(status) => return write!(f, "exited with status {status}"),
            Exit::Signalled(signal) => signal,
        };
        write!(f, "killed by signal {signal}")?;
        match signal {
            libc::SIGABRT => f.write_str(" (SIGABRT)"),
            libc::SIGBUS => f.write_str(" (SIGBUS)"),
            libc::SIGFPE => f.write_str(" (SIGFPE)"),
            libc::SIGILL => f.write_str(" (SIGILL)"),
            libc::SIGINT => f.write_str(" (SIGINT)"),
            libc::SIGKILL => f.write_str(" (SIGKILL)"),
            libc::SIGPIPE => f.write_str(" (SIGPIPE)"),
            libc::SIGSEGV => f.write_str(" (SIGSEGV)"),
            libc::SIGTERM => f.write_str(" (SIGTERM)"),
            libc::SIGTRAP => f.write_str(" (SIGTRAP)"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Exit {}

/// A child process started by [`Role::spawn`](crate::Role::spawn). Dropping it kills and reaps it.
///
/// ```no_run
/// use ironring_testkit::{Exit, Role};
///
/// let mut child = Role::new("consumer").spawn()?;
/// child.stop()?;
/// // Here the consumer makes no progress.
/// child.cont()?;
/// assert_eq!(child.kill(), Exit::KILLED);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Child {
    pid: pid_t,
    /// Set once the process was reaped. From then on `pid` may be another process's.
    exit: Option<Exit>,
    /// The write end of its standard input, if [`Role::pipe_stdin`](crate::Role::pipe_stdin) was
    /// asked for.
    pub stdin: Option<ChildStdin>,
    /// The read end of its standard output, if [`Role::pipe_stdout`](crate::Role::pipe_stdout) was
    /// asked for.
    pub stdout: Option<ChildStdout>,
    /// The read end of its standard error, if [`Role::pipe_stderr`](crate::Role::pipe_stderr) was
    /// asked for.
    pub stderr: Option<ChildStderr>,
}

impl Child {
    /// Takes over `child`, which nobody waited for yet.
    pub(crate) fn new(mut child: std::process::Child) -> Child {
        Child {
            pid: pid_t::try_from(child.id()).expect("the kernel's process numbers fit a pid_t"),
            exit: None,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        }
    }

    /// A fork of this process.
    pub(crate) const fn of_fork(pid: pid_t) -> Child {
        Child { pid, exit: None, stdin: None, stdout: None, stderr: None }
    }

    /// Its process number. Names it until it is reaped, by any of the methods that return an
    /// [`Exit`].
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let child = Role::new("consumer").spawn()?;
    /// let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.pid()))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends `signal` to it.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Exit, Role};
    /// let mut child = Role::new("consumer").spawn()?;
    /// child.signal(libc::SIGTERM)?;
    /// assert_eq!(child.wait(), Exit::Signalled(libc::SIGTERM));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the process ended, if that was found out before.
    ///
    /// # Panics
    ///
    /// If there is no such signal.
    pub fn signal(&self, signal: i32) -> Result<(), Exit> {
        if let Some(exit) = self.exit {
            return Err(exit);
        }
        sys::send_signal(self.pid, signal)
            .unwrap_or_else(|error| panic!("signal {signal} to child {}: {error}", self.pid));
        Ok(())
    }

    /// Stops it with SIGSTOP; returns when it runs no more instructions.
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let mut child = Role::new("consumer").spawn()?;
    /// child.stop()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the process ended, if it ended first.
    pub fn stop(&mut self) -> Result<(), Exit> {
        self.signal(libc::SIGSTOP)?;
        self.await_change(libc::WUNTRACED).map_or(Ok(()), Err)
    }

    /// Lets a stopped child run on.
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let mut child = Role::new("consumer").spawn()?;
    /// child.stop()?;
    /// child.cont()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the process ended, if that was found out before.
    pub fn cont(&mut self) -> Result<(), Exit> {
        self.signal(libc::SIGCONT)
    }

    /// Kills it with SIGKILL and reaps it. If it had ended before, says how.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Exit, Role};
    /// let mut child = Role::new("consumer").spawn()?;
    /// assert_eq!(child.kill(), Exit::KILLED);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn kill(&mut self) -> Exit {
        match self.signal(libc::SIGKILL) {
            Ok(()) => self.wait(),
            Err(exit) => exit,
        }
    }

    /// Waits until it ends, and reaps it. Waits for ever on a stopped child.
    ///
    /// ```no_run
    /// # use ironring_testkit::Role;
    /// let mut child = Role::new("producer").arg(1_000_000).spawn()?;
    /// assert!(child.wait().success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.exit.or_else(|| self.await_change(0)) {
                return exit;
            }
        }
    }

    /// Waits until it ends, at most for `timeout`, and reaps it if it does.
    ///
    /// ```no_run
    /// # use {ironring_testkit::Role, std::time::Duration};
    /// let mut child = Role::new("consumer").spawn()?;
    /// assert_eq!(child.wait_timeout(Duration::from_millis(50)), None, "nothing was sent yet");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If this process has no descriptor left.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Exit> {
        if self.exit.is_none() && sys::ends_within(self.pid, timeout).expect("pidfd of a child") {
            self.wait();
        }
        self.exit
    }

    /// Waits for a change that `flags` select. Says how the process ended if that was the change.
    fn await_change(&mut self, flags: c_int) -> Option<Exit> {
        match self.next_change(flags) {
            Change::Stopped(_) => None,
            Change::Ended(exit) => Some(exit),
        }
    }

    /// Waits for a change that `flags` select, and takes note if the process ended.
    pub(crate) fn next_change(&mut self, flags: c_int) -> Change {
        let change = sys::wait(self.pid, flags);
        if let Change::Ended(exit) = change {
            self.exit = Some(exit);
        }
        change
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
