//! The receiving side.

use std::marker::PhantomData;
#[cfg(not(loom))]
use std::sync::Arc;

use bytemuck::Pod;

use super::{Batch, Message};
use crate::{
    Deadline, Receives, Seat, Wait, WhenAlone,
    algorithm::{Algorithm, Found, Head},
    error::RecvError,
    payload::Payload,
    trust::{Trust, Trusting, Wary},
    waiting::{self, Waiter, Waits},
};
#[cfg(not(loom))]
use crate::{Error, Readiness, waiting::Watch};

/// The receiving side of a ring: [`spsc::Consumer`](crate::spsc::Consumer), of which there is
/// one at a time, or [`mpmc::Consumer`](crate::mpmc::Consumer).
///
/// ```
/// use ironring::{Options, RecvError, spsc};
///
/// let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
/// let mut consumer = ring.consumer()?;
/// assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
/// ring.producer()?.send(b"hello")?;
/// let mut buf = [0; 16];
/// let len = consumer.recv_into(&mut buf)?;
/// assert_eq!(&buf[..len], b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Consumer<M: Payload + ?Sized, P: Trust, A: Algorithm> {
    pub(crate) head: A::Head<M>,
    waiter: Waiter,
    #[cfg(not(loom))]
    readiness: Option<Readiness>,
    /// What wakes it among many: see [`WaitAny`](crate::WaitAny).
    #[cfg(not(loom))]
    watch: Option<Arc<Watch>>,
    _peers: PhantomData<(P, std::cell::Cell<()>)>,
}

impl<M: Payload + ?Sized, A: Algorithm> Consumer<M, Wary, A> {
    pub(crate) fn of(head: A::Head<M>) -> Self {
        Self {
            waiter: Waiter::new(head.seat()),
            #[cfg(not(loom))]
            readiness: None,
            #[cfg(not(loom))]
            watch: None,
            head,
            _peers: PhantomData,
        }
    }

    /// Unlocks messages read in place, by one promise.
    ///
    /// # Safety
    ///
    /// As long as the returned handle lives, every process that can write the region
    /// keeps the protocol of docs/LAYOUT.md: in particular, nobody writes to a message
    /// that this consumer has received and not released.
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096))?;
    /// # ring.producer()?.send(b"hello")?;
    /// // SAFETY: the region is this process's own.
    /// let mut consumer = unsafe { ring.consumer()?.trust_peers() };
    /// assert!(consumer.recv()?.starts_with(b"he"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn trust_peers(self) -> Consumer<M, Trusting, A> {
        Consumer {
            head: self.head,
            waiter: self.waiter,
            #[cfg(not(loom))]
            readiness: self.readiness,
            #[cfg(not(loom))]
            watch: self.watch,
            _peers: PhantomData,
        }
    }
}

