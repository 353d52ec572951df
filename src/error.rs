//! What can go wrong: [`Error`] when making, opening or attaching; [`SendError`] and
//! [`RecvError`], small and without allocation, on the way of a message.

use std::{io, path::PathBuf};

use crate::record::{Holder, Role};

/// Why a ring could not be made, opened, attached to or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused a call; `doing` says which step it was.
    #[error("{doing}: {source}")]
    Io {
        /// The step that failed, with the path where there is one.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// No ring has this name.
    #[error("no ring at {}: create it first, or check the name", path.display())]
    NotFound {
        /// Where the ring was looked for.
        path: PathBuf,
    },
    /// A ring of this name is there already.
    #[error("{} exists already: open it, or remove it first", path.display())]
    AlreadyExists {
        /// Where the ring lies.
        path: PathBuf,
    },
    /// A field of the header holds what no ring of this version and kind may hold.
    #[error("not usable as a ring: {field} is {found}, expected {expected}")]
    Invalid {
        /// The field's name in docs/LAYOUT.md.
        field: &'static str,
        /// What the header says.
        found: String,
        /// What was expected of it.
        expected: String,
    },
    /// The ring is whole, but not the one that was asked for.
    #[error("the ring has another {field}: found {found}, asked for {expected}")]
    Mismatch {
        /// What differs.
        field: &'static str,
        /// What the ring has.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The options describe no ring that could be made.
    #[error("{option} cannot be {found}: {expected}")]
    Options {
        /// The option that is wrong.
        option: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Another handle holds this role, and lives.
    #[error("the {role} of this ring is taken: {holder}")]
    Busy {
        /// The role that was asked for.
        role: Role,
        /// What is known of the participant that holds it.
        holder: Holder,
    },
    /// Every place among the participants of an MPMC ring is taken by one that lives, or
    /// filled with messages: for a producer by those that wait for a consumer, for a consumer
    /// by those that are set aside.
    #[error(
        "all {participants} places of this ring are taken, or hold messages that a consumer is to receive: end a \
         participant, receive, or make a ring for more"
    )]
    NoPlace {
        /// How many participants the ring has places for.
        participants: u32,
    },
    /// There are not enough huge pages for a ring that is to be of them.
    #[error(
        "there are not {pages} free huge pages of {} KiB for the ring: reserve more (as root, \
         `sysctl vm.nr_hugepages=N`; /proc/meminfo tells how many there are), or prefer huge pages and do not \
         require them", size >> 10
    )]
    NoHugePages {
        /// How many are needed.
        pages: u64,
        /// The size of one in bytes.
        size: u64,
    },
    /// The process at the other end of a socket does not give the ring, or does not get it.
    #[cfg(not(loom))]
    #[error("no ring was passed between this process and {peer}: {reason}")]
    Refused {
        /// Who it is.
        peer: crate::share::Peer,
        /// Why.
        reason: String,
    },
    /// The process at the other end of a socket says something else than it should.
    #[error("the peer does not keep to ironring's handshake: {found}")]
    Handshake {
        /// What it said.
        found: String,
    },
    /// No ring was passed to this program.
    #[error(
        "{variable} is {found:?}, and should be the number of a ring's descriptor: start this program by one that \
         passes it a ring"
    )]
    NotInherited {
        /// The environment variable.
        variable: String,
        /// Its value.
        found: String,
    },
    /// The ring was removed; a ring that now has its name is another one.
    #[error("the ring was removed: open its name again for the one that replaced it, if any")]
    Retired,
    /// A word in shared memory holds what no participant writes there.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The ring is another user's, and was not asked for as such.
    #[cfg(not(loom))]
    #[error(
        "{} belongs to user {owner}, not to {expected}: who owns a ring can write anything to it. If that user is \
         trusted, ask for it by {}", path.display(), crate::region::user::how_to_ask(*owner)
    )]
    OtherOwner {
        /// Its file, or its name where it is in a System V segment.
        path: PathBuf,
        /// The number of the user whose it is.
        owner: u32,
        /// Who may own it.
        expected: String,
    },
    /// In a directory on the way to the ring, others can put another in its place.
    #[error(
        "{} is not safe for rings: {reason}. What lies there can be asked for all the same, by \
         `Name::in_any_directory` (--any-directory on the command line)", path.display()
    )]
    UnsafeDirectory {
        /// The directory, or a symbolic link that leads there.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine lacks something that every ring needs.
    #[error("this system has {found}, and ironring needs {needed}")]
    Unsupported {
        /// What was found.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
}

impl Error {
    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }

    /// An [`Error::Io`] of what the system said last.
    pub(crate) fn os(doing: impl Into<String>) -> Self {
        Self::io(doing, io::Error::last_os_error())
    }
}

