//! Waiting for several rings at once.

use std::ops::DerefMut;

#[cfg(not(loom))]
use super::Watch;
use super::{End, Strategy, Wait, Waiter, Waits, several::Several, wait};
use crate::{Deadline, Error, RecvError, Seat};

/// What [`WaitAny`] waits for: a consumer, of whatever kind of ring and of message, or a reference
/// or a box with one. Nothing outside of this crate can be one.
///
/// ```
/// use ironring::{Options, Receives, WaitAny, mpmc, spsc};
///
/// let numbers = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
/// let bytes = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
/// let mut all: Vec<Box<dyn Receives>> = vec![Box::new(numbers.consumer()?), Box::new(bytes.consumer()?)];
/// bytes.producer()?.send(b"hello")?;
/// assert_eq!(WaitAny::new().wait(&mut all, ironring::Deadline::NEVER)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Receives: Waits {
    /// Whether a receive would find something, or why it will not; `None` if there is nothing;
    /// for what the dead have left, too, if so asked.
    #[doc(hidden)]
    fn look(&mut self, for_the_dead: bool) -> Option<Result<(), RecvError>>;

    /// What tells when to look again, by calling `rung`, always the same.
    #[cfg(not(loom))]
    #[doc(hidden)]
    fn watched(&mut self, rung: fn()) -> Result<&Watch, Error>;

    /// Whether that has told of a death since this was asked last.
    #[cfg(not(loom))]
    #[doc(hidden)]
    fn is_told_of_death(&mut self) -> bool;
}

impl<B: DerefMut<Target: Waits>> Waits for B {
    fn waiter(&mut self) -> (&mut Waiter, &Seat) {
        (**self).waiter()
    }
}

impl<B: DerefMut<Target: Receives>> Receives for B {
    fn look(&mut self, for_the_dead: bool) -> Option<Result<(), RecvError>> {
        (**self).look(for_the_dead)
    }

    #[cfg(not(loom))]
    fn watched(&mut self, rung: fn()) -> Result<&Watch, Error> {
        (**self).watched(rung)
    }

    #[cfg(not(loom))]
    fn is_told_of_death(&mut self) -> bool {
        (**self).is_told_of_death()
    }
}

/// Waits for several rings at once, and remembers whose turn it is.
///
/// They may be of different kinds, and carry different messages:
///
/// ```
/// use std::time::Duration;
/// use ironring::{Options, Receives, WaitAny, WaitAnyError, mpmc, spsc};
///
/// let prices = spsc::Ring::<u64>::anonymous(&Options::messages(8))?;
/// let orders = mpmc::Ring::<[u8]>::anonymous(&Options::messages(8).max_message(64))?;
/// let (mut prices_in, mut orders_in) = (prices.consumer()?, orders.consumer()?);
/// let mut orders_out = orders.producer()?;
/// let mut any = WaitAny::new();
///
/// orders_out.send(b"buy")?;
/// let receivers: &mut [&mut dyn Receives] = &mut [&mut prices_in, &mut orders_in];
/// match any.wait(receivers, Duration::from_secs(1))? {
///     0 => println!("{}", prices_in.try_recv()?.get()),
///     _ => assert_eq!(orders_in.try_recv()?.to_vec(), b"buy"),
/// }
///
/// let receivers: &mut [&mut dyn Receives] = &mut [&mut prices_in, &mut orders_in];
/// let nothing = any.wait(receivers, Duration::from_millis(1));
/// assert!(matches!(nothing, Err(WaitAnyError::TimedOut)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is fair: it looks first behind the one that it told of last, so that each that has something
/// gets its turn before any other gets a second.
///
/// There is no limit to their number. A thread sleeps on up to 127 of them at once; where there
/// are more, those wake it themselves, and the others by way of the thread that
/// [`Consumer::readiness`](crate::Consumer::readiness) tells of, which is one wake-up more: those
/// that are in a hurry come first. On a kernel before Linux 5.16 it cannot sleep so, and looks
/// again every millisecond.
#[derive(Debug, Default)]
pub struct WaitAny {
    pub(super) strategy: Strategy,
    /// Which one to look at first.
    pub(super) turn: usize,
    /// Of each, why it is not to be waited for any more.
    pub(super) ends: Vec<Option<End>>,
    /// What the word of each is as long as nobody has rung it.
    pub(super) expected: Vec<u32>,
    /// Whether something has happened since the last look.
    pub(super) is_awake: bool,
    /// Whether the last call told of an end: the look that found it may have found others, too.
    pub(super) has_told_of_an_end: bool,
}

