//! Where the messages go.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

use ironring::{Batch, View, Wary};

use crate::{failure::Failure, kind::Used};

/// What is gathered before it is written: at least so much, if there is more, in bytes.
const GATHER: usize = 64 << 10;
/// A message of this length, in bytes, is worth a system call of its own.
const LONG: usize = 16 << 10;

/// Standard output, and messages on their way to it.
pub(super) struct Sink {
    out: File,
    gathered: Box<[u8]>,
    /// Where in them each message ends.
    ends: Vec<usize>,
    /// Messages so far that had been delivered before.
    pub(super) redelivered: u64,
}

/// Why a batch was not written, and how many of its messages were.
pub(super) struct Unwritten {
    pub(super) messages: usize,
    pub(super) error: io::Error,
}

impl Sink {
    pub(super) fn new() -> Result<Self, Failure> {
        // Not `io::stdout` itself, which has a buffer of its own.
        let out = io::stdout().as_fd().try_clone_to_owned().map_err(|e| Failure::writing(&e))?;
        Ok(Self {
            out: out.into(),
            gathered: vec![0; GATHER + LONG].into(),
            ends: Vec::new(),
            redelivered: 0,
        })
    }

    /// Writes messages of `batch` until there are no more, or enough of them for the
    /// sender to have their room.
    pub(super) fn write<A: Used>(&mut self, batch: &mut Batch<'_, [u8], Wary, A>) -> Result<(), Unwritten> {
        self.ends.clear();
        let mut used = 0;
        while let Some(message) = batch.next() {
            self.redelivered += u64::from(message.is_redelivered());
            if message.len() >= LONG {
                self.write_gathered(used)?;
                return self.write_long(&message);
            }
            used += message.copy_to(&mut self.gathered[used..]);
            self.ends.push(used);
            if used >= GATHER {
                break;
            }
        }
        self.write_gathered(used)
    }

    fn write_gathered(&self, used: usize) -> Result<(), Unwritten> {
        let done = write_all(used, |from| (&self.out).write(&self.gathered[from..used]));
        done.map_err(|(written, error)| Unwritten {
            messages: self.ends.iter().filter(|end| **end <= written).count(),
            error,
        })
    }

    /// Lets the kernel take `message`, behind those that were gathered, out of the ring itself.
    fn write_long(&self, message: &View<'_, [u8]>) -> Result<(), Unwritten> {
        let done = write_all(message.len(), |from| message.write_to(&self.out, from));
        done.map_err(|(_, error)| Unwritten { messages: self.ends.len(), error })
    }
}

/// Calls `write`, which writes from an offset on, until all `len` bytes are written; says
/// where it fails how many were.
fn write_all(
    len: usize,
    mut write: impl FnMut(usize) -> io::Result<usize>,
) -> Result<(), (usize, io::Error)> {
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
        return Err((written, error));
    }
    Ok(())
}
