//! The ring for any number of producers and consumers, that no dead one can wedge.
//!
//! The ring does not hold messages: it holds *entries*, each of which names a *slot*, and
//! every participant holds a few slots of its own. To send is to write to a slot of one's
//! own, and then to exchange it for the one that an entry names, by one compare-exchange;
//! to receive is to exchange a spare slot for the one with the message. Before that
//! instant nothing has happened, after it everything has: there is no state between in
//! which a stopped or killed participant could leave the ring.
//!
//! ```text
//!  Producer::send                                      Consumer::recv
//!   look: is the entry at tail free?                    look: is the entry at head full?
//!   copy the payload to the held slot                   journal: what is about to be done
//!   journal: what is about to be done                   exchange: the entry (Release)
//!   exchange: the entry (Release) ------------------>   record the slot as held, clear the
//!   record the slot as held, clear the                    journal
//!     journal; move the hint                            copy, or read in place
//!                                                       record the slot as spare
//! ```
//!
//! The journal tells whoever repairs the record of a dead participant what that was about
//! to do; the entry, the other journals and the slot's owner tell whether it did it.
//! docs/DESIGN.md says why, docs/PROOF.md what holds.
//!
//! # What callers see
//!
//! The ring is linearizable: what all callers are told is what a queue of slots would tell
//! them that does one call after the other, each at an instant between its call and its
//! return. A slot is one message, or a batch of them.
//!
//! - A send takes effect at its exchange, [`force_send`](crate::Producer::force_send)
//!   together with the loss of the message that it displaces, and so does a receive.
//! - [`Full`](SendError::Full) is exact: at an instant of the call, the ring held as many
//!   slots as its capacity. It is read off the entry for the next position, which still holds
//!   the message of a lap before; since messages are taken in order, all behind that one were
//!   there too. [`Empty`](RecvError::Empty) is exact in the same way.
//! - To receive is what makes room, not to release: messages that a consumer holds take no
//!   room in the ring, however long it holds them, or stands still with them.
//! - Room that a [`Claim`](crate::Claim) has found may be gone when it is published.
//! - `is_full` and `is_empty` were true at an instant; `len` need never have been.
//! - A message that comes again, after its consumer died or handed it back, comes late.

#[cfg(not(loom))]
mod aside;
mod block;
mod cursor;
#[cfg(not(loom))]
mod ends;
mod head;
#[cfg(not(loom))]
mod maintenance;
mod participant;
mod patrol;
mod recovered;
mod repair;
mod shared;
mod slot;
#[cfg(not(loom))]
mod status;
mod tail;
#[cfg(not(loom))]
mod watch;
mod words;

pub(crate) use self::shared::hand_out_slots;
#[cfg(not(loom))]
pub(crate) use self::watch::{Look, Watch};
#[cfg(not(loom))]
pub use self::{
    aside::SetAside,
    maintenance::{recover, take_set_aside},
    status::Status,
};
pub use self::{
    block::OwnedMessages,
    recovered::{Interrupted, Recovered},
};
use self::{head::Head, shared::Shared, tail::Tail};
#[cfg(not(loom))]
use crate::Kind;
#[cfg(not(loom))]
use crate::record::Record;
use crate::{
    Deadline, Error, Options, RecvError, SendError, Trust, Wary, algorithm::Algorithm, geometry::Geometry,
    payload::Payload, region::Region,
};
pub use crate::{Published, View};

/// A ring for any number of producers and consumers.
///
/// ```
/// use ironring::{Options, mpmc};
///
/// let ring = mpmc::Ring::<[u8]>::anonymous(&Options::messages(8).max_message(100))?;
/// let (mut one, mut other) = (ring.producer()?, ring.producer()?);
/// one.send(b"first")?;
/// other.send(b"second")?;
/// let mut consumer = ring.consumer()?;
/// assert_eq!(consumer.recv()?.to_vec(), b"first");
/// assert_eq!(consumer.recv()?.to_vec(), b"second");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Ring<M> = crate::Ring<M, Mpmc>;
/// A sending side: one of any number.
pub type Producer<M, P = Wary> = crate::Producer<M, P, Mpmc>;
/// A receiving side: one of any number.
pub type Consumer<M, P = Wary> = crate::Consumer<M, P, Mpmc>;
/// Room for a message, to be written in place.
pub type Claim<'a, M, P = Wary> = crate::Claim<'a, M, P, Mpmc>;
/// A received message.
pub type Message<'a, M, P = Wary> = crate::Message<'a, M, P, Mpmc>;
/// Several received messages.
pub type Batch<'a, M, P = Wary> = crate::Batch<'a, M, P, Mpmc>;

/// How many positions ahead the entry is fetched: two lines of entries.
const EXPECT_ENTRY: u64 = 16;
/// How many positions ahead the slot is fetched that lies there.
const EXPECT_SLOT: u64 = 8;
/// How many lines of a slot are fetched ahead; what comes behind them the processor guesses.
const EXPECT_LINES: u64 = 32;
/// Pauses of a producer that has found the ring full, before it looks again. In a model each
/// is a turn of somebody else.
const FULL_STAY: u32 = if cfg!(loom) { 1 } else { 64 };