/// Why [`WaitAny::wait`] names no receiver that has a message.
///
/// ```
/// use ironring::{Deadline, Options, RecvError, WaitAny, WaitAnyError, mpmc};
///
/// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
/// let mut consumers = vec![ring.consumer()?, ring.consumer()?];
/// ring.producer()?.send(&7)?;
/// ring.close();
///
/// let (mut any, mut received) = (WaitAny::new(), Vec::new());
/// while !consumers.is_empty() {
///     match any.wait(&mut consumers, Deadline::NEVER) {
///         Ok(index) => received.push(consumers[index].try_recv()?.get()),
///         Err(WaitAnyError::Receiver { index, error: RecvError::Disconnected }) => {
///             consumers.remove(index);
///         }
///         Err(other) => return Err(other.into()),
///     }
/// }
/// assert_eq!(received, [7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitAnyError {
    /// No message came to any of them before the deadline.
    #[error("no message came to any ring before the deadline")]
    TimedOut,
    /// One of them gives no message any more, or not now: to be left out from then on, or helped.
    #[error("receiver {index}: {error}")]
    Receiver {
        /// Its place among the receivers.
        index: usize,
        /// What a receive would say that waits.
        #[source]
        error: RecvError,
    },
    /// There are more than 127, and the system refuses to have the others watched.
    #[error(transparent)]
    Watch(Error),
}

impl WaitAny {
    /// One that waits as [`Wait::SpinThenPark`] says.
    ///
    /// ```
    /// use ironring::{Wait, WaitAny};
    ///
    /// let mut any = WaitAny::new();
    /// assert_eq!(any.strategy(), Wait::SpinThenPark);
    /// any.set_strategy(Wait::Park);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// How it waits, whatever the receivers do by themselves.
    pub fn strategy(&self) -> Wait {
        self.strategy.wait
    }

    /// Sets how it waits.
    pub fn set_strategy(&mut self, wait: Wait) -> &mut Self {
        self.strategy.wait = wait;
        self
    }

    /// Waits until one of `receivers` has a message, until `deadline` at most, and returns its
    /// place: its next `try_recv` gives that message. In an MPMC ring the message is that
    /// consumer's from then on.
    ///
    /// Each call looks at each receiver once at least, if there is nothing: who expects many
    /// messages takes several of them at once
    /// ([`try_recv_batch`](crate::Consumer::try_recv_batch)).
    ///
    /// # Errors
    ///
    /// [`WaitAnyError::TimedOut`]; [`WaitAnyError::Receiver`] for one that will give nothing, with
    /// the errors of [`Consumer::recv`](crate::Consumer::recv), each time that it is its turn;
    /// [`WaitAnyError::Watch`], for more than 127.
    ///
    /// # Panics
    ///
    /// If there are no receivers.
    pub fn wait<R: Receives>(
        &mut self,
        receivers: &mut [R],
        deadline: impl Into<Deadline>,
    ) -> Result<usize, WaitAnyError> {
        assert!(!receivers.is_empty(), "nobody to wait for");
        let mut several = Several::new(self, receivers).map_err(WaitAnyError::Watch)?;
        match wait(&mut several, deadline.into(), Several::look) {
            Ok((index, Ok(()))) => Ok(index),
            Ok((index, Err(error))) => Err(WaitAnyError::Receiver { index, error }),
            // The only end of all of them.
            Err(_) => Err(WaitAnyError::TimedOut),
        }
    }
}
