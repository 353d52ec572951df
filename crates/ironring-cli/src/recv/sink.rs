//! Where the messages go.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

use ironring::spsc::{Batch, View};

use crate::failure::Failure;

/// What is gathered before it is written: at least so much, if there is more, in bytes.
const GATHER: usize = 64 << 10;
/// A message of this length, in bytes, is worth a system call of its own.
const LONG: usize = 16 << 10;

/// Standard output, and messages on their way to it.
pub(super) struct Sink {
    out: File,
    gathered: Box<[u8]>,
}

/// Why a batch was not written, and how many bytes of it were.
pub(super) struct Unwritten {
    pub(super) written: usize,
    pub(super) error: io::Error,
}

impl Sink {
    pub(super) fn new() -> Result<Self, Failure> {
        // Not `io::stdout` itself, which has a buffer of its own.
        let out = io::stdout().as_fd().try_clone_to_owned().map_err(|e| Failure::writing(&e))?;
        Ok(Self { out: out.into(), gathered: vec![0; GATHER + LONG].into() })
    }

    /// Writes messages of `batch` until there are no more, or enough of them for the
    /// sender to have their room.
    pub(super) fn write(&mut self, batch: &mut Batch<'_, [u8]>) -> Result<(), Unwritten> {
        let mut used = 0;
        while let Some(message) = batch.next() {
            if message.len() >= LONG {
                write_all(used, 0, |from| self.out.write(&self.gathered[from..used]))?;
                return self.write_long(&message, used);
            }
            used += message.copy_to(&mut self.gathered[used..]);
            if used >= GATHER {
                break;
            }
        }
        write_all(used, 0, |from| self.out.write(&self.gathered[from..used]))
    }

    /// Lets the kernel take `message` out of the ring itself.
    fn write_long(&self, message: &View<'_, [u8]>, before: usize) -> Result<(), Unwritten> {
        write_all(message.len(), before, |from| message.write_to(&self.out, from))
    }
}

/// Calls `write`, which writes from an offset on, until all `len` bytes are written;
/// `before` were written earlier.
fn write_all(
    len: usize,
    before: usize,
    mut write: impl FnMut(usize) -> io::Result<usize>,
) -> Result<(), Unwritten> {
    let mut written = 0;
    while written < len {
        let error = match write(written) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(n) => {
                written += n;
                continue;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => e,
        };
        return Err(Unwritten { written: before + written, error });
    }
    Ok(())
}
