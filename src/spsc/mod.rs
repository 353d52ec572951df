//! The ring for one producer and one consumer at a time.
//!
//! A message goes from [`Producer`] (what users call) by its end of the ring (`tail.rs`)
//! into shared memory, and from there by the consumer's end (`head.rs`) to [`Consumer`]:
//!
//! ```text
//!  Producer::send                                         Consumer::recv
//!   reserve: is there room between tail and head?          find: is there a header
//!   copy the payload                                             (or a tail) beyond next?
//!   stage: the header, kept back                           receive: store how far
//!   publish: next header := empty,                         copy, or read in place
//!            this header (Release)  --------------------->    (Acquire)
//!            tail (Release)                                release: head (Release)
//!   reserve, when it seems full (Acquire)  <------------------
//! ```
//!
//! Byte messages carry their own ready flag, so that a small one travels in one cache
//! line (the thought is FastForward's: Giacomoni and others, PPoPP 2008). Typed messages
//! have no header; the producer's cursor publishes them, which each side caches (as in
//! Lê and others, "Correct and Efficient Bounded FIFO Queues", 2013).
//!
//! docs/DESIGN.md tells why, and what holds when a participant is killed.

mod frame;
mod head;
mod tail;

pub(crate) use frame::Frame;

use self::{head::Head, tail::Tail};
use crate::{
    Error, Options, Wary, algorithm::Algorithm, geometry::Geometry, payload::Payload, region::Region,
};
#[cfg(not(loom))]
use crate::{
    Kind, Presence, Role, Trust,
    algorithm::{Head as _, Tail as _},
    layout::{AT_CONSUMER, AT_RECORD_ENDED},
    sync::Ordering,
};
pub use crate::{Published, View};

/// A ring for one producer and one consumer at a time.
pub type Ring<M> = crate::Ring<M, Spsc>;
/// The sending side: the only one at a time.
pub type Producer<M, P = Wary> = crate::Producer<M, P, Spsc>;
/// The receiving side: the only one at a time.
pub type Consumer<M, P = Wary> = crate::Consumer<M, P, Spsc>;
/// Room for a message, to be written in place.
pub type Claim<'a, M, P = Wary> = crate::Claim<'a, M, P, Spsc>;
/// A received message.
pub type Message<'a, M, P = Wary> = crate::Message<'a, M, P, Spsc>;
/// Several received messages.
pub type Batch<'a, M, P = Wary> = crate::Batch<'a, M, P, Spsc>;

/// The algorithm of this module, as a type.
#[derive(Debug)]
pub enum Spsc {}

impl Algorithm for Spsc {
    #[cfg(not(loom))]
    const KIND: Kind = Kind::Spsc;
    type Tail<M: Payload + ?Sized> = Tail<M>;
    type Head<M: Payload + ?Sized> = Head<M>;

    fn geometry<M: Payload + ?Sized>(options: &Options) -> Result<Geometry, Error> {
        options.geometry::<M>()
    }

    fn tail<M: Payload + ?Sized>(region: &Region) -> Result<Tail<M>, Error> {
        Tail::attach(region)
    }

    fn head<M: Payload + ?Sized>(region: &Region) -> Result<Head<M>, Error> {
        Head::attach(region)
    }
}

#[cfg(not(loom))]
impl<M: Payload + ?Sized> Ring<M> {
    /// What is known of the last participant in `role`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the region's file cannot be asked.
    ///
    /// ```
    /// use ironring::{Options, Role, State, spsc};
    ///
    /// let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
    /// assert_eq!(ring.presence(Role::Producer)?.state, State::Never);
    /// let producer = ring.producer()?;
    /// assert_eq!(ring.presence(Role::Producer)?.holder.pid, std::process::id());
    /// drop(producer);
    /// assert_eq!(ring.presence(Role::Producer)?.state, State::Detached);
    /// # Ok::<(), ironring::Error>(())
    /// ```
    pub fn presence(&self, role: Role) -> Result<Presence, Error> {
        self.region.presence(role.record())
    }
}

#[cfg(not(loom))]
impl<M: Payload + ?Sized, P: Trust> Producer<M, P> {
    /// What is known of the consumer.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the region's file cannot be asked.
    pub fn consumer(&self) -> Result<Presence, Error> {
        self.tail.seat().peer()
    }
}

#[cfg(not(loom))]
impl<M: Payload + ?Sized, P: Trust> Consumer<M, P> {
    /// What is known of the producer: whether one is attached, was, or died.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the region's file cannot be asked.
    pub fn producer(&self) -> Result<Presence, Error> {
        self.head.seat().peer()
    }

    /// Of how many attachments of producers the end was
    /// [acknowledged](Self::acknowledge_end), by this consumer or one before it.
    ///
    /// A producer of which [`Presence::attachments`](Presence::attachments) says
    /// more has come since, even if it is gone again: its end is still to be seen.
    pub fn ended(&self) -> u64 {
        if !self.head.seat().is_here() {
            return 0;
        }
        self.head.seat().mapping().word(AT_CONSUMER + AT_RECORD_ENDED).load(Ordering::Relaxed)
    }

    /// Records that the end of `producer`, which is gone, was seen and reported, so that
    /// no later consumer takes it for news. To be called when the ring was found empty
    /// *after* `producer` was asked for: a producer publishes before it goes.
    ///
    /// ```
    /// # let ring = ironring::spsc::Ring::<[u8]>::anonymous(&ironring::Options::bytes(4096))?;
    /// drop(ring.producer()?);
    /// let mut consumer = ring.consumer()?;
    /// let producer = consumer.producer()?;
    /// assert!(producer.attachments > consumer.ended(), "one came, and its end is news");
    /// if consumer.is_empty() {
    ///     consumer.acknowledge_end(&producer);
    /// }
    /// drop(consumer);
    /// assert_eq!(ring.consumer()?.ended(), producer.attachments);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acknowledge_end(&mut self, producer: &Presence) {
        if self.head.seat().is_here() {
            let ended = self.head.seat().mapping().word(AT_CONSUMER + AT_RECORD_ENDED);
            // Relaxed: the next consumer reads it after the kernel gave it the lock.
            ended.store(producer.attachments, Ordering::Relaxed);
        }
    }
}
