//! How a command ends that did not succeed: what it says, and its exit status.

use std::{
    fmt::Display,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use ironring::{Error, RecvError, SendError};

/// Why a command did not succeed. Wrong arguments are clap's, with status 2.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong: status 1.
    Error(String),
    /// The sender was killed instead of finishing: status 3.
    SenderKilled(String),
    /// The ring was removed while it was in use: status 4.
    Removed(String),
    /// It has waited for as long as it was told to: status 5.
    TimedOut(String),
    /// It was interrupted, and has kept what it had: status 130.
    Interrupted(String),
    /// Nobody reads standard output any more. Status 141, as for a program that the
    /// signal SIGPIPE ends, and as silently.
    OutputClosed,
}

impl Failure {
    /// Says on standard error what happened, and to which ring.
    pub(crate) fn report(self, ring: Option<&Path>) -> ExitCode {
        let (status, why) = match self {
            Self::Error(why) => (1, why),
            Self::SenderKilled(why) => (3, why),
            Self::Removed(why) => (4, why),
            Self::TimedOut(why) => (5, why),
            Self::Interrupted(why) => (130, why),
            Self::OutputClosed => return ExitCode::from(141),
        };
        complain(ring, why);
        ExitCode::from(status)
    }

    /// A failure to write to standard output.
    pub(crate) fn writing(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Error(format!("writing to standard output: {error}"))
        }
    }

    /// A failure to read standard input.
    pub(crate) fn reading(error: &io::Error) -> Self {
        Self::Error(format!("reading standard input: {error}"))
    }
}

/// Writes a line to standard error, where that can be done.
pub(crate) fn complain(ring: Option<&Path>, why: impl Display) {
    let _ = match ring {
        Some(name) => writeln!(io::stderr(), "ironring: {}: {why}", name.display()),
        None => writeln!(io::stderr(), "ironring: {why}"),
    };
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error.to_string())
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Retired => Self::Removed(format!("{error}; what was not sent is lost")),
            SendError::TimedOut => {
                Self::TimedOut("--timeout is over: there was no room for the next message".into())
            }
            _ => Self::Error(error.to_string()),
        }
    }
}

impl From<RecvError> for Failure {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Retired => Self::Removed(error.to_string()),
            _ => Self::Error(error.to_string()),
        }
    }
}
