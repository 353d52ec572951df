//! Where two sockets meet that are addressed by a path, and how the sender learns that all has come.

use std::{
    ffi::CString,
    fs::File,
    io::{self, Write},
    os::fd::AsRawFd,
    path::Path,
};

use ironring_testkit::{Args, Role};
use tempfile::TempDir;

use crate::transport::{End, note::Note, system_call};

/// A directory of its own, and a pipe by which the receiver says that it is done.
#[derive(Debug)]
pub(super) struct Meeting {
    _dir: TempDir,
    address: Note,
    done: (io::PipeReader, io::PipeWriter),
}

/// What a side has of it.
#[derive(Debug)]
pub(super) struct Place {
    /// Where the receiver listens.
    pub(super) address: CString,
    done: File,
    end: End,
}

fn pipe(name: &str) -> String {
    format!("{name}-done")
}

impl Meeting {
    pub(super) fn new() -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let address = Note::new(&format!("ipc://{}", Path::new(dir.path()).join("socket").display()))?;
        Ok(Self { _dir: dir, address, done: io::pipe()? })
    }

    pub(super) fn pass(&self, role: Role, name: &str, end: End) -> Role {
        let role = self.address.pass(role, name);
        match end {
            End::Sending => role.pass_fd(&pipe(name), &self.done.0),
            End::Receiving => role.pass_fd(&pipe(name), &self.done.1),
        }
    }
}

impl Place {
    pub(super) fn take(args: &mut Args, name: &str, end: End) -> io::Result<Self> {
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