/// The algorithm of this module, as a type.
#[derive(Debug)]
pub enum Mpmc {}

impl Algorithm for Mpmc {
    #[cfg(not(loom))]
    const KIND: Kind = Kind::Mpmc;
    type Tail<M: Payload + ?Sized> = Tail<M>;
    type Head<M: Payload + ?Sized> = Head<M>;

    fn geometry<M: Payload + ?Sized>(options: &Options) -> Result<Geometry, Error> {
        options.exchange_geometry::<M>()
    }

    fn tail<M: Payload + ?Sized>(region: &Region) -> Result<Tail<M>, Error> {
        Tail::attach(region)
    }

    fn head<M: Payload + ?Sized>(region: &Region) -> Result<Head<M>, Error> {
        Head::attach(region)
    }
}

/// A message that [`Producer::force_send`] put another one in the place of.
///
/// ```
/// use ironring::{Options, mpmc};
///
/// let ring = mpmc::Ring::<[u8]>::anonymous(&Options::messages(1).max_message(8).batch(2))?;
/// let mut producer = ring.producer()?;
/// producer.set_tag(7).send_batch(["a", "b"]).1?;
/// let displaced = producer.force_send(b"c")?.expect("the ring was full");
/// assert_eq!((displaced.position, displaced.messages, displaced.tag), (0, 2, 7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Displaced {
    /// Where in the ring's life it was.
    pub position: u64,
    /// How many messages it was: more than one where a batch was sent in one slot.
    pub messages: u32,
    /// The tag of the first.
    pub tag: u32,
}

impl<M: Payload + ?Sized, P: Trust> Producer<M, P> {
    /// This producer's number among the ring's participants.
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
    /// let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
    /// assert_ne!(producer.participant(), consumer.participant());
    /// producer.send(&1)?;
    /// assert_eq!(consumer.recv()?.sender(), Some(producer.participant()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn participant(&self) -> u32 {
        self.tail.participant().number
    }

    /// Whom this producer has recovered when it attached: who had its place before, if that one
    /// died, or had a place that is kept for a consumer. Told once.
    pub fn take_recovered(&mut self) -> Vec<Recovered> {
        self.tail.take_recovered()
    }

    /// Sends a copy of `message`; where the ring is full, in the place of the oldest one, which
    /// is lost, and counted. What is staged is sent before it, in the same slot.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLong`], [`Forked`](SendError::Forked), [`Corrupt`](SendError::Corrupt),
    /// and [`Full`](SendError::Full) where what is staged leaves no room in the slot.
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(2))?;
    /// let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
    /// assert_eq!(producer.force_send(&1)?, None);
    /// assert_eq!(producer.force_send(&2)?, None);
    /// assert_eq!(producer.force_send(&3)?.map(|displaced| displaced.position), Some(0));
    /// assert_eq!(consumer.recv_value()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn force_send(&mut self, message: &M) -> Result<Option<Displaced>, SendError> {
        self.tail.force(message.bytes())
    }
}

impl<M: Payload + ?Sized, P: Trust> Consumer<M, P> {
    /// This consumer's number among the ring's participants.
    pub fn participant(&self) -> u32 {
        self.head.participant().number
    }

    /// Receives the next messages of one slot, waiting for them: a single one, or what is left
    /// of a batch that was sent in one slot.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv), and [`RecvError::HoldsAll`].
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<[u8]>::anonymous(&Options::messages(8).max_message(8).batch(2))?;
    /// ring.producer()?.send_batch(["a", "b"]).1?;
    /// let messages = ring.consumer()?.recv_owned()?;
    /// // Beyond the life of the consumer.
    /// let texts: Vec<_> = messages.iter().map(|message| message.to_vec()).collect();
    /// assert_eq!(texts, [b"a", b"b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_owned(&mut self) -> Result<OwnedMessages<M, P>, RecvError> {
        self.recv_owned_by(Deadline::NEVER)
    }

    /// Receives as [`recv_owned`](Self::recv_owned) does, waiting until `deadline` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv_owned`](Self::recv_owned), and [`RecvError::TimedOut`].
    ///
    /// ```
    /// use ironring::{Options, RecvError, mpmc};
    /// use std::time::Duration;
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
    /// let received = ring.consumer()?.recv_owned_by(Duration::from_millis(1));
    /// assert_eq!(received.err(), Some(RecvError::TimedOut));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_owned_by(&mut self, deadline: impl Into<Deadline>) -> Result<OwnedMessages<M, P>, RecvError> {
        self.find_by(deadline.into())?;
        self.head.take_owned()
    }

    /// Receives as [`recv_owned`](Self::recv_owned) does, if there is a message.
    ///
    /// # Errors
    ///
    /// Those of [`recv_owned`](Self::recv_owned), and [`RecvError::Empty`].
    ///
    /// ```
    /// use ironring::{Options, RecvError, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
    /// assert_eq!(ring.consumer()?.try_recv_owned().err(), Some(RecvError::Empty));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_recv_owned(&mut self) -> Result<OwnedMessages<M, P>, RecvError> {
        self.find()?;
        self.head.take_owned()
    }

    /// The participants that this consumer has recovered since it was last asked: at most the
    /// last 1024.
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
    /// let mut consumer = ring.consumer()?;
    /// for recovered in consumer.take_recovered() {
    ///     eprintln!("{recovered}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_recovered(&mut self) -> Vec<Recovered> {
        self.head.take_events()
    }
}

