//! Room that a producer has claimed, to be written in place.

use std::{
    io,
    ops::{Deref, DerefMut},
    os::fd::AsFd,
};

use bytemuck::Pod;

use super::Producer;
use crate::{
    SendError,
    algorithm::{Algorithm, Tail},
    memory::Span,
    payload::Payload,
    trust::{Trust, Trusting},
};

/// Room for one message: write it, then [`publish`](Self::publish) or
/// [`stage`](Self::stage) it. Dropped, it is as if it had never been claimed.
///
/// What the room holds at first is undefined: bytes of earlier messages, most likely.
/// Whatever is not written before it is published is sent as it is.
///
/// ```
/// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096))?;
/// # let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
/// let mut claim = producer.claim(100)?;
/// claim.write_at(0, b"short");
/// claim.shrink(5);
/// claim.publish()?;
/// assert_eq!(consumer.try_recv()?.to_vec(), b"short");
///
/// drop(producer.claim(100)?);
/// assert!(consumer.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A claim does not outlive its producer:
///
/// ```compile_fail
/// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096)).unwrap();
/// let mut producer = ring.producer().unwrap();
/// let claim = producer.claim(8).unwrap();
/// drop(producer);
/// claim.publish().unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a claim that is dropped sends nothing"]
pub struct Claim<'a, M: Payload + ?Sized, P: Trust, A: Algorithm> {
    producer: &'a mut Producer<M, P, A>,
    room: <A::Tail<M> as Tail<M>>::Room,
    len: usize,
}

impl<'a, M: Payload + ?Sized, P: Trust, A: Algorithm> Claim<'a, M, P, A> {
    pub(super) fn new(producer: &'a mut Producer<M, P, A>, room: <A::Tail<M> as Tail<M>>::Room) -> Self {
        Self { producer, room, len: A::Tail::span(&room).len() }
    }

    /// Publishes the message, and what was staged before it.
    ///
    /// # Errors
    ///
    /// Those of [`Producer::publish`]: the message stays staged, to be published or
    /// discarded.
    #[inline]
    pub fn publish(self) -> Result<(), SendError> {
        self.producer.tail.stage_room(self.room, self.len);
        self.producer.tail.publish()
    }

    #[inline(always)]
    fn span(&self) -> Span {
        A::Tail::span(&self.room)
    }

    /// Keeps the message for the next publish.
    #[inline]
    pub fn stage(self) {
        self.producer.tail.stage_room(self.room, self.len);
    }
}

impl<P: Trust, A: Algorithm> Claim<'_, [u8], P, A> {
    /// Copies `bytes` to the room, from `offset` on.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    #[inline]
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        assert!(
            offset.checked_add(bytes.len()).is_some_and(|end| end <= self.len),
            "{} bytes at {offset} do not fit a claim of {}",
            bytes.len(),
            self.len
        );
        self.producer.tail.area().write(self.span().skip(offset), bytes);
    }

    /// Lets one `read` of `source` fill the room, from `offset` on; returns how many bytes
    /// that gave. The message's length stays as it is.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    pub fn read_from(&mut self, source: impl AsFd, offset: usize) -> io::Result<usize> {
        self.span().first(self.len).skip(offset).fill_from(source.as_fd())
    }

    /// Makes the message shorter: `len` bytes, if it is longer now.
    #[inline]
    pub fn shrink(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The message's length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the message has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T: Pod, P: Trust, A: Algorithm> Claim<'_, T, P, A> {
    /// Copies `message` to the room.
    #[inline]
    pub fn write(&mut self, message: T) {
        self.producer.tail.area().write(self.span(), bytemuck::bytes_of(&message));
    }
}

impl<A: Algorithm> Deref for Claim<'_, [u8], Trusting, A> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the span has at least `len` bytes, mapped as long as the producer
        // lives, and every byte is a value. Nobody else writes them: `trust_peers` was
        // promised that, and this process has them through this claim only.
        unsafe { std::slice::from_raw_parts(self.span().as_ptr(), self.len) }
    }
}

impl<A: Algorithm> DerefMut for Claim<'_, [u8], Trusting, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; nobody else reads them either before they are published.
        unsafe { std::slice::from_raw_parts_mut(self.span().as_ptr(), self.len) }
    }
}

impl<T: Pod, A: Algorithm> Deref for Claim<'_, T, Trusting, A> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the span has `size_of::<T>()` bytes at a multiple of a stride that the
        // alignment of `T` divides; any bytes are a `T` (it is `Pod`); nobody else writes
        // them, as `trust_peers` was promised.
        unsafe { &*self.span().as_ptr().cast() }
    }
}

impl<T: Pod, A: Algorithm> DerefMut for Claim<'_, T, Trusting, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; nobody else reads them either before they are published.
        unsafe { &mut *self.span().as_ptr().cast() }
    }
}