/// A word in shared memory holds what no participant that keeps the protocol writes.
///
/// Once a handle has seen corruption it answers every further call with the same
/// error: nothing that it could read afterwards can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ring is corrupt: {word} is {found:#x}, expected {expected}; remove it and make a new one")]
pub struct Corrupt {
    /// The word's name in docs/LAYOUT.md.
    pub word: &'static str,
    /// What it held.
    pub found: u64,
    /// What it may hold.
    pub expected: &'static str,
}

/// Why a message was not sent. The ring is as it was before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no room, and the call was not to wait for it.
    #[error("the ring is full")]
    Full,
    /// There was no room until the deadline.
    #[error("the ring was full until the deadline")]
    TimedOut,
    /// No message of this ring may be so long.
    #[error("a message of {len} bytes is too long: this ring takes up to {limit}")]
    TooLong {
        /// The message's length in bytes.
        len: usize,
        /// The longest that is possible, in bytes.
        limit: usize,
    },
    /// The ring was [closed](crate::Ring::close), or the call would have waited for room
    /// though every consumer is gone (see [`WhenAlone`](crate::WhenAlone)).
    #[error("the ring was closed, or nobody is left to receive")]
    Disconnected,
    /// Others were first more often, one time after the other, than participants are that keep
    /// the protocol: one of them may be out of order. Nothing is known to be corrupt.
    #[error(
        "others of this ring were first a million times in a row: see `stat` for who they are, or try again"
    )]
    Contended,
    /// The call would have waited for room in a ring that was removed.
    #[error("the ring was removed, and is full")]
    Retired,
    /// The handle was made before a `fork`, and this is the child.
    #[error("this handle belongs to the parent process: attach anew in the child")]
    Forked,
    /// The ring's file was cut short by somebody, in a process that guards itself against that: see
    /// [`guard_against_truncation`](crate::guard_against_truncation).
    #[error("the ring's file was truncated, and what it held is gone: remove it and make a new one")]
    Truncated,
    /// See [`Corrupt`].
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// Why no message was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// There is no message, and the call was not to wait for one.
    #[error("the ring is empty")]
    Empty,
    /// No message came before the deadline.
    #[error("no message came before the deadline")]
    TimedOut,
    /// This consumer holds as many received messages as it may: release some.
    #[error("this consumer holds as many messages as it may: release one first")]
    HoldsAll,
    /// The buffer is shorter than the message, which stays in the ring.
    #[error("the next message has {len} bytes, the buffer only {room}: it stays in the ring")]
    BufferTooShort {
        /// The message's length in bytes.
        len: usize,
        /// The buffer's length in bytes.
        room: usize,
    },
    /// There is no message, and the ring was [closed](crate::Ring::close), or the call would
    /// have waited though every producer is gone (see [`WhenAlone`](crate::WhenAlone)).
    #[error("no message is left, and the ring was closed, or nobody is left to send")]
    Disconnected,
    /// Others were first more often, one time after the other, than participants are that keep
    /// the protocol: one of them may be out of order. Nothing is known to be corrupt.
    #[error(
        "others of this ring were first a million times in a row: see `stat` for who they are, or try again"
    )]
    Contended,
    /// The call would have waited for a message in a ring that was removed.
    #[error("the ring was removed, and is empty")]
    Retired,
    /// The handle was made before a `fork`, and this is the child.
    #[error("this handle belongs to the parent process: attach anew in the child")]
    Forked,
    /// The ring's file was cut short by somebody, in a process that guards itself against that: see
    /// [`guard_against_truncation`](crate::guard_against_truncation).
    #[error("the ring's file was truncated, and what it held is gone: remove it and make a new one")]
    Truncated,
    /// See [`Corrupt`].
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// Why a handle may not touch its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotHere {
    /// It is the parent's.
    Forked,
    /// The file is shorter than it was.
    #[cfg_attr(loom, allow(dead_code, reason = "a model has no files"))]
    Truncated,
}

impl From<NotHere> for SendError {
    fn from(why: NotHere) -> Self {
        match why {
            NotHere::Forked => Self::Forked,
            NotHere::Truncated => Self::Truncated,
        }
    }
}

impl From<NotHere> for RecvError {
    fn from(why: NotHere) -> Self {
        match why {
            NotHere::Forked => Self::Forked,
            NotHere::Truncated => Self::Truncated,
        }
    }
}
