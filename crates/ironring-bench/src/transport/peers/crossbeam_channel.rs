//! crossbeam's channel, between threads.

use std::io;

use ::crossbeam_channel::{TryRecvError, TrySendError};

use super::failed;
use crate::transport::{Idle, Receiver, Sender};

/// A side of a bounded channel.
#[derive(Clone, Debug)]
pub struct Crossbeam<S> {
    side: S,
    idle: Idle,
}

type Sending<const W: usize> = Crossbeam<::crossbeam_channel::Sender<[u64; W]>>;
type Receiving<const W: usize> = Crossbeam<::crossbeam_channel::Receiver<[u64; W]>>;

/// The sides of a channel for so many messages.
#[must_use]
pub fn channel<const W: usize>(messages: u64, idle: Idle) -> (Sending<W>, Receiving<W>) {
    let (sender, receiver) = ::crossbeam_channel::bounded(messages as usize);
    (Crossbeam { side: sender, idle }, Crossbeam { side: receiver, idle })
}

impl<const W: usize> Sender for Sending<W> {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let value: [u64; W] = bytemuck::pod_read_unaligned(message);
        if self.idle.waits() {
            return self.side.send(value).map_err(failed);
        }
        self.idle.until(|| match self.side.try_send(value) {
            Ok(()) => Ok(Some(())),
            Err(TrySendError::Full(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        })
    }
}

impl<const W: usize> Receiver for Receiving<W> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let value = if self.idle.waits() {
            self.side.recv().map_err(failed)?
        } else {
            self.idle.until(|| match self.side.try_recv() {
                Ok(value) => Ok(Some(value)),
                Err(TryRecvError::Empty) => Ok(None),
                Err(error) => Err(failed(error)),
            })?
        };
        into.copy_from_slice(bytemuck::bytes_of(&value));
        Ok(())
    }
}
