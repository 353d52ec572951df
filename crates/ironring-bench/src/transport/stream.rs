//! Streams of bytes through descriptors: messages have one length, which both sides know.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
};

use super::{Receiver, Sender};

/// An end of a stream. A message or a batch of them is one `write`; a receiver asks with one
/// `read` for one message, or for a batch, and takes what is there.
#[derive(Debug)]
pub struct Stream(File);

impl From<OwnedFd> for Stream {
    fn from(fd: OwnedFd) -> Self {
        Self(File::from(fd))
    }
}

impl Sender for Stream {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.write_all(message)
    }

    fn send_batch(&mut self, messages: &[u8], _size: usize) -> io::Result<()> {
        self.0.write_all(messages)
    }
}

impl Receiver for Stream {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(into)
    }

    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> io::Result<usize> {
        let there = self.0.read(into)?;
        // At the end of the stream, and behind part of a message, the rest of one is due.
        let whole = there.next_multiple_of(size).max(size);
        self.0.read_exact(&mut into[there..whole])?;
        Ok(whole / size)
    }
}
