//! Sockets of libraries, which meet at a path; and how the sender learns that all has come.

use std::{
    ffi::CString,
    fs::File,
    io::{self, Write},
    marker::PhantomData,
    os::fd::AsRawFd,
    path::Path,
};

use ironring_testkit::{Args, Role};
use tempfile::TempDir;

use crate::transport::{End, Link, Receiver, Sender, Setup, note::Note, system_call};

/// A socket of a library, which sends or receives.
pub trait Socket: Sender + Receiver + Sized {
    /// Whether the library is there.
    ///
    /// # Errors
    ///
    /// If not: it says how to install it.
    fn is_there() -> io::Result<()>;

    /// Opens the socket of one end: the receiver's waits to be found, the sender's looks for it.
    ///
    /// # Errors
    ///
    /// Those of the library.
    fn open(place: Place, setup: &Setup) -> io::Result<Self>;
}

/// A way for messages between two such sockets, as its maker keeps it: a directory of its own, and a pipe by
/// which the receiver says that it is done.
#[derive(Debug)]
pub struct Meeting<S> {
    _dir: TempDir,
    address: Note,
    done: (io::PipeReader, io::PipeWriter),
    _socket: PhantomData<fn() -> S>,
}

/// What a side has of it.
#[derive(Debug)]
pub struct Place {
    /// Where the receiver listens.
    pub(super) address: CString,
    pub(super) end: End,
    done: File,
}

fn pipe(name: &str) -> String {
    format!("{name}-done")
}

impl<S: Socket> Link for Meeting<S> {
    type Sender = S;
    type Receiver = S;

    fn new(_setup: &Setup) -> io::Result<Self> {
        S::is_there()?;
        let dir = tempfile::tempdir()?;
        let address = Note::new(&format!("ipc://{}", Path::new(dir.path()).join("socket").display()))?;
        Ok(Self { _dir: dir, address, done: io::pipe()?, _socket: PhantomData })
    }

    fn pass(&self, role: Role, name: &str, end: End) -> Role {
        let role = self.address.pass(role, name);
        match end {
            End::Sending => role.pass_fd(&pipe(name), &self.done.0),
            End::Receiving => role.pass_fd(&pipe(name), &self.done.1),
        }
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<S> {
        S::open(Place::take(args, name, End::Sending)?, setup)
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<S> {
        S::open(Place::take(args, name, End::Receiving)?, setup)
    }
}

impl Place {
    fn take(args: &mut Args, name: &str, end: End) -> io::Result<Self> {
        let address = CString::new(Note::take(args, name)?)?;
        Ok(Self { address, done: args.fd(&pipe(name)).into(), end })
    }

    /// The receiver says that it is done, and the sender awaits that: what is still on its way when a
    /// socket is closed may never come.
    pub(super) fn finish(&mut self) {
        /// Who has not answered after so many milliseconds has failed, and that is told elsewhere.
        const MOST: libc::c_int = 2_000;
        match self.end {
            End::Receiving => {
                // Whoever was to learn it may have failed.
                let _ = self.done.write_all(&[0]);
            }
            End::Sending => {
                let mut done = libc::pollfd { fd: self.done.as_raw_fd(), events: libc::POLLIN, revents: 0 };
                // SAFETY: it writes to one pollfd, whose descriptor is open.
                let _ = system_call(|| unsafe { libc::poll(&raw mut done, 1, MOST) } as isize);
            }
        }
    }
}
