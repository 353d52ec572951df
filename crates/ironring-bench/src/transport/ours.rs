//! The rings of this crate: of bytes and of values, of both kinds.

use std::os::fd::{AsFd, OwnedFd};

use ironring::{Options, Wait, mpmc, spsc};

use super::{Receiver, Sender};

/// A ring of this crate, of whatever kind and messages.
pub trait Shared: AsFd + Sized {
    /// Its sending side.
    type Producer: Sender + Send;
    /// Its receiving side.
    type Consumer: Receiver + Send;

    /// A new ring.
    fn anonymous(options: &Options) -> Self;
    /// The ring behind a descriptor.
    fn from_fd(fd: OwnedFd) -> Self;
    /// Attaches a producer, which waits so for room.
    fn producer(&self, wait: Wait) -> Self::Producer;
    /// Attaches a consumer, which waits so for messages.
    fn consumer(&self, wait: Wait) -> Self::Consumer;
}

macro_rules! ring {
    ($kind:ident, $message:ty $(, $words:ident)?) => {
        impl $(<const $words: usize>)? Shared for $kind::Ring<$message> {
            type Producer = $kind::Producer<$message>;
            type Consumer = $kind::Consumer<$message>;

            fn anonymous(options: &Options) -> Self {
                Self::anonymous(options).expect("a ring")
            }

            fn from_fd(fd: OwnedFd) -> Self {
                Self::from_fd(fd).expect("the ring of the descriptor")
            }

            fn producer(&self, wait: Wait) -> Self::Producer {
                let mut producer = self.producer().expect("a producer");
                producer.set_wait(wait);
                producer
            }

            fn consumer(&self, wait: Wait) -> Self::Consumer {
                let mut consumer = self.consumer().expect("a consumer");
                consumer.set_wait(wait);
                consumer
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
            fn send(&mut self, message: &[u8]) {
                $kind::Producer::<[u8]>::send(self, message).expect("a ring in order");
            }

            #[inline]
            fn send_batch(&mut self, messages: &[u8], size: usize) {
                let mut left = messages;
                while !left.is_empty() {
                    let (sent, _) = $kind::Producer::<[u8]>::send_batch(self, left.chunks_exact(size));
                    left = &left[sent * size..];
                    if !left.is_empty() {
                        $kind::Producer::<[u8]>::send(self, &left[..size]).expect("a ring in order");
                        left = &left[size..];
                    }
                }
            }
        }

        impl Receiver for $kind::Consumer<[u8]> {
            #[inline]
            fn recv(&mut self, into: &mut [u8]) {
                self.recv_into(into).expect("a ring in order");
            }

            #[inline]
            fn recv_batch(&mut self, into: &mut [u8], size: usize) -> usize {
                let max = into.len() / size;
                let mut batch = $kind::Consumer::recv_batch(self, max).expect("a ring in order");
                for message in into.chunks_exact_mut(size) {
                    match batch.next() {
                        Some(view) => view.copy_to(message),
                        None => break,
                    };
                }
                batch.given()
            }
        }

        impl<const W: usize> Sender for $kind::Producer<[u64; W]> {
            #[inline]
            fn send(&mut self, message: &[u8]) {
                $kind::Producer::<[u64; W]>::send(self, bytemuck::from_bytes(message))
                    .expect("a ring in order");
            }

            #[inline]
            fn send_batch(&mut self, messages: &[u8], _size: usize) {
                let mut left: &[[u64; W]] = bytemuck::cast_slice(messages);
                while let Some(next) = left.first() {
                    let (sent, _) = $kind::Producer::<[u64; W]>::send_batch(self, left);
                    if sent == 0 {
                        $kind::Producer::<[u64; W]>::send(self, next).expect("a ring in order");
                    }
                    left = &left[sent.max(1)..];
                }
            }
        }

        impl<const W: usize> Receiver for $kind::Consumer<[u64; W]> {
            #[inline]
            fn recv(&mut self, into: &mut [u8]) {
                self.recv_into(bytemuck::from_bytes_mut(into)).expect("a ring in order");
            }

            #[inline]
            fn recv_batch(&mut self, into: &mut [u8], _size: usize) -> usize {
                self.recv_values(bytemuck::cast_slice_mut(into)).expect("a ring in order")
            }
        }
    };
}

sides!(spsc);
sides!(mpmc);
