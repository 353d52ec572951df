//! A named pipe.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
};

use super::{
    link::{Channel, Descriptors, Setup},
    pipe::enlarge,
    stream::Stream,
    system_call,
};

/// A pipe that was made by `mkfifo` and opened by its name; with room for 1 MiB, as [`super::Pipe`].
pub type Fifo = Descriptors<Kind>;

/// See [`Fifo`].
#[derive(Debug)]
pub enum Kind {}

impl Channel for Kind {
    type Sender = Stream;
    type Receiver = Stream;

    fn open(_setup: &Setup) -> io::Result<(OwnedFd, OwnedFd)> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("fifo");
        let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
        // SAFETY: the name is a NUL-terminated string that lives until the call is over.
        system_call(|| unsafe { libc::mkfifo(name.as_ptr(), 0o600) } as isize)?;
        // Neither end may wait here for the other.
        let receiving = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path)?;
        let sending = OwnedFd::from(OpenOptions::new().write(true).open(&path)?);
        let_wait(&receiving)?;
        enlarge(&sending)?;
        Ok((sending, receiving.into()))
    }
}

/// Lets reads wait again.
fn let_wait(file: &File) -> io::Result<()> {
    // SAFETY: F_SETFL takes an integer and touches no memory.
    system_call(|| unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, 0) } as isize)?;
    Ok(())
}
