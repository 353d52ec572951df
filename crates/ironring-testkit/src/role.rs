//! The parent's side: what to start, with what, and where.

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

use crate::cores::CoreSet;
use crate::roles::{ARGUMENTS, FD, LEDGER, ROLE, TRACED};
use crate::{Args, Child, Ledger, Traced, sys};

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
    prepare: Option<Prepare>,
    /// What runs in a fork of this process, where no program is started.
    forked: Option<Box<dyn FnOnce(Args)>>,
}

/// Prepares the command that starts a child.
type Prepare = Box<dyn FnOnce(&mut Command) -> io::Result<()>>;

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Role").field("name", &self.name).field("args", &self.args).finish_non_exhaustive()
    }
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
            prepare: None,
            forked: None,
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

    /// Has `prepare` change the command that starts it, as its last step.
    ///
    /// ```
    /// let role = ironring_testkit::Role::new("producer").prepare(|command| {
    ///     command.env_remove("HOME");
    ///     Ok(())
    /// });
    /// ```
    pub fn prepare(mut self, prepare: impl FnOnce(&mut Command) -> io::Result<()> + 'static) -> Role {
        self.prepare = Some(Box::new(prepare));
        self
    }

    /// Forks this process instead of starting it anew, and runs `run` there, which has all that
    /// `run` has captured and the arguments and descriptors of this role. Nothing else that was added
    /// has an effect, but for a core.
    ///
    /// ```no_run
    /// let mut child = ironring_testkit::Role::new("idle").forked(|_| std::thread::park()).spawn()?;
    /// child.kill();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn forked(mut self, run: impl FnOnce(Args) + 'static) -> Role {
        self.forked = Some(Box::new(run));
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
    ///
    /// # Panics
    ///
    /// If it is to be [`forked`](Role::forked) and this process has more than one thread: another
    /// one's locks would be held in the child for ever.
    pub fn spawn(mut self) -> io::Result<Child> {
        match self.forked.take() {
            Some(run) => self.fork(run),
            None => self.start(false),
        }
    }

    fn fork(self, run: Box<dyn FnOnce(Args)>) -> io::Result<Child> {
        let threads = std::fs::read_dir("/proc/self/task")?.count();
        assert_eq!(threads, 1, "threads of a process that is to fork");
        let only = self.core.map(CoreSet::only).transpose()?;
        let parent = std::process::id();
        // SAFETY: this process has one thread, so its child finds no lock held.
        let pid = unsafe { libc::fork() };
        if pid != 0 {
            return Ok(Child::of_fork(sys::check(pid)?));
        }
        let prepared = sys::die_with_parent(parent).and_then(|()| only.map_or(Ok(()), |only| only.apply(0)));
        let done = prepared.is_ok()
            && catch_unwind(AssertUnwindSafe(|| run(Args::of_fork(self.args, self.descriptors)))).is_ok();
        // SAFETY: ends the child without running what its parent registered.
        unsafe { libc::_exit(if done { 0 } else { 101 }) }
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

    fn start(mut self, traced: bool) -> io::Result<Child> {
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
        if let Some(prepare) = self.prepare.take() {
            prepare(&mut command)?;
        }
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
