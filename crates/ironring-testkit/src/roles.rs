//! The child's side: which role this process was started for, and what it was given.

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::str::FromStr;

use crate::{Ledger, mark};

/// Begins the command line of a process that was started for a role:
/// `--role NAME [--traced] [--fd NAME=NUMBER].. -- ARGUMENT..`
pub(crate) const ROLE: &str = "--role";
/// Says that the parent traces this process, so that the marks are to trap.
pub(crate) const TRACED: &str = "--traced";
/// Names a descriptor that was passed on.
pub(crate) const FD: &str = "--fd";
/// Ends our part of the command line.
pub(crate) const ARGUMENTS: &str = "--";
/// The name under which a ledger is passed on.
pub(crate) const LEDGER: &str = "ledger";

/// What a role does, from its start to its exit.
///
/// ```no_run
/// use ironring_testkit::{Args, roles::RoleFn};
///
/// fn idle(_: Args) {
///     std::thread::park();
/// }
/// const IDLE: (&str, RoleFn) = ("idle", idle);
/// ```
pub type RoleFn = fn(Args);

/// Runs the role that this process was started for and exits with status 0; returns if it was
/// started for none. To be called first thing in `main`, before any thread and any descriptor.
///
/// A role that panics makes the process exit with status 101.
///
/// ```no_run
/// use ironring_testkit::{Args, roles};
///
/// fn producer(mut args: Args) {
///     let messages: u64 = args.parse("messages");
/// }
///
/// fn main() {
///     roles::run(&[("producer", producer)]);
///     // The tests, which start producers.
/// }
/// ```
///
/// # Panics
///
/// If `roles` lacks the role asked for.
pub fn run(roles: &[(&str, RoleFn)]) {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() != Some(ROLE) {
        return;
    }
    let name = words.next().expect("the role's name behind --role");
    let role = roles.iter().find(|(known, _)| *known == name);
    let (_, role) = role.unwrap_or_else(|| panic!("this executable has no role {name:?}"));
    let mut args = Args { descriptors: Vec::new(), words: Vec::new().into_iter() };
    while let Some(word) = words.next() {
        match word.as_str() {
            TRACED => mark::trap_from_now_on(),
            FD => args.descriptors.push(descriptor(&words.next().unwrap_or_default())),
            ARGUMENTS => break,
            other => panic!("unknown word before the role's arguments: {other:?}"),
        }
    }
    args.words = words.collect::<Vec<_>>().into_iter();
    role(args);
    std::process::exit(0);
}

fn descriptor(word: &str) -> (String, RawFd) {
    word.split_once('=')
        .and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)))
        .unwrap_or_else(|| panic!("not a descriptor: {word:?}"))
}

/// What a role was given: arguments, to be taken in the order in which they were added, and named
/// descriptors.
///
/// ```no_run
/// use ironring_testkit::Args;
///
/// fn producer(mut args: Args) {
///     let ledger = args.ledger();
///     let ring = args.fd("ring");
///     let messages: u64 = args.parse("messages");
///     let rest: Vec<String> = args.rest();
/// }
/// ```
#[derive(Debug)]
pub struct Args {
    /// Passed on and not taken yet.
    descriptors: Vec<(String, RawFd)>,
    words: std::vec::IntoIter<String>,
}

impl Args {
    /// What a fork is given, whose descriptors are its own already.
    pub(crate) fn of_fork(words: Vec<String>, descriptors: Vec<(String, OwnedFd)>) -> Args {
        let descriptors = descriptors.into_iter().map(|(name, fd)| (name, fd.into_raw_fd())).collect();
        Args { descriptors, words: words.into_iter() }
    }

    /// Takes the next argument; `what` names it in the message of a panic.
    ///
    /// ```no_run
    /// # fn role(mut args: ironring_testkit::Args) {
    /// let capacity: usize = args.parse("capacity");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none left or it is no `T`.
    pub fn parse<T: FromStr>(&mut self, what: &str) -> T {
        let word = self.words.next();
        let word = word.unwrap_or_else(|| panic!("the argument {what} is missing"));
        word.parse().unwrap_or_else(|_| panic!("the argument {what} cannot be {word:?}"))
    }

    /// Takes all arguments that are left.
    ///
    /// ```no_run
    /// # fn role(mut args: ironring_testkit::Args) {
    /// let paths = args.rest();
    /// # }
    /// ```
    pub fn rest(&mut self) -> Vec<String> {
        self.words.by_ref().collect()
    }

    /// Takes the descriptor that [`Role::pass_fd`](crate::Role::pass_fd) named `name`.
    ///
    /// ```no_run
    /// # fn role(mut args: ironring_testkit::Args) {
    /// let ring = std::fs::File::from(args.fd("ring"));
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If no descriptor of this name was passed on or it was taken before.
    pub fn fd(&mut self, name: &str) -> OwnedFd {
        let place = self.descriptors.iter().position(|(known, _)| known == name);
        let place = place.unwrap_or_else(|| panic!("no descriptor {name:?} was passed on"));
        let (_, fd) = self.descriptors.swap_remove(place);
        // SAFETY: the parent left `fd` open for this process and told its number to nobody else;
        // it is off the list now, so it has one owner.
        unsafe { OwnedFd::from_raw_fd(fd) }
    }

    /// Takes the ledger that [`Role::ledger`](crate::Role::ledger) passed on.
    ///
    /// ```no_run
    /// # fn role(mut args: ironring_testkit::Args) {
    /// let ledger = args.ledger();
    /// ledger.set(0, 1);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If none was passed on, it was taken before, or it cannot be mapped.
    pub fn ledger(&mut self) -> Ledger {
        Ledger::from_fd(self.fd(LEDGER)).expect("a ledger that was passed on")
    }
}
