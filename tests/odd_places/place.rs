//! Odd places, and how a process gets there.

use std::{ffi::CStr, fmt, io, path::Path, ptr, str::FromStr};

use ironring::Name;
use ironring_testkit::{Args, Ledger, Role};

use crate::{
    calls, filter,
    support::forks::{fork, idle},
};

/// Where a process may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where the test is.
    Here,
    /// A new namespace of process numbers, in which it is number 1, under the outer /proc.
    PidNamespace,
    /// Nobody's: user and group 65534.
    OtherUser,
    /// In a new namespace of users, in which none has a number.
    UserNamespace,
    /// Without /proc.
    NoProc,
    /// With another thing at /proc, in which other files have the names of descriptors.
    OtherProc,
    /// With a /proc that cannot be written to.
    ReadOnlyProc,
    /// Behind a filter that ends who makes any other call than docs/REGIONS.md says.
    Filtered,
}

impl Place {
    pub(crate) const ALL: [Self; 8] = [
        Self::Here,
        Self::PidNamespace,
        Self::OtherUser,
        Self::UserNamespace,
        Self::NoProc,
        Self::OtherProc,
        Self::ReadOnlyProc,
        Self::Filtered,
    ];

    /// Has a process of this one thread do `body` there; `ledger` gets its number as others here
    /// see it, in [`PID`]. Does not return before it is done.
    pub(crate) fn run(self, ledger: &Ledger, body: impl FnOnce()) {
        self.enter().unwrap_or_else(|error| panic!("{self}: {error}"));
        if self != Self::PidNamespace {
            ledger.set(PID, std::process::id().into());
            return body();
        }
        let pid = fork(|| {
            // SAFETY: takes a signal's number.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            body();
        });
        ledger.set(PID, pid as u64);
        let mut status = 0;
        // SAFETY: `status` is a live integer for the kernel to write to.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        std::process::exit(if status == 0 { 0 } else { 101 });
    }

    /// The name of a ring of the test's own, for who is there: another user has to ask for it.
    pub(crate) fn name(self, path: &Path) -> Name {
        let name = Name::new(path);
        match self {
            Self::OtherUser => name.owned_by(0),
            // There the test's user is as any other, and so is root.
            Self::UserNamespace => name.owned_by_anybody(),
            _ => name,
        }
    }

    pub(crate) fn enter(self) -> io::Result<()> {
        match self {
            Self::Here => Ok(()),
            Self::PidNamespace => unshare(libc::CLONE_NEWPID),
            Self::OtherUser => become_nobody(),
            Self::UserNamespace => unshare(libc::CLONE_NEWUSER),
            Self::NoProc => {
                own_mounts()?;
                // SAFETY: the path is a string that ends.
                check(unsafe { libc::umount2(c"/proc".as_ptr(), libc::MNT_DETACH) })
            }
            Self::OtherProc => {
                own_mounts()?;
                mount(c"/proc", c"tmpfs", 0)?;
                // Of names that are looked for there.
                std::fs::create_dir_all("/proc/self/fd")?;
                (0..64).try_for_each(|fd| std::fs::write(format!("/proc/self/fd/{fd}"), "").map(drop))
            }
            Self::ReadOnlyProc => {
                own_mounts()?;
                mount(c"/proc", c"", libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY)
            }
            Self::Filtered => filter::allow_only(&[calls::ATTACH, calls::STEADY, calls::RUST].concat()),
        }
    }

    /// Whether a process of this test can get there; says why not.
    pub(crate) fn is_open(self) -> bool {
        let mut probe = Role::new("probe").arg(self).spawn().expect("a process");
        let is_open = probe.wait().success();
        if !is_open {
            println!("SKIPPED: {self}, which cannot be entered here");
        }
        is_open
    }
}

/// The word of a ledger for a process's number.
pub(crate) const PID: usize = 0;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let place = Self::ALL.into_iter().find(|place| place.to_string() == name);
        place.ok_or_else(|| format!("no place {name}"))
    }
}

/// Role: enters a place, and says why that fails.
pub(crate) fn probe(mut args: Args) {
    let place: Place = args.parse("place");
    if let Err(error) = place.enter() {
        println!("{place}: {error}");
        std::process::exit(1);
    }
}

pub(crate) fn unshare(what: libc::c_int) -> io::Result<()> {
    // SAFETY: takes an integer; this process has one thread.
    check(unsafe { libc::unshare(what) })
}

/// What is mounted from now on, nobody else sees.
fn own_mounts() -> io::Result<()> {
    unshare(libc::CLONE_NEWNS)?;
    mount(c"/", c"", libc::MS_REC | libc::MS_PRIVATE)
}

fn mount(at: &CStr, kind: &CStr, flags: libc::c_ulong) -> io::Result<()> {
    // SAFETY: strings that end, and no data.
    check(unsafe { libc::mount(c"none".as_ptr(), at.as_ptr(), kind.as_ptr(), flags, ptr::null()) })
}

fn become_nobody() -> io::Result<()> {
    const NOBODY: u32 = 65534;
    // SAFETY: no groups are read.
    check(unsafe { libc::setgroups(0, ptr::null()) })?;
    // SAFETY: takes integers.
    check(unsafe { libc::setresgid(NOBODY, NOBODY, NOBODY) })?;
    // SAFETY: takes integers.
    check(unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) })
}

pub(crate) fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Says in `ledger` that all is done as far as `state`, and waits to be killed.
pub(crate) fn stay(ledger: &Ledger, word: usize, state: u64) -> ! {
    ledger.set(word, state);
    idle()
}
