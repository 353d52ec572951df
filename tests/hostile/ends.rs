//! Both ends of a ring, and everything that can be done with them.

use std::{
    os::fd::AsFd,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use ironring::{Algorithm, Consumer, Corrupt, Error, Payload, Producer, RecvError, Ring, SendError, Wary};
use ironring_testkit::rng::fastrand::Rng;

use crate::support::raw::Raw;

/// Who told of corruption, and whether it must do so from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Producer(Corrupt),
    Consumer(Corrupt),
    /// While attaching, or by one who only looks, or of a removal: the next looks anew.
    Attaching,
    /// No place is free: where records say that all their slots are in use, and where they are.
    NoPlace,
}

/// Both ends of a ring. An end that could not be attached is attached at its next turn.
pub(crate) trait Ends: Sized {
    type Ring: AsFd + Send + Sync;
    type Words: Words;
    /// How many operations there are.
    const OPERATIONS: usize;
    /// Those of somebody who sends only, and of somebody who receives only.
    const SENDING: &'static [usize];
    const RECEIVING: &'static [usize];
    /// Operations on a new ring, and what they lead to when whoever did them is killed.
    const STATES: &'static [(&'static str, &'static [usize])];

    fn ring(path: &Path) -> Self::Ring;

    /// The ring that was made at `path`.
    fn open(path: &Path) -> Self::Ring;

    /// Without attaching anything yet.
    fn new(ring: &Arc<Self::Ring>) -> Self;

    /// Does operation `i`; panics if its result is impossible.
    fn operate(&mut self, i: usize) -> Result<(), Told>;

    /// What the end that told of corruption says now.
    fn again(&mut self, told: Told) -> Result<(), Told>;

    /// What follows when both ends are gone.
    fn afterwards(_ring: &Arc<Self::Ring>) {}
}

/// For how long an operation waits that may, in microseconds.
static PATIENCE: AtomicU64 = AtomicU64::new(0);

/// For how long an operation waits that may: not at all, unless [`wait_for`] has said so.
pub(crate) fn patience() -> Duration {
    Duration::from_micros(PATIENCE.load(Relaxed))
}

/// Lets operations wait for so long.
pub(crate) fn wait_for(patience: Duration) {
    PATIENCE.store(patience.as_micros() as u64, Relaxed);
}

/// The handles of a ring, each attached when it is needed.
pub(crate) struct Handles<M: Payload + ?Sized, A: Algorithm> {
    pub(crate) ring: Arc<Ring<M, A>>,
    producer: Option<Producer<M, Wary, A>>,
    consumer: Option<Consumer<M, Wary, A>>,
}

impl<M: Payload + ?Sized, A: Algorithm> Handles<M, A> {
    pub(crate) fn new(ring: &Arc<Ring<M, A>>) -> Self {
        Self { ring: Arc::clone(ring), producer: None, consumer: None }
    }

    pub(crate) fn producer(&mut self) -> Result<&mut Producer<M, Wary, A>, Told> {
        if self.producer.is_none() {
            self.producer = Some(attached(self.ring.producer())?);
        }
        Ok(self.producer.as_mut().expect("attached just now"))
    }

    pub(crate) fn consumer(&mut self) -> Result<&mut Consumer<M, Wary, A>, Told> {
        if self.consumer.is_none() {
            self.consumer = Some(attached(self.ring.consumer())?);
        }
        Ok(self.consumer.as_mut().expect("attached just now"))
    }

    /// Lets go of the producer, and attaches another.
    pub(crate) fn replace_producer(&mut self) -> Result<(), Told> {
        self.producer = None;
        self.producer().map(drop)
    }

    /// Lets go of the consumer, and attaches another.
    pub(crate) fn replace_consumer(&mut self) -> Result<(), Told> {
        self.consumer = None;
        self.consumer().map(drop)
    }

    /// What the end that told of corruption says now, in a ring of `capacity`.
    pub(crate) fn again(&mut self, told: Told, capacity: u64, message: &M) -> Result<(), Told> {
        match told {
            Told::Producer(_) => {
                let producer = self.producer()?;
                producer.discard_staged();
                let _ = producer.publish();
                assert!(producer.len() <= capacity);
                sent(producer.try_send(message))
            }
            Told::Consumer(_) => {
                let consumer = self.consumer()?;
                assert!(consumer.len() <= capacity);
                received(consumer.try_recv())
            }
            Told::Attaching | Told::NoPlace => Err(told),
        }
    }
}

/// A state's name, and what makes a new ring be in it.
pub(crate) type Crafted = (&'static str, fn(&Raw));

/// The words of a kind of ring.
pub(crate) trait Words {
    /// Of so many states and operations before which the word at `at` may be spoilt, one is
    /// tried with each wrong value.
    fn sparse(at: usize) -> usize;

    /// Words that a participant reads, or writes for others to read.
    fn is_live(at: usize) -> bool;

    /// Words that a participant may write.
    fn is_written(at: usize) -> bool;

    /// Wrong values for the word at `at`, which is `right`.
    fn wrong(at: usize, right: u64, rng: &mut Rng) -> Vec<u64>;

    /// A word that is likely to hurt when it is spoilt, in a region of `len` bytes.
    fn hurtful(rng: &mut Rng, len: usize) -> usize;

    /// What is to be added to the word at `at` for another lap, and for another index.
    fn another(at: usize) -> [u64; 2];

    /// States that no operations lead to, or not soon: how each is made of a new ring.
    fn crafted() -> Vec<Crafted>;
}

/// The result of a call of the producer's that may also find no room, or the ring closed.
pub(crate) fn sent<T>(result: Result<T, SendError>) -> Result<(), Told> {
    match result {
        Ok(_)
        | Err(SendError::Full | SendError::TimedOut | SendError::Disconnected | SendError::Contended) => {
            Ok(())
        }
        Err(SendError::Retired) => Err(Told::Attaching),
        Err(SendError::Corrupt(corrupt)) => Err(Told::Producer(corrupt)),
        Err(other) => panic!("a producer says: {other}"),
    }
}

/// The result of a call of the consumer's that may also find nothing, or the ring closed.
pub(crate) fn received<T>(result: Result<T, RecvError>) -> Result<(), Told> {
    match result {
        Ok(_)
        | Err(
            RecvError::Empty
            | RecvError::TimedOut
            | RecvError::Contended
            | RecvError::Disconnected
            | RecvError::BufferTooShort { .. }
            // Of an exchange ring only.
            | RecvError::HoldsAll,
        ) => Ok(()),
        Err(RecvError::Retired) => Err(Told::Attaching),
        Err(RecvError::Corrupt(corrupt)) => Err(Told::Consumer(corrupt)),
        Err(other) => panic!("a consumer says: {other}"),
    }
}

/// The result of attaching, or of a look.
pub(crate) fn attached<T>(result: Result<T, Error>) -> Result<T, Told> {
    result.map_err(|error| match error {
        Error::Corrupt(_) => Told::Attaching,
        Error::NoPlace { .. } => Told::NoPlace,
        other => panic!("attaching: {other}"),
    })
}