impl<M: Payload + ?Sized, P: Trust, A: Algorithm> Consumer<M, P, A> {
    /// Receives a message if there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`], or, in a ring that was closed,
    /// [`Disconnected`](RecvError::Disconnected); [`Forked`](RecvError::Forked),
    /// [`Corrupt`](RecvError::Corrupt); in an MPMC ring [`HoldsAll`](RecvError::HoldsAll).
    #[inline]
    pub fn try_recv(&mut self) -> Result<Message<'_, M, P, A>, RecvError> {
        let found = self.find()?;
        Ok(Message::receive(self, found))
    }

    /// Receives a message, waiting for one as long as it takes.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv`](Self::try_recv) but `Empty`; when it would wait,
    /// [`RecvError::Retired`] in a ring that was removed, and
    /// [`Disconnected`](RecvError::Disconnected) as [`WhenAlone`] says.
    #[inline]
    pub fn recv(&mut self) -> Result<Message<'_, M, P, A>, RecvError> {
        self.recv_by(Deadline::NEVER)
    }

    /// Receives as [`recv`](Self::recv) does, waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv), and [`RecvError::TimedOut`].
    #[inline]
    pub fn recv_by(&mut self, deadline: impl Into<Deadline>) -> Result<Message<'_, M, P, A>, RecvError> {
        let found = self.find_by(deadline.into())?;
        Ok(Message::receive(self, found))
    }

    /// Receives up to `max` messages, waiting for the first; they are released together.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    #[inline]
    pub fn recv_batch(&mut self, max: usize) -> Result<Batch<'_, M, P, A>, RecvError> {
        self.recv_batch_by(max, Deadline::NEVER)
    }

    /// Receives as [`recv_batch`](Self::recv_batch) does, waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv_by`](Self::recv_by).
    #[inline]
    pub fn recv_batch_by(
        &mut self,
        max: usize,
        deadline: impl Into<Deadline>,
    ) -> Result<Batch<'_, M, P, A>, RecvError> {
        let first = self.find_by(deadline.into())?;
        Ok(Batch::new(self, first, max))
    }

    /// Receives up to `max` messages if there are any; they are released together.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv`](Self::try_recv).
    #[inline]
    pub fn try_recv_batch(&mut self, max: usize) -> Result<Batch<'_, M, P, A>, RecvError> {
        let first = self.find()?;
        Ok(Batch::new(self, first, max))
    }

    /// Receives a message by copying it to `into`, waiting for one; returns its length
    /// in bytes.
    ///
    /// The message is released before this returns: it is received at most once.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv), and in a byte ring [`RecvError::BufferTooShort`],
    /// which leaves the message to be received next (in an MPMC ring, by this consumer).
    #[inline]
    pub fn recv_into(&mut self, into: &mut M) -> Result<usize, RecvError> {
        self.recv_into_by(into, Deadline::NEVER)
    }

    /// Receives as [`recv_into`](Self::recv_into) does, waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv_into`](Self::recv_into), and [`RecvError::TimedOut`].
    #[inline]
    pub fn recv_into_by(&mut self, into: &mut M, deadline: impl Into<Deadline>) -> Result<usize, RecvError> {
        let into = into.bytes_mut();
        match self.head.receive_into(into) {
            Err(RecvError::Empty) => self.wait_for(deadline.into(), |head| head.receive_into(into)),
            done => done,
        }
    }

    /// Copies the message that was found, and releases it.
    #[cfg(all(feature = "async", not(loom)))]
    #[inline(always)]
    pub(crate) fn copy(&mut self, found: &Found, into: &mut M) -> Result<usize, RecvError> {
        crate::algorithm::copy(&mut self.head, found, into.bytes_mut())
    }

    /// Finds a message, or says whether there may be one later.
    #[inline(always)]
    pub(crate) fn find(&mut self) -> Result<Found, RecvError> {
        match self.head.find() {
            #[cfg(not(loom))]
            Err(RecvError::Empty) if self.readiness.is_some() => self.find_or_arm(),
            Err(RecvError::Empty) if self.head.seat().is_over() => self.find_last(),
            done => done,
        }
    }

    /// Finds a message, or has the descriptor become readable when there may be one.
    #[cfg(not(loom))]
    #[cold]
    fn find_or_arm(&mut self) -> Result<Found, RecvError> {
        let Some(readiness) = self.readiness.clone() else { return Err(RecvError::Empty) };
        readiness.look(|watch| self.poll_find(watch)).unwrap_or(Err(RecvError::Empty))
    }

    /// Finds a message, or says that there is none to come; `None` if `watch` will be rung.
    #[cfg(not(loom))]
    pub(crate) fn poll_find(&mut self, watch: &Arc<Watch>) -> Option<Result<Found, RecvError>> {
        waiting::poll(self, watch, Self::look).map(|done| done.unwrap_or_else(|end| Err(end.into())))
    }

    /// Finds a message, if there is one; for what the dead have left, too, if so asked.
    fn look(&mut self, for_the_dead: bool) -> Option<Result<Found, RecvError>> {
        self.try_to(for_the_dead, A::Head::find)
    }

    /// Makes an attempt to receive; `None` if there is no message; for what the dead have left,
    /// too, if so asked.
    fn try_to<T>(
        &mut self,
        for_the_dead: bool,
        attempt: impl FnOnce(&mut A::Head<M>) -> Result<T, RecvError>,
    ) -> Option<Result<T, RecvError>> {
        if for_the_dead {
            self.head.look_for_the_dead();
        }
        match attempt(&mut self.head) {
            Err(RecvError::Empty) => None,
            done => Some(done),
        }
    }

    /// Finds what was sent before the ring was closed, which was seen just now.
    #[cold]
    fn find_last(&mut self) -> Result<Found, RecvError> {
        match self.head.find() {
            Err(RecvError::Empty) => Err(RecvError::Disconnected),
            done => done,
        }
    }

    #[inline(always)]
    pub(crate) fn find_by(&mut self, deadline: Deadline) -> Result<Found, RecvError> {
        match self.head.find() {
            Err(RecvError::Empty) => self.wait_for(deadline, A::Head::find),
            done => done,
        }
    }

    /// Waits for a message to come, and retries.
    fn wait_for<T>(
        &mut self,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut A::Head<M>) -> Result<T, RecvError>,
    ) -> Result<T, RecvError> {
        if self.waiter.wait() != Wait::Park {
            self.head.let_some_come();
        }
        waiting::wait(self, deadline, |consumer, for_the_dead| consumer.try_to(for_the_dead, &mut attempt))?
    }

    /// How this consumer waits for messages.
    pub fn wait(&self) -> Wait {
        self.waiter.wait()
    }

    /// Sets how this consumer waits for messages.
    pub fn set_wait(&mut self, wait: Wait) -> &mut Self {
        if self.head.seat().is_here() {
            self.waiter.set_wait(wait, self.head.seat().signals());
        }
        self
    }

    /// Sets what a call does that would wait for a message when every producer is gone.
    pub fn set_when_alone(&mut self, when_alone: WhenAlone) -> &mut Self {
        self.waiter.set_when_alone(when_alone);
        self
    }

    /// A descriptor that is readable when there may be a message to receive, or the end to be
    /// told of: for `epoll` and the like.
    ///
    /// It is readable at first, and from then on whenever the ring has had a message, was closed,
    /// or a participant has died, since a receive that does not wait said
    /// [`Empty`](RecvError::Empty). So: when it is readable, receive until that; then wait for it
    /// again. It is never to be read, written or closed. Each call makes a new descriptor, in
    /// place of the one before.
    ///
    /// The first one in a process starts a thread, which sleeps for all its rings.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the system refuses a descriptor or the thread.
    ///
    /// ```
    /// use std::os::fd::AsRawFd;
    ///
    /// let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096))?;
    /// let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
    /// let readiness = consumer.readiness()?;
    /// while consumer.try_recv().is_ok() {}
    /// producer.send(b"hello")?;
    ///
    /// let mut polled = libc::pollfd { fd: readiness.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    /// // SAFETY: one descriptor, which is open.
    /// assert_eq!(unsafe { libc::poll(&raw mut polled, 1, -1) }, 1);
    /// assert_eq!(consumer.try_recv()?.to_vec(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(not(loom))]
    pub fn readiness(&mut self) -> Result<Readiness, Error> {
        let readiness = Readiness::new(self.head.seat())?;
        self.readiness = Some(readiness.clone());
        Ok(readiness)
    }

    /// Closes the ring, as [`Ring::close`](crate::Ring::close) does.
    pub fn close(&self) {
        self.head.seat().region().close();
    }

    /// Whether the ring was closed since this consumer attached, or before: it receives what
    /// is left, and then [`RecvError::Disconnected`].
    pub fn is_closed(&self) -> bool {
        !self.head.seat().is_here() || self.head.seat().is_over()
    }

    /// What was published and not released: bytes in a byte ring (headers and padding
    /// included), else messages. A snapshot; a producer that was killed may have
    /// published a little more.
    pub fn len(&self) -> u64 {
        self.head.len()
    }

    /// Whether there is no message to receive. A snapshot.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// The size of the data area: bytes in a byte ring, else messages.
    pub fn capacity(&self) -> u64 {
        self.head.capacity()
    }

    /// The longest message in bytes.
    pub fn max_message(&self) -> usize {
        self.head.max_message()
    }

    /// Whether the ring was removed: no new participant finds it by its name.
    pub fn is_retired(&self) -> bool {
        self.head.seat().is_retired()
    }
}

