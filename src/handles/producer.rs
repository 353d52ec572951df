//! The sending side.

use std::marker::PhantomData;

use bytemuck::Pod;

use super::Claim;
use crate::{
    Deadline, Seat, Wait, WhenAlone,
    algorithm::{Algorithm, Tail},
    error::SendError,
    payload::Payload,
    trust::{Trust, Trusting, Wary},
    waiting::{self, Waiter, Waits},
};

/// The sending side of a ring: [`spsc::Producer`](crate::spsc::Producer), of which there is
/// one at a time, or [`mpmc::Producer`](crate::mpmc::Producer).
///
/// ```
/// use ironring::{Options, SendError, spsc};
///
/// let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(64))?;
/// let mut producer = ring.producer()?;
/// producer.set_tag(7).try_send(b"first")?;
/// assert_eq!(producer.last_published().map(|last| last.tag), Some(7));
/// while producer.try_send(b"more").is_ok() {}
/// assert_eq!(producer.try_send(b"more"), Err(SendError::Full));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It may move to another thread, but not be used by two at once:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<ironring::spsc::Producer<[u8]>>();
/// ```
#[derive(Debug)]
pub struct Producer<M: Payload + ?Sized, P: Trust, A: Algorithm> {
    pub(crate) tail: A::Tail<M>,
    waiter: Waiter,
    _peers: PhantomData<(P, std::cell::Cell<()>)>,
}

/// Where the last message of a ring was published, and with what tag.
///
/// After a restart this tells a producer where its predecessor stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The message's position: bytes since the ring was made in a byte ring, else messages.
    pub position: u64,
    /// The message's tag; 0 in a typed ring, whose messages have none.
    pub tag: u32,
}

impl<M: Payload + ?Sized, A: Algorithm> Producer<M, Wary, A> {
    pub(crate) fn of(tail: A::Tail<M>) -> Self {
        Self { waiter: Waiter::new(tail.seat()), tail, _peers: PhantomData }
    }

    /// Unlocks messages written in place, by one promise.
    ///
    /// # Safety
    ///
    /// As long as the returned handle lives, every process that can write the region
    /// keeps the protocol of docs/LAYOUT.md: in particular, nobody but this producer
    /// writes to room that this producer has claimed.
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096))?;
    /// // SAFETY: the region is this process's own.
    /// let mut producer = unsafe { ring.producer()?.trust_peers() };
    /// let mut claim = producer.claim(5)?;
    /// claim.copy_from_slice(b"hello");
    /// claim.publish()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn trust_peers(self) -> Producer<M, Trusting, A> {
        Producer { tail: self.tail, waiter: self.waiter, _peers: PhantomData }
    }
}

impl<M: Payload + ?Sized, P: Trust, A: Algorithm> Producer<M, P, A> {
    /// Sends a copy of `message` if there is room, with what is staged before it.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`], [`TooLong`](SendError::TooLong),
    /// [`Disconnected`](SendError::Disconnected) in a ring that was closed,
    /// [`Forked`](SendError::Forked), [`Corrupt`](SendError::Corrupt).
    #[inline]
    pub fn try_send(&mut self, message: &M) -> Result<(), SendError> {
        self.tail.send_bytes(message.bytes())
    }

    /// Sends a copy of `message`, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// Those of [`try_send`](Self::try_send) but `Full`; when it would wait,
    /// [`SendError::Retired`] in a ring that was removed, and
    /// [`Disconnected`](SendError::Disconnected) as [`WhenAlone`] says.
    #[inline]
    pub fn send(&mut self, message: &M) -> Result<(), SendError> {
        self.send_bytes_by(message.bytes(), Deadline::NEVER)
    }

