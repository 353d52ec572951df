//! A pipe.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use super::{
    link::{Channel, Descriptors, Setup},
    stream::Stream,
    system_call,
};

/// A pipe with room for 1 MiB, the most that a user may have unless told otherwise.
pub type Pipe = Descriptors<Kind>;

/// See [`Pipe`].
#[derive(Debug)]
pub enum Kind {}

impl Channel for Kind {
    type Sender = Stream;
    type Receiver = Stream;

    fn open(_setup: &Setup) -> io::Result<(OwnedFd, OwnedFd)> {
        let (receiving, sending) = io::pipe()?;
        let sending = OwnedFd::from(sending);
        enlarge(&sending)?;
        Ok((sending, receiving.into()))
    }
}

/// Gives a pipe room for 1 MiB.
pub(super) fn enlarge(pipe: &OwnedFd) -> io::Result<()> {
    const ROOM: libc::c_int = 1 << 20;
    // SAFETY: F_SETPIPE_SZ takes an integer and touches no memory.
    let done = system_call(|| unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, ROOM) } as isize);
    done.map(drop).map_err(|error| {
        let hint = "allow it in /proc/sys/fs/pipe-max-size and pipe-user-pages-soft";
        io::Error::new(error.kind(), format!("a pipe of 1 MiB: {error}; {hint}"))
    })
}
