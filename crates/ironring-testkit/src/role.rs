//! The parent's side: what to start, with what, and where.

use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::cores::CoreSet;
use crate::roles::{ARGUMENTS, FD, LEDGER, ROLE, TRACED};
use crate::{Child, Ledger, Traced, sys};

/// A child process to be: this executable, started again for one of the roles that its `main` gives
/// to [`roles::run`](crate::roles::run).
///
/// Its standard input is empty, and its output goes where the parent's goes, unless piped.
///
/// ```no_run
/// use ironring_testkit::{Ledger, Role};
///
/// let ledger = Ledger::new(4)?;
/// let mut child = Role::new("producer").ledger(&ledger).pin(1).arg(1_000_000).spawn()?;
/// println!("{}", child.wait());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing runs before `spawn`"]
pub struct Role {
    name: String,
    args: Vec<String>,
    env: Vec<(OsString, OsString)>,
    core: Option<usize>,
    /// Duplicates, open until the child is started.
    descriptors: Vec<(String, OwnedFd)>,
    pipe_stdin: bool,
    pipe_stdout: bool,
    pipe_stderr: bool,
}

impl Role {
    /// The role of this name, with nothing added.
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer");
    /// ```
    pub fn new(name: &str) -> Role {
        Role {
            name: name.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            core: None,
            descriptors: Vec::new(),
            pipe_stdin: false,
            pipe_stdout: false,
            pipe_stderr: false,
        }
    }

    /// Adds an argument, which the role takes with [`Args::parse`](crate::Args::parse).
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer").arg(1_024).arg("/dev/shm/ring");
    /// ```
    pub fn arg(mut self, arg: impl Display) -> Role {
        self.args.push(arg.to_string());
        self
    }

    /// Adds several arguments.
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer").args([1, 2, 3]);
    /// ```
    pub fn args<T: Display>(mut self, args: impl IntoIterator<Item = T>) -> Role {
        self.args.extend(args.into_iter().map(|arg| arg.to_string()));
        self
    }

    /// Sets an environment variable; the others are the parent's.
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer").env("RUST_BACKTRACE", "1");
    /// ```
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Role {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Lets it run on `core` only, from its first instruction on.
    ///
    /// ```
    /// let core = ironring_testkit::cores()[0];
    /// let role = ironring_testkit::Role::new("producer").pin(core);
    /// ```
    pub fn pin(mut self, core: usize) -> Role {
        self.core = Some(core);
        self
    }

    /// Passes a descriptor on, which the role takes with [`Args::fd`](crate::Args::fd).
    ///
    /// It shares the open file description with `fd`, and so its offset and its locks. Until
    /// `spawn` this process has a duplicate of it too.
    ///
    /// ```
    /// let ring = std::fs::File::open("/dev/null")?;
    /// let role = ironring_testkit::Role::new("producer").pass_fd("ring", &ring);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If this process has no descriptor left.
    pub fn pass_fd(mut self, name: &str, fd: impl AsFd) -> Role {
        let duplicate = fd.as_fd().try_clone_to_owned();
        let duplicate = duplicate.unwrap_or_else(|error| panic!("duplicate of {name}: {error}"));
        self.descriptors.push((name.to_owned(), duplicate));
        self
    }

    /// Shares `ledger` with it, which the role takes with [`Args::ledger`](crate::Args::ledger).
    ///
    /// ```
    /// let ledger = ironring_testkit::Ledger::new(4)?;
    /// let role = ironring_testkit::Role::new("producer").ledger(&ledger);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If this process has no descriptor left.
    pub fn ledger(self, ledger: &Ledger) -> Role {
        self.pass_fd(LEDGER, ledger)
    }

    /// Connects its standard input to [`Child::stdin`].
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer").pipe_stdin();
    /// ```
    pub fn pipe_stdin(mut self) -> Role {
        self.pipe_stdin = true;
        self
    }

    /// Connects its standard output to [`Child::stdout`].
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer").pipe_stdout();
    /// ```
    pub fn pipe_stdout(mut self) -> Role {
        self.pipe_stdout = true;
        self
    }

    /// Connects its standard error to [`Child::stderr`].
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer").pipe_stderr();
    /// ```
    pub fn pipe_stderr(mut self) -> Role {
        self.pipe_stderr = true;
        self
    }

    /// Starts it.
    ///
    /// The kernel kills it when the calling *thread* ends, so that a test that fails or is
    /// interrupted leaves nothing behind.
    ///
    /// ```no_run
    /// let mut child = ironring_testkit::Role::new("consumer").spawn()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the kernel says, and [`InvalidInput`](io::ErrorKind::InvalidInput) if it was to be
    /// pinned to a core that does not exist or that this process may not use.
    pub fn spawn(self) -> io::Result<Child> {
        self.start(false)
    }

    /// Starts it to be single-stepped, and returns when it is at its first
    /// [`mark::begin`](crate::mark::begin).
    ///
    /// Until the [`Traced`] is dropped or released, the calling thread stays on the core on which
    /// the child runs: the one it is pinned to, else the thread's current one. A step is several
    /// times faster so. Addresses are not randomised, so that each run takes the same instructions.
    ///
    /// ```no_run
    /// use ironring_testkit::{Role, Step};
    ///
    /// let mut victim = Role::new("sender").spawn_traced()?;
    /// assert_eq!(victim.step(5), Step::Inside { taken: 5 });
    /// victim.kill();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`spawn`](Role::spawn), and if the role ended without beginning an operation; then the
    /// error is the [`Exit`](crate::Exit). [`Unsupported`](io::ErrorKind::Unsupported) elsewhere
    /// than on x86-64.
    pub fn spawn_traced(mut self) -> io::Result<Traced> {
        if cfg!(not(target_arch = "x86_64")) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let stay = crate::cores::Stay::on(self.core)?;
        let pinned_by_caller = self.core.is_some();
        if !pinned_by_caller {
            self.core = Some(crate::cores::current_core()?);
        }
        Traced::take_over(self.start(true)?, stay, pinned_by_caller)
    }

    fn start(self, traced: bool) -> io::Result<Child> {
        let only = self.core.map(CoreSet::only).transpose()?;
        let parent = std::process::id();
        let numbers: Vec<_> = self.descriptors.iter().map(|(_, fd)| fd.as_raw_fd()).collect();
        let prepare = move || {
            sys::die_with_parent(parent)?;
            for fd in &numbers {
                sys::keep_across_exec(*fd)?;
            }
            if let Some(only) = &only {
                only.apply(0)?;
            }
            if traced {
                sys::fixed_addresses()?;
                sys::trace_me()?;
            }
            Ok(())
        };
        let mut command = self.command(traced);
        // SAFETY: between fork and exec `prepare` makes system calls and reads what it owns; it
        // neither allocates nor takes a lock.
        unsafe { command.pre_exec(prepare) };
        Ok(Child::new(command.spawn()?))
    }

    fn command(&self, traced: bool) -> Command {
        let pipe = |piped, otherwise: fn() -> Stdio| if piped { Stdio::piped() } else { otherwise() };
        // By this name the child is this very executable, even if its file was replaced meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.arg0(&self.name).args([ROLE, &self.name]).args(traced.then_some(TRACED));
        for (name, fd) in &self.descriptors {
            command.arg(FD).arg(format!("{name}={}", fd.as_raw_fd()));
        }
        command
            .arg(ARGUMENTS)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(pipe(self.pipe_stdin, Stdio::null))
            .stdout(pipe(self.pipe_stdout, Stdio::inherit))
            .stderr(pipe(self.pipe_stderr, Stdio::inherit));
        command
    }
}