#[cfg(not(loom))]
impl<M: Payload + ?Sized> Ring<M> {
    /// Sets right what participants left that died; says what that was. Consumers do so by
    /// themselves, and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`]; [`Error::Io`].
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
    /// let _producer = ring.producer()?;
    /// assert!(ring.recover()?.is_empty(), "who lives is left alone");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recover(&self) -> Result<Vec<Recovered>, Error> {
        recover_region(&self.region)
    }

    /// Who takes part in the ring, or did: one for each place that it has for participants.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`]; [`Error::Io`] if the region's file cannot be asked.
    ///
    /// ```
    /// use ironring::{Options, Role, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8).participants(4))?;
    /// let consumer = ring.consumer()?;
    /// let places = ring.participants()?;
    /// assert_eq!(places.len(), 4);
    /// assert_eq!(places[consumer.participant() as usize].presence.role, Some(Role::Consumer));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn participants(&self) -> Result<Vec<Status>, Error> {
        self.watch().statuses(self.region.file().checked()?)
    }

    /// The messages that were delivered as often as
    /// [`max_deliveries`](Options::max_deliveries) allows, and are kept for somebody to
    /// [take](Self::take_set_aside), oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`].
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8).max_deliveries(2))?;
    /// ring.producer()?.send(&1)?;
    /// let mut consumer = ring.consumer()?;
    /// consumer.recv()?.hand_back();
    /// assert!(ring.set_aside()?.is_empty(), "it comes once more");
    /// consumer.recv()?.hand_back();
    /// assert!(consumer.try_recv().is_err());
    /// assert_eq!(ring.set_aside()?[0].deliveries, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_aside(&self) -> Result<Vec<SetAside>, Error> {
        Ok(self.watch().set_aside()?)
    }

    /// Takes the messages that were set aside and were at `position`: each comes once, and
    /// their slot is free again. `None` if there are none, or somebody else is just taking
    /// them; if that one is killed in the middle of it, they are still there.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`]; [`Error::Io`].
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<[u8]>::anonymous(&Options::messages(8).max_deliveries(1))?;
    /// ring.producer()?.send(b"poison")?;
    /// let mut consumer = ring.consumer()?;
    /// consumer.recv()?.hand_back();
    /// assert!(consumer.try_recv().is_err(), "delivered once, and not again");
    ///
    /// let aside = ring.set_aside()?;
    /// assert_eq!(aside[0].lengths, [6]);
    /// assert_eq!(ring.take_set_aside(aside[0].position)?, Some(vec![b"poison".to_vec()]));
    /// assert_eq!(ring.take_set_aside(aside[0].position)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_set_aside(&self, position: u64) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let shared = Shared::of(self.region.mapping(), &self.region.identity().geometry);
        aside::take(&self.region, &shared, position, |_| Ok(()))
    }

    fn watch(&self) -> Watch {
        Watch::new(self.region.mapping(), &self.region.identity().geometry)
    }
}

/// Sets right what participants left that died.
pub(crate) fn recover_region(region: &Region) -> Result<Vec<Recovered>, Error> {
    let shared = Shared::of(region.mapping(), &region.identity().geometry);
    let mut all = Vec::new();
    patrol::look_round(region, &shared, [None; 2], |_, _, recovered| {
        all.extend(recovered);
        Ok(())
    })?;
    Ok(all)
}

/// The slots that entries and records name, for a model to see that each is named once.
#[cfg(loom)]
pub(crate) fn slots(region: &Region) -> Vec<u32> {
    let shared = Shared::of(region.mapping(), &region.identity().geometry);
    let entries =
        (0..shared.capacity).map(|n| shared.turns.slot(shared.entry(n).load(crate::sync::Ordering::Acquire)));
    let held = shared.participants().flat_map(|number| shared.places().map(move |place| (number, place)));
    let held = held.map(|(number, place)| shared.held(number, place).expect("a held slot").slot);
    entries.chain(held).collect()
}

/// Sets right what the last holder of the place `number` left, whose lock the caller holds.
#[cfg(not(loom))]
pub(crate) fn recover_record(region: &Region, number: u32) -> Result<Option<Recovered>, Error> {
    let shared = Shared::of(region.mapping(), &region.identity().geometry);
    let record = Record::at(shared.exchange.record(number), region.mapping());
    let recovered = repair::repair(&shared, number, &record)?;
    if record.is_attached() {
        record.set_recovered();
    }
    Ok(recovered)
}
