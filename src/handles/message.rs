//! Messages as a consumer receives them: one, or a batch, released when dropped.

use std::{io, marker::PhantomData, ops::Deref, os::fd::AsFd};

use bytemuck::Pod;

use super::Consumer;
use crate::{
    algorithm::{Algorithm, Found, Head},
    memory::Area,
    payload::Payload,
    trust::{Trust, Trusting, Wary},
};

/// A message where it lies in the ring.
#[derive(Debug)]
pub struct View<'a, M: Payload + ?Sized, P: Trust = Wary> {
    area: &'a Area,
    found: Found,
    _payload: PhantomData<fn(&M)>,
    _peers: PhantomData<P>,
}

impl<'a, M: Payload + ?Sized, P: Trust> View<'a, M, P> {
    pub(crate) fn new(area: &'a Area, found: Found) -> Self {
        Self { area, found, _payload: PhantomData, _peers: PhantomData }
    }

    /// Where in the ring's life the message lies: bytes since the ring was made in a byte
    /// ring, else messages.
    #[inline]
    pub fn position(&self) -> u64 {
        self.found.position
    }

    /// Whether it was received before, by this consumer or by one that died holding it.
    #[inline]
    pub fn is_redelivered(&self) -> bool {
        self.found.deliveries > 1
    }

    /// How often it was delivered, this time included. An SPSC ring does not count beyond 2.
    #[inline]
    pub fn deliveries(&self) -> u32 {
        self.found.deliveries
    }

    /// Which participant sent it, in an MPMC ring.
    #[inline]
    pub fn sender(&self) -> Option<u32> {
        self.found.sender
    }
}

impl<M: Payload + ?Sized, P: Trust> Clone for View<'_, M, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Payload + ?Sized, P: Trust> Copy for View<'_, M, P> {}

impl<P: Trust> View<'_, [u8], P> {
    /// The message's length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.found.span.len()
    }

    /// Whether the message has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tag that the sender gave it.
    #[inline]
    pub fn tag(&self) -> u32 {
        self.found.tag
    }

    /// Copies the message to the start of `buf`, or as much of it as `buf` takes; returns
    /// how many bytes that is.
    #[inline]
    pub fn copy_to(&self, buf: &mut [u8]) -> usize {
        self.area.read(self.found.span, buf)
    }

    /// A copy of the message.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut copy = vec![0; self.len()];
        self.copy_to(&mut copy);
        copy
    }

    /// Lets one `write` to `sink` take the message's bytes from `offset` on; returns how
    /// many it took.
    ///
    /// # Errors
    ///
    /// Those of `write(2)`.
    pub fn write_to(&self, sink: impl AsFd, offset: usize) -> io::Result<usize> {
        self.found.span.skip(offset).drain_to(sink.as_fd())
    }
}

impl<T: Pod, P: Trust> View<'_, T, P> {
    /// A copy of the message.
    #[inline]
    pub fn get(&self) -> T {
        let mut copy = T::zeroed();
        self.area.read(self.found.span, bytemuck::bytes_of_mut(&mut copy));
        copy
    }
}

impl Deref for View<'_, [u8], Trusting> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the span lies in an area that is mapped as long as the consumer which
        // `self` borrows; every byte is a value. Nobody writes it before it is released:
        // `trust_peers` was promised that.
        unsafe { std::slice::from_raw_parts(self.found.span.as_ptr(), self.found.span.len()) }
    }
}

impl<T: Pod> Deref for View<'_, T, Trusting> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the span has `size_of::<T>()` bytes at a multiple of a stride that the
        // alignment of `T` divides; any bytes are a `T` (it is `Pod`); nobody writes them
        // before they are released, as `trust_peers` was promised.
        unsafe { &*self.found.span.as_ptr().cast() }
    }
}

/// A received message, released when it is dropped.
///
/// Dropped by a panic, it goes back: the next receive gives it again, marked (in a ring
/// of at-most-once delivery it is released all the same).
///
/// ```
/// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096))?;
/// # let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
/// producer.set_tag(3).send(b"hello")?;
/// let message = consumer.recv()?;
/// assert_eq!((message.to_vec(), message.tag()), (b"hello".to_vec(), 3));
/// message.hand_back();
/// assert!(consumer.recv()?.is_redelivered());
/// assert!(consumer.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It does not outlive its consumer, and there is one at a time:
///
/// ```compile_fail
/// # let ring = ironring::spsc::Ring::<u64>::anonymous(&ironring::Options::messages(4)).unwrap();
/// let mut consumer = ring.consumer().unwrap();
/// let first = consumer.recv().unwrap();
/// let second = consumer.recv().unwrap();
/// first.get();
/// ```
#[derive(Debug)]
pub struct Message<'a, M: Payload + ?Sized, P: Trust, A: Algorithm> {
    consumer: &'a mut Consumer<M, P, A>,
    found: Found,
}

impl<'a, M: Payload + ?Sized, P: Trust, A: Algorithm> Message<'a, M, P, A> {
    /// Takes `found`, which lies at the front of the consumer's ring.
    #[inline(always)]
    pub(super) fn receive(consumer: &'a mut Consumer<M, P, A>, found: Found) -> Self {
        consumer.head.receive(&found);
        Self { consumer, found }
    }