    /// Sends as [`send`](Self::send) does, waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and [`SendError::TimedOut`].
    ///
    /// ```
    /// use std::time::Duration;
    /// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096))?;
    /// # let mut producer = ring.producer()?;
    /// producer.send_by(b"in time", Duration::from_millis(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send_by(&mut self, message: &M, deadline: impl Into<Deadline>) -> Result<(), SendError> {
        self.send_bytes_by(message.bytes(), deadline.into())
    }

    /// Writes a copy of `message` to the ring, to be published with what follows it.
    ///
    /// # Errors
    ///
    /// Those of [`try_send`](Self::try_send).
    #[inline]
    pub fn stage(&mut self, message: &M) -> Result<(), SendError> {
        self.tail.stage_bytes(message.bytes())
    }

    /// Publishes everything staged, at once.
    ///
    /// # Errors
    ///
    /// [`SendError::Disconnected`] in a ring that was closed; [`SendError::Forked`]; in an MPMC
    /// ring, [`SendError::Full`] if others have filled it meanwhile, and
    /// [`SendError::Corrupt`]. Then everything stays staged.
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<u64>::anonymous(&ironring::Options::messages(8))?;
    /// # let (mut producer, consumer) = (ring.producer()?, ring.consumer()?);
    /// producer.stage(&1)?;
    /// producer.stage(&2)?;
    /// assert!(consumer.is_empty());
    /// producer.publish()?;
    /// assert_eq!(consumer.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn publish(&mut self) -> Result<(), SendError> {
        self.tail.publish()
    }

    /// Takes back everything staged and not published.
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<u64>::anonymous(&ironring::Options::messages(8))?;
    /// # let (mut producer, consumer) = (ring.producer()?, ring.consumer()?);
    /// producer.stage(&1)?;
    /// producer.discard_staged();
    /// producer.publish()?;
    /// assert!(consumer.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn discard_staged(&mut self) {
        self.tail.discard_staged();
    }

    #[inline(always)]
    fn send_bytes_by(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), SendError> {
        match self.tail.send_bytes(bytes) {
            Err(SendError::Full) => self.wait_for(deadline, |producer| producer.tail.send_bytes(bytes)),
            done => done,
        }
    }

    /// Publishes what is staged, for the consumer to make room, and retries.
    #[cold]
    fn wait_for<T>(
        &mut self,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Self) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        let stays_awake = self.waiter.wait() != Wait::Park;
        waiting::wait(self, deadline, |producer, _| {
            let done = producer.publish_and(&mut attempt);
            if done.is_none() && stays_awake {
                producer.tail.let_some_go();
            }
            done
        })?
    }

    /// Publishes what is staged, and makes the attempt; `None` if there is no room for either.
    fn publish_and<T>(
        &mut self,
        attempt: impl FnOnce(&mut Self) -> Result<T, SendError>,
    ) -> Option<Result<T, SendError>> {
        match self.publish().and_then(|()| attempt(self)) {
            Err(SendError::Full) => None,
            done => Some(done),
        }
    }

    /// Sends a copy of `message`, or says why it never will be; `None` if `watch` will be rung.
    #[cfg(all(feature = "async", not(loom)))]
    pub(crate) fn poll_send(
        &mut self,
        message: &M,
        watch: &std::sync::Arc<waiting::Watch>,
    ) -> Option<Result<(), SendError>> {
        let send = |producer: &mut Self| producer.tail.send_bytes(message.bytes());
        waiting::poll(self, watch, |producer, _| producer.publish_and(send))
            .map(|done| done.unwrap_or_else(|end| Err(end.into())))
    }

    /// How this producer waits for room.
    pub fn wait(&self) -> Wait {
        self.waiter.wait()
    }

    /// Sets how this producer waits for room.
    pub fn set_wait(&mut self, wait: Wait) -> &mut Self {
        if self.tail.seat().is_here() {
            self.waiter.set_wait(wait, self.tail.seat().signals());
        }
        self
    }

    /// Sets what a call does that would wait for room when every consumer is gone.
    pub fn set_when_alone(&mut self, when_alone: WhenAlone) -> &mut Self {
        self.waiter.set_when_alone(when_alone);
        self
    }

    /// Closes the ring, as [`Ring::close`](crate::Ring::close) does. What is staged and not
    /// published is not sent.
    pub fn close(&self) {
        self.tail.seat().region().close();
    }

    /// Whether the ring was closed since this producer attached, or before: it sends nothing
    /// any more.
    pub fn is_closed(&self) -> bool {
        !self.tail.seat().is_here() || self.tail.seat().is_over()
    }

    fn send_all<B: AsRef<[u8]>>(
        &mut self,
        messages: impl IntoIterator<Item = B>,
    ) -> (usize, Result<(), SendError>) {
        let (mut sent, mut staged, mut before) = (0, 0, self.tail.staged());
        for message in messages {
            let message = message.as_ref();
            let mut done = self.tail.stage_bytes(message);
            if done == Err(SendError::Full) && self.tail.staged() != 0 {
                // It may find room when those before it are gone.
                if let Err(error) = self.publish_or_unstage(before) {
                    return (sent, Err(error));
                }
                (sent, staged, before) = (sent + staged, 0, 0);
                done = self.tail.stage_bytes(message);
            }
            if let Err(error) = done {
                let published = self.publish_or_unstage(before);
                return (sent + if published.is_ok() { staged } else { 0 }, Err(error));
            }
            staged += 1;
        }
        match self.publish_or_unstage(before) {
            Ok(()) => (sent + staged, Ok(())),
            Err(error) => (sent, Err(error)),
        }
    }

    /// Publishes what is staged, or takes back what was staged since there was `before`.
    #[inline(always)]
    fn publish_or_unstage(&mut self, before: u64) -> Result<(), SendError> {
        let done = self.tail.publish();
        if done.is_err() {
            self.tail.unstage(before);
        }
        done
    }

    /// What was last published in this ring, by this producer or one before it; `None`
    /// in a ring that was never used.
    pub fn last_published(&self) -> Option<Published> {
        self.tail.last_published()
    }

    /// What the ring holds that the consumer has not released: bytes in a byte ring
    /// (headers and padding included), else messages. A snapshot.
    pub fn len(&self) -> u64 {
        self.tail.len()
    }

    /// Whether the consumer has released everything. A snapshot.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room for one more message: in a byte ring, not even for an
    /// empty one. A snapshot.
    pub fn is_full(&self) -> bool {
        self.tail.is_full()
    }

    /// The size of the data area: bytes in a byte ring, else messages.
    pub fn capacity(&self) -> u64 {
        self.tail.capacity()
    }

    /// The longest message in bytes.
    pub fn max_message(&self) -> usize {
        self.tail.max_message()
    }

    /// Whether the ring was removed: no new participant finds it by its name.
    pub fn is_retired(&self) -> bool {
        self.tail.seat().is_retired()
    }
}

