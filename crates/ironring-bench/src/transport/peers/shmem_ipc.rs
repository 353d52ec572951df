//! shmem-ipc: a ring of values of one size in a memfd, with an eventfd for either side.

use std::{fs::File, io};

use ironring_testkit::{Args, Role};
use shmem_ipc::sharedring;

use super::failed;
use crate::transport::{End, Idle, Link, Receiver, Sender, Setup};

/// A ring, as its maker keeps it.
pub struct ShmemIpc<const W: usize>(sharedring::Sender<[u64; W]>);

/// A side of a ring.
#[derive(Debug)]
pub struct Side<S> {
    side: S,
    idle: Idle,
}

/// How many values a ring has room for.
const fn capacity(setup: &Setup) -> usize {
    setup.messages as usize
}

/// The names of the memory and of the two signals of a ring with this name.
fn names(name: &str) -> [String; 3] {
    ["", "-empty", "-full"].map(|part| format!("{name}{part}"))
}

/// What was passed on under this name: the memory, and the two signals.
fn files(args: &mut Args, name: &str) -> [File; 3] {
    names(name).map(|name| File::from(args.fd(&name)))
}

impl<const W: usize> Link for ShmemIpc<W> {
    type Sender = Side<sharedring::Sender<[u64; W]>>;
    type Receiver = Side<sharedring::Receiver<[u64; W]>>;

    fn new(setup: &Setup) -> io::Result<Self> {
        sharedring::Sender::new(capacity(setup)).map(Self).map_err(failed)
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        let ring = &self.0;
        let files = [ring.memfd().as_file(), ring.empty_signal(), ring.full_signal()];
        names(name).iter().zip(files).fold(role, |role, (name, file)| role.pass_fd(name, file))
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Sender> {
        let [memory, empty, full] = files(args, name);
        let side = sharedring::Sender::open(capacity(setup), memory, empty, full).map_err(failed)?;
        Ok(Side { side, idle: setup.idle })
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Receiver> {
        let [memory, empty, full] = files(args, name);
        let side = sharedring::Receiver::open(capacity(setup), memory, empty, full).map_err(failed)?;
        Ok(Side { side, idle: setup.idle })
    }
}

impl<const W: usize> Side<sharedring::Sender<[u64; W]>> {
    /// Sends some of the values, at least one, when there is room: how many.
    #[inline]
    fn some(&mut self, values: &[[u64; W]]) -> io::Result<usize> {
        let mut sent = 0;
        let write = |at: *mut [u64; W], room: usize| {
            sent = room.min(values.len());
            // SAFETY: the ring gives memory for `room` values that the other side does not read until
            // they are published, and `values` is memory of this process.
            unsafe { at.copy_from_nonoverlapping(values.as_ptr(), sent) };
            sent
        };
        if self.idle.waits() {
            self.side.block_until_writable().map_err(failed)?;
            self.side.send_raw(write).map_err(failed)?;
        } else {
            self.side.sender_mut().send(write).map_err(failed)?;
        }
        if sent == 0 {
            self.idle.pause();
        }
        Ok(sent)
    }
}

impl<const W: usize> Sender for Side<sharedring::Sender<[u64; W]>> {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.send_batch(message, message.len())
    }

    #[inline]
    fn send_batch(&mut self, messages: &[u8], _size: usize) -> io::Result<()> {
        let mut left: &[[u64; W]] = bytemuck::cast_slice(messages);
        while !left.is_empty() {
            left = &left[self.some(left)?..];
        }
        Ok(())
    }
}

impl<const W: usize> Receiver for Side<sharedring::Receiver<[u64; W]>> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.recv_batch(into, into.len()).map(drop)
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], _size: usize) -> io::Result<usize> {
        let values: &mut [[u64; W]] = bytemuck::cast_slice_mut(into);
        loop {
            let mut received = 0;
            let read = |at: *const [u64; W], there: usize| {
                received = there.min(values.len());
                // SAFETY: the ring gives `there` values that the other side does not write until they
                // are given back, and `values` is memory of this process.
                unsafe { at.copy_to_nonoverlapping(values.as_mut_ptr(), received) };
                received
            };
            if self.idle.waits() {
                self.side.block_until_readable().map_err(failed)?;
                self.side.receive_raw(read).map_err(failed)?;
            } else {
                self.side.receiver_mut().recv(read).map_err(failed)?;
            }
            if received > 0 {
                return Ok(received);
            }
            self.idle.pause();
        }
    }
}
