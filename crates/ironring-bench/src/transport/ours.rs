//! The rings of this crate: of bytes and of values, of both kinds.

use std::{
    error::Error,
    io,
    os::fd::{AsFd, OwnedFd},
};

use ironring::{Options, Wait, mpmc, spsc};

use super::{Receiver, Sender, expect_len};

/// What a call on a ring gave; its error is kept whole.
#[inline(always)]
pub(super) fn in_order<T, E: Error + Send + Sync + 'static>(result: Result<T, E>) -> io::Result<T> {
    match result {
        Ok(done) => Ok(done),
        Err(error) => Err(failed(error)),
    }
}

#[cold]
#[inline(never)]
fn failed(error: impl Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

/// A ring of this crate, of whatever kind and messages.
pub trait Shared: AsFd + Sized {
    /// Its sending side.
    type Producer: Sender + Send;
    /// Its receiving side.
    type Consumer: Receiver + Send;

    /// A new ring.
    ///
    /// # Errors
    ///
    /// Those of the ring, here and below.
    fn anonymous(options: &Options) -> io::Result<Self>;
    /// The ring behind a descriptor.
    fn from_fd(fd: OwnedFd) -> io::Result<Self>;
    /// Attaches a producer, which waits so for room.
    fn producer(&self, wait: Wait) -> io::Result<Self::Producer>;
    /// Attaches a consumer, which waits so for messages.
    fn consumer(&self, wait: Wait) -> io::Result<Self::Consumer>;
}

macro_rules! ring {
    ($kind:ident, $message:ty $(, $words:ident)?) => {
        impl $(<const $words: usize>)? Shared for $kind::Ring<$message> {
            type Producer = $kind::Producer<$message>;
            type Consumer = $kind::Consumer<$message>;

            fn anonymous(options: &Options) -> io::Result<Self> {
                in_order(Self::anonymous(options))
            }

            fn from_fd(fd: OwnedFd) -> io::Result<Self> {
                in_order(Self::from_fd(fd))
            }

            fn producer(&self, wait: Wait) -> io::Result<Self::Producer> {
                let mut producer = in_order(self.producer())?;
                producer.set_wait(wait);
                Ok(producer)
            }

            fn consumer(&self, wait: Wait) -> io::Result<Self::Consumer> {
                let mut consumer = in_order(self.consumer())?;
                consumer.set_wait(wait);
                Ok(consumer)
            }
        }
    };
}

macro_rules! sides {
    ($kind:ident) => {
        ring!($kind, [u8]);
        ring!($kind, [u64; W], W);

        impl Sender for $kind::Producer<[u8]> {
            #[inline]
            fn send(&mut self, message: &[u8]) -> io::Result<()> {
                in_order($kind::Producer::<[u8]>::send(self, message))
            }

            #[inline]
            fn send_batch(&mut self, messages: &[u8], size: usize) -> io::Result<()> {
                let mut left = messages;
                while !left.is_empty() {
                    let (sent, _) = $kind::Producer::<[u8]>::send_batch(self, left.chunks_exact(size));
                    left = &left[sent * size..];
                    if !left.is_empty() {
                        in_order($kind::Producer::<[u8]>::send(self, &left[..size]))?;
                        left = &left[size..];
                    }
                }
                Ok(())
            }
        }

        impl Receiver for $kind::Consumer<[u8]> {
            #[inline]
            fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
                let len = in_order(self.recv_into(into))?;
                expect_len(len, into.len())
            }

            fn hold(&mut self, into: &mut [u8]) -> io::Result<()> {
                let message = in_order($kind::Consumer::<[u8]>::recv(self))?;
                let len = message.copy_to(into);
                std::mem::forget(message);
                expect_len(len, into.len())
            }

            #[inline]
            fn recv_batch(&mut self, into: &mut [u8], size: usize) -> io::Result<usize> {
                let max = into.len() / size;
                let mut batch = in_order($kind::Consumer::recv_batch(self, max))?;
                for message in into.chunks_exact_mut(size) {
                    match batch.next() {
                        Some(view) => view.copy_to(message),
                        None => break,
                    };
                }
                Ok(batch.given())
            }
        }

        impl<const W: usize> Sender for $kind::Producer<[u64; W]> {
            #[inline]
            fn send(&mut self, message: &[u8]) -> io::Result<()> {
                in_order($kind::Producer::<[u64; W]>::send(self, bytemuck::from_bytes(message)))
            }

            #[inline]
            fn send_batch(&mut self, messages: &[u8], _size: usize) -> io::Result<()> {
                let mut left: &[[u64; W]] = bytemuck::cast_slice(messages);
                while let Some(next) = left.first() {
                    let (sent, _) = $kind::Producer::<[u64; W]>::send_batch(self, left);
                    if sent == 0 {
                        in_order($kind::Producer::<[u64; W]>::send(self, next))?;
                    }
                    left = &left[sent.max(1)..];
                }
                Ok(())
            }
        }

        impl<const W: usize> Receiver for $kind::Consumer<[u64; W]> {
            #[inline]
            fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
                in_order(self.recv_into(bytemuck::from_bytes_mut(into))).map(drop)
            }

            #[inline]
            fn recv_batch(&mut self, into: &mut [u8], _size: usize) -> io::Result<usize> {
                in_order(self.recv_values(bytemuck::cast_slice_mut(into)))
            }
        }
    };
}

sides!(spsc);
sides!(mpmc);
