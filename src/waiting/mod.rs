//! How a blocking call passes the time until the ring changes.
//!
//! It looks, and where there is nothing, spins for a while ([`spin`]), sleeps on a word
//! of the region that whoever changes the ring looks at ([`word`]), and looks again. From
//! time to time it looks up: whether the ring was closed, and whether the others live.
//! docs/WAITING.md has the whole argument why nobody sleeps through a change.

mod any;
#[cfg_attr(loom, path = "../model/bell.rs")]
mod bell;
#[cfg_attr(loom, path = "../model/kernel.rs")]
mod kernel;
#[cfg(not(loom))]
mod readiness;
mod rhythm;
mod session;
mod several;
mod signals;
mod spin;
#[cfg(not(loom))]
mod told;
mod wait;
#[cfg(not(loom))]
mod watch;
#[cfg(not(loom))]
mod watcher;
mod word;

use std::time::Duration;

pub use self::any::{Receives, WaitAny, WaitAnyError};
#[cfg(not(loom))]
pub use self::readiness::Readiness;
use self::spin::Spin;
pub(crate) use self::{
    rhythm::Rhythm,
    session::Session,
    signals::{Signals, Waiter, wake_everybody},
    wait::wait,
};
#[cfg(not(loom))]
pub(crate) use self::{
    signals::wake,
    watch::{Watch, poll},
};
use crate::{RecvError, Seat, SendError};

/// How a handle waits: for a message, or for room.
///
/// ```
/// use ironring::{Options, Wait, spsc};
///
/// let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
/// let mut consumer = ring.consumer()?;
/// consumer.set_wait(Wait::Park);
/// assert_eq!(consumer.wait(), Wait::Park);
/// # Ok::<(), ironring::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Looks again and again, and never sleeps: the lowest latency, for a core of its own.
    Spin,
    /// Looks again for up to some 50 microseconds, less where that has not paid, then sleeps.
    #[default]
    SpinThenPark,
    /// Sleeps at once: the least work for the processor.
    ///
    /// Whoever has slept for a second in all is told of deaths from then on, where the system can do
    /// so, by a thread of the process, the same for all rings; that makes it cost next to nothing.
    Park,
}

/// What a call that waits does when every participant on the other side is gone: died, or
/// let go of its place. Of a death it learns within 50 milliseconds.
///
/// ```
/// use ironring::{Options, RecvError, WhenAlone, spsc};
///
/// let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
/// let mut consumer = ring.consumer()?;
/// consumer.set_when_alone(WhenAlone::Disconnect);
/// ring.producer()?.send(b"last")?;
/// assert_eq!(consumer.recv()?.to_vec(), b"last");
/// assert_eq!(consumer.recv().err(), Some(RecvError::Disconnected));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAlone {
    /// Waits for the next one: the default in a ring that was found by its name, as others
    /// may find it.
    Wait,
    /// Ends with `Disconnected`, if there has been one at all, also before this handle
    /// attached: the default in a ring without a name, or found by a descriptor.
    Disconnect,
}

/// The longest sleep of one that is not told of deaths: it looks again after so long, whether woken
/// or not. The bound that is documented is 50 ms, which leaves the system time to wake it.
pub(crate) const PATIENCE: Duration = Duration::from_millis(30);

/// How long one is idle before it has deaths told, and sleeps longer: whoever is woken more often
/// needs no thread for that.
const LONG_IDLE: Duration = Duration::from_secs(1);

/// Why a call waits no longer, though it has found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The deadline is over.
    TimedOut,
    /// The ring was closed, or everybody on the other side is gone.
    Disconnected,
    /// The ring was removed.
    Retired,
}

impl From<End> for SendError {
    fn from(end: End) -> Self {
        match end {
            End::TimedOut => Self::TimedOut,
            End::Disconnected => Self::Disconnected,
            End::Retired => Self::Retired,
        }
    }
}

impl From<End> for RecvError {
    fn from(end: End) -> Self {
        match end {
            End::TimedOut => Self::TimedOut,
            End::Disconnected => Self::Disconnected,
            End::Retired => Self::Retired,
        }
    }
}

/// A handle, as what waits for the other side.
pub trait Waits {
    /// How it waits, and the seat whose word it sleeps on.
    #[doc(hidden)]
    fn waiter(&mut self) -> (&mut Waiter, &Seat);
}

/// How to wait, and what was learnt by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strategy {
    wait: Wait,
    spin: Spin,
    /// How long nothing has come, as far as it was slept through.
    idle: Duration,
}

impl Default for Strategy {
    fn default() -> Self {
        Self { wait: Wait::default(), spin: Spin::new(), idle: Duration::ZERO }
    }
}