    /// The message where it lies.
    #[inline]
    pub fn view(&self) -> View<'_, M, P> {
        View::new(self.consumer.head.area(), self.found)
    }

    /// Releases the message: the same as dropping it.
    #[inline]
    pub fn release(self) {}

    /// Hands the message back: the next receive gives it again, marked. In a ring of
    /// at-most-once delivery it is released.
    pub fn hand_back(self) {
        self.consumer.head.hand_back(&self.found, 0);
        std::mem::forget(self);
    }

    /// Where in the ring's life the message lies: see [`View::position`].
    #[inline]
    pub fn position(&self) -> u64 {
        self.found.position
    }

    /// How often it was delivered: see [`View::deliveries`].
    #[inline]
    pub fn deliveries(&self) -> u32 {
        self.found.deliveries
    }

    /// Which participant sent it: see [`View::sender`].
    #[inline]
    pub fn sender(&self) -> Option<u32> {
        self.found.sender
    }

    /// Whether it was received before: see [`View::is_redelivered`].
    #[inline]
    pub fn is_redelivered(&self) -> bool {
        self.found.deliveries > 1
    }
}

/// Byte messages: the methods of [`View`].
impl<P: Trust, A: Algorithm> Message<'_, [u8], P, A> {
    /// The message's length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.found.span.len()
    }

    /// Whether the message has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tag that the sender gave it.
    #[inline]
    pub fn tag(&self) -> u32 {
        self.found.tag
    }

    /// Copies the message to the start of `buf`: see [`View::copy_to`].
    #[inline]
    pub fn copy_to(&self, buf: &mut [u8]) -> usize {
        self.view().copy_to(buf)
    }

    /// A copy of the message.
    pub fn to_vec(&self) -> Vec<u8> {
        self.view().to_vec()
    }
}

impl<T: Pod, P: Trust, A: Algorithm> Message<'_, T, P, A> {
    /// A copy of the message.
    #[inline]
    pub fn get(&self) -> T {
        self.view().get()
    }
}

impl<A: Algorithm> Deref for Message<'_, [u8], Trusting, A> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: as in `View::deref`; the consumer is borrowed as long as `self`.
        unsafe { std::slice::from_raw_parts(self.found.span.as_ptr(), self.found.span.len()) }
    }
}

impl<T: Pod, A: Algorithm> Deref for Message<'_, T, Trusting, A> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: as in `View::deref`; the consumer is borrowed as long as `self`.
        unsafe { &*self.found.span.as_ptr().cast() }
    }
}

impl<M: Payload + ?Sized, P: Trust, A: Algorithm> Drop for Message<'_, M, P, A> {
    #[inline]
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.consumer.head.hand_back(&self.found, 0);
        } else {
            self.consumer.head.release();
        }
    }
}

/// Several messages, received one after the other and released together when this is
/// dropped: those that [`next`](Self::next) has given.
///
/// ```
/// # let ring = ironring::spsc::Ring::<u64>::anonymous(&ironring::Options::messages(8))?;
/// # let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
/// producer.send_batch(&[1, 2, 3]);
/// let mut batch = consumer.recv_batch(2)?;
/// let mut sum = 0;
/// while let Some(message) = batch.next() {
///     sum += message.get();
/// }
/// assert_eq!(sum, 3);
/// drop(batch);
/// assert_eq!(consumer.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Batch<'a, M: Payload + ?Sized, P: Trust, A: Algorithm> {
    consumer: &'a mut Consumer<M, P, A>,
    first: Found,
    given: usize,
    max: usize,
}

impl<'a, M: Payload + ?Sized, P: Trust, A: Algorithm> Batch<'a, M, P, A> {
    /// A batch of up to `max` messages, of which `first` is the first.
    pub(super) fn new(consumer: &'a mut Consumer<M, P, A>, first: Found, max: usize) -> Self {
        Self { consumer, first, given: 0, max }
    }

    /// The next message, if there is one by now and the batch is not full.
    ///
    /// Corruption found here ends the batch; the next receive reports it.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "what it gives borrows the batch")]
    pub fn next(&mut self) -> Option<View<'_, M, P>> {
        if self.given == self.max {
            return None;
        }
        let found = if self.given == 0 { self.first } else { self.consumer.head.find().ok()? };
        self.consumer.head.receive(&found);
        self.given += 1;
        Some(View::new(self.consumer.head.area(), found))
    }

    /// How many messages it has given so far.
    pub fn given(&self) -> usize {
        self.given
    }

    /// Hands all its messages back: the next receive gives them again, marked. In a ring
    /// of at-most-once delivery they are released.
    pub fn hand_back(self) {
        self.consumer.head.hand_back(&self.first, 0);
        std::mem::forget(self);
    }

    /// Releases the first `done` of the messages that it has given, and hands the others back,
    /// as [`hand_back`](Self::hand_back) does.
    ///
    /// ```
    /// # let ring = ironring::mpmc::Ring::<u64>::anonymous(&ironring::Options::messages(8))?;
    /// # let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
    /// producer.send_batch(&[1, 2, 3]);
    /// let mut batch = consumer.recv_batch(3)?;
    /// while batch.next().is_some() {}
    /// batch.hand_back_after(2);
    /// assert_eq!(consumer.recv_value()?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hand_back_after(self, done: usize) {
        if done < self.given {
            self.consumer.head.hand_back(&self.first, done);
            std::mem::forget(self);
        }
    }
}

impl<M: Payload + ?Sized, P: Trust, A: Algorithm> Drop for Batch<'_, M, P, A> {
    #[inline]
    fn drop(&mut self) {
        if self.given == 0 {
            return;
        }
        if std::thread::panicking() {
            self.consumer.head.hand_back(&self.first, 0);
        } else {
            self.consumer.head.release();
        }
    }
}
