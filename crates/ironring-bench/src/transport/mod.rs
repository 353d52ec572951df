//! What carries messages in a measurement: one trait a side, and who implements it.

mod array_queue;
mod broken;
mod datagram;
mod eventfd;
mod fifo;
mod futex;
mod idle;
mod in_place;
mod link;
#[cfg(feature = "peers")]
mod note;
mod ours;
#[cfg(feature = "peers")]
pub mod peers;
mod pipe;
mod posix_mq;
mod rtrb;
mod sockets;
mod stream;
mod sysv_mq;
mod tcp;
mod words;

use std::io;

pub use self::{
    array_queue::{Array, BackOff},
    broken::{Broken, Defect},
    eventfd::Eventfd,
    fifo::Fifo,
    futex::Futex,
    idle::Idle,
    in_place::InPlace,
    link::{End, Link, Setup},
    ours::Shared,
    pipe::Pipe,
    posix_mq::PosixMq,
    rtrb::Rtrb,
    sockets::{UnixDgram, UnixSeqpacket, UnixStream},
    sysv_mq::SysvMq,
    tcp::Tcp,
};

/// The sending side of a transport.
pub trait Sender {
    /// Sends a copy of `message`, waiting for room.
    ///
    /// # Errors
    ///
    /// Those of the transport.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// Sends copies of the messages of `size` bytes in `messages`, together where the
    /// transport can.
    ///
    /// # Errors
    ///
    /// Those of the transport.
    fn send_batch(&mut self, messages: &[u8], size: usize) -> io::Result<()> {
        messages.chunks_exact(size).try_for_each(|message| self.send(message))
    }

    /// Waits until everything has been received that would be lost, were this side dropped now: where a
    /// transport keeps it itself. The other side may take as long as it needs.
    ///
    /// # Errors
    ///
    /// If the other side does not end.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The receiving side of a transport.
pub trait Receiver {
    /// Receives a message of `into.len()` bytes, waiting for it.
    ///
    /// # Errors
    ///
    /// Those of the transport, and if the message has another length.
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()>;

    /// Receives a message and keeps it, where a transport tells one that was received from one that
    /// is done with: whoever is killed then is not done with it.
    ///
    /// # Errors
    ///
    /// As in [`recv`](Self::recv).
    fn hold(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.recv(into)
    }

    /// Receives messages of `size` bytes, at least one and at most as many as `into` has
    /// room for; returns how many.
    ///
    /// # Errors
    ///
    /// As in [`recv`](Self::recv).
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> io::Result<usize> {
        self.recv(&mut into[..size])?;
        Ok(1)
    }
}

/// The result of a system call: what it returned, or its error. Again while a signal
/// interrupts it.
fn system_call(mut call: impl FnMut() -> libc::ssize_t) -> io::Result<usize> {
    loop {
        match usize::try_from(call()) {
            Ok(done) => return Ok(done),
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

/// An error unless a message has as many bytes as were expected.
fn expect_len(found: usize, expected: usize) -> io::Result<()> {
    if found == expected {
        return Ok(());
    }
    let what = format!("a message of {found} bytes, expected {expected}");
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