/// Byte messages.
impl<P: Trust, A: Algorithm> Producer<[u8], P, A> {
    /// Sets the tag of the messages that are staged or sent from now on; 0 at first.
    pub fn set_tag(&mut self, tag: u32) -> &mut Self {
        self.tail.set_tag(tag);
        self
    }

    /// Sends copies of `messages`, as many as there is room for: with one publish in an SPSC
    /// ring, with one for each slot that they fill in an MPMC ring. Returns how many those
    /// are, and why it were not all.
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(64))?;
    /// # let mut producer = ring.producer()?;
    /// let (sent, why) = producer.send_batch(["four", "messages", "too", "many!!!!!!!!!!!!!!!"]);
    /// assert_eq!((sent, why), (3, Err(ironring::SendError::Full)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_batch<B: AsRef<[u8]>>(
        &mut self,
        messages: impl IntoIterator<Item = B>,
    ) -> (usize, Result<(), SendError>) {
        self.send_all(messages)
    }

    /// Claims room for a message of up to `len` bytes, to be written in place.
    ///
    /// # Errors
    ///
    /// Those of [`try_send`](Self::try_send).
    #[inline]
    pub fn claim(&mut self, len: usize) -> Result<Claim<'_, [u8], P, A>, SendError> {
        let room = self.tail.reserve(len)?;
        Ok(Claim::new(self, room))
    }

    /// Claims as [`claim`](Self::claim) does, waiting for room until `deadline`.
    ///
    /// # Errors
    ///
    /// Those of [`send_by`](Self::send_by).
    #[inline]
    pub fn claim_by(
        &mut self,
        len: usize,
        deadline: impl Into<Deadline>,
    ) -> Result<Claim<'_, [u8], P, A>, SendError> {
        let room = match self.tail.reserve(len) {
            Err(SendError::Full) => self.wait_for(deadline.into(), |producer| producer.tail.reserve(len))?,
            done => done?,
        };
        Ok(Claim::new(self, room))
    }
}

/// Messages of one type.
impl<T: Pod, P: Trust, A: Algorithm> Producer<T, P, A> {
    /// Sends `messages`, as many as there is room for: with one publish in an SPSC ring, with
    /// one for each slot that they fill in an MPMC ring. Returns how many those are, and why
    /// it were not all.
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<u64>::anonymous(&ironring::Options::messages(4))?;
    /// # let mut producer = ring.producer()?;
    /// let (sent, why) = producer.send_batch(&[1, 2, 3, 4, 5]);
    /// assert_eq!((sent, why), (4, Err(ironring::SendError::Full)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send_batch(&mut self, messages: &[T]) -> (usize, Result<(), SendError>) {
        let mut sent = 0;
        loop {
            let before = self.tail.staged();
            let staged = self.tail.stage_values(bytemuck::cast_slice(&messages[sent..]));
            if let Err(error) = self.publish_or_unstage(before) {
                return (sent, Err(error));
            }
            match staged {
                Ok(staged) => sent += staged,
                // There may be room where the staged ones are gone.
                Err(SendError::Full) if before != 0 => {}
                Err(error) => return (sent, Err(error)),
            }
            if sent == messages.len() {
                return (sent, Ok(()));
            }
        }
    }

    /// Claims room for a message, to be written in place.
    ///
    /// # Errors
    ///
    /// Those of [`try_send`](Self::try_send).
    #[inline]
    pub fn claim(&mut self) -> Result<Claim<'_, T, P, A>, SendError> {
        let room = self.tail.reserve(size_of::<T>())?;
        Ok(Claim::new(self, room))
    }

    /// Claims as [`claim`](Self::claim) does, waiting for room until `deadline`.
    ///
    /// # Errors
    ///
    /// Those of [`send_by`](Self::send_by).
    #[inline]
    pub fn claim_by(&mut self, deadline: impl Into<Deadline>) -> Result<Claim<'_, T, P, A>, SendError> {
        let room = match self.tail.reserve(size_of::<T>()) {
            Err(SendError::Full) => {
                self.wait_for(deadline.into(), |producer| producer.tail.reserve(size_of::<T>()))?
            }
            done => done?,
        };
        Ok(Claim::new(self, room))
    }
}

impl<M: Payload + ?Sized, P: Trust, A: Algorithm> Waits for Producer<M, P, A> {
    fn waiter(&mut self) -> (&mut Waiter, &Seat) {
        (&mut self.waiter, self.tail.seat())
    }
}