impl<T: Pod, P: Trust, A: Algorithm> Consumer<T, P, A> {
    /// Receives a message by value, waiting for one. It is released before this returns:
    /// it is received at most once.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    #[inline]
    pub fn recv_value(&mut self) -> Result<T, RecvError> {
        let mut value = T::zeroed();
        self.recv_into(&mut value)?;
        Ok(value)
    }

    /// Receives as [`recv_value`](Self::recv_value) does, waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv_by`](Self::recv_by).
    #[inline]
    pub fn recv_value_by(&mut self, deadline: impl Into<Deadline>) -> Result<T, RecvError> {
        let mut value = T::zeroed();
        self.recv_into_by(&mut value, deadline)?;
        Ok(value)
    }

    /// Receives messages by value, as many as there are and fit into `values`, waiting
    /// for the first; returns how many. They are released before this returns: they are
    /// received at most once.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<u64>::anonymous(&ironring::Options::messages(8))?;
    /// # let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
    /// producer.send_batch(&[1, 2, 3]);
    /// let mut values = [0; 8];
    /// assert_eq!(consumer.recv_values(&mut values)?, 3);
    /// assert_eq!(values[..3], [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv_values(&mut self, values: &mut [T]) -> Result<usize, RecvError> {
        self.recv_values_by(values, Deadline::NEVER)
    }

    /// Receives as [`recv_values`](Self::recv_values) does, waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv_by`](Self::recv_by).
    #[inline]
    pub fn recv_values_by(
        &mut self,
        values: &mut [T],
        deadline: impl Into<Deadline>,
    ) -> Result<usize, RecvError> {
        if values.is_empty() {
            return Ok(0);
        }
        self.find_by(deadline.into())?;
        self.head.receive_values(bytemuck::cast_slice_mut(values))
    }
}

impl<M: Payload + ?Sized, P: Trust, A: Algorithm> Waits for Consumer<M, P, A> {
    fn waiter(&mut self) -> (&mut Waiter, &Seat) {
        (&mut self.waiter, self.head.seat())
    }
}

impl<M: Payload + ?Sized, P: Trust, A: Algorithm> Receives for Consumer<M, P, A> {
    fn look(&mut self, for_the_dead: bool) -> Option<Result<(), RecvError>> {
        self.look(for_the_dead).map(|found| found.map(drop))
    }

    #[cfg(not(loom))]
    fn watched(&mut self, rung: fn()) -> Result<&Watch, Error> {
        let watch = match self.watch.take() {
            Some(watch) => watch,
            None => Watch::new(self.head.seat(), rung)?,
        };
        Ok(self.watch.insert(watch))
    }

    #[cfg(not(loom))]
    fn is_told_of_death(&mut self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_to_look_round())
    }
}
