//! How a blocking call passes the time until the ring changes.
//!
//! It looks, and where there is nothing, spins for a while ([`spin`]), sleeps on a word
//! of the region that whoever changes the ring looks at ([`word`]), and looks again. From
//! time to time it looks up: whether the ring was closed, and whether the others live.
//! docs/WAITING.md has the whole argument why nobody sleeps through a change.

#[cfg_attr(loom, path = "../model/kernel.rs")]
mod kernel;
#[cfg(not(loom))]
mod readiness;
mod rhythm;
mod session;
mod signals;
mod spin;
#[cfg(not(loom))]
mod watch;
#[cfg(not(loom))]
mod watcher;
mod word;

use std::time::Duration;

#[cfg(not(loom))]
use std::time::Instant;

#[cfg(not(loom))]
pub use self::readiness::Readiness;
#[cfg(not(loom))]
pub(crate) use self::watch::{Watch, poll};
use self::word::{Armed, Woken};
pub(crate) use self::{
    rhythm::Rhythm,
    session::Session,
    signals::{Signals, Waiter, wake_everybody},
};
use crate::{Deadline, RecvError, Seat, SendError, sync};

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
    Park,
}

/// What a call that waits does when every participant on the other side is gone: died, or
/// let go of its place. Whether one died it looks every 40 milliseconds.
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

/// The longest sleep: whoever sleeps looks again after so long, whether woken or not. The
/// bound that is documented is 50 ms, which leaves the system some time to wake it.
pub(crate) const PATIENCE: Duration = Duration::from_millis(40);

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
pub(crate) trait Waits {
    /// How it waits, and the seat whose word it sleeps on.
    fn waiter(&mut self) -> (&mut Waiter, &Seat);
}

/// Calls `look` until it finds something, or there is nothing to wait for any more. It is
/// told whether it is to look for what the dead have left, too.
#[inline]
pub(crate) fn wait<W: Waits, T>(
    handle: &mut W,
    deadline: Deadline,
    mut look: impl FnMut(&mut W, bool) -> Option<T>,
) -> Result<T, End> {
    let mut waiting = Waiting::until(deadline);
    let mut step = Step::Look;
    loop {
        let done = match step {
            Step::Look => look(handle, false).map(Ok),
            Step::LookUp => look_up(handle, false, &mut look),
            Step::LookRound => look_up(handle, true, &mut look),
            Step::TimedOut => Some(Err(End::TimedOut)),
        };
        let (waiter, seat) = handle.waiter();
        if let Some(done) = done {
            if done.is_ok() {
                waiting.found(waiter);
            }
            return done;
        }
        step = waiting.pass(waiter, seat);
    }
}

/// Asks whether this is the end, and calls `look`; the kernel is asked, and what the dead have
/// left is looked for, only where it `looks_round`, or at the end.
fn look_up<W: Waits, T>(
    handle: &mut W,
    looks_round: bool,
    look: impl FnOnce(&mut W, bool) -> Option<T>,
) -> Option<Result<T, End>> {
    let (waiter, seat) = handle.waiter();
    // Asked before the look: what was done before the end is still found.
    let end = waiter.end(seat, looks_round);
    look(handle, looks_round || end.is_some()).map(Ok).or(end.map(Err))
}

/// What is to follow when some time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A look.
    Look,
    /// One, and before it, whether the ring was closed.
    LookUp,
    /// One, and before it, who lives.
    LookRound,
    TimedOut,
}

/// A wait of one call.
struct Waiting {
    deadline: Deadline,
    looks: u32,
    #[cfg(not(loom))]
    clock: Option<Clock>,
    /// A sleep that was begun, but for one more look.
    armed: Option<Armed>,
    has_parked: bool,
}

/// When a wait began that is no longer short, and when it last looked round.
#[cfg(not(loom))]
struct Clock {
    began: Instant,
    looked_round: Instant,
}

/// Looks that follow each other at once: a message that is on its way arrives within a few
/// of them, and to read the clock costs more than one.
const BURST: u32 = 64;
/// Looks after which one that never sleeps gives the processor to others now and then.
#[cfg(not(loom))]
const YIELDS_AFTER: u32 = 4096;

impl Waiting {
    const fn until(deadline: Deadline) -> Self {
        Self {
            deadline,
            looks: 0,
            #[cfg(not(loom))]
            clock: None,
            armed: None,
            has_parked: false,
        }
    }

    /// Passes some time.
    #[cfg(not(loom))]
    #[inline]
    fn pass(&mut self, waiter: &mut Waiter, seat: &Seat) -> Step {
        if self.has_parked || waiter.wait == Wait::Park {
            return self.park(waiter, seat);
        }
        self.looks = self.looks.wrapping_add(1);
        sync::spin_loop();
        if self.looks.is_multiple_of(BURST) { self.spin_on(waiter, seat) } else { Step::Look }
    }

    /// In a model nobody spins: a thread that may not sleep lets others go on.
    #[cfg(loom)]
    fn pass(&mut self, waiter: &mut Waiter, seat: &Seat) -> Step {
        if seat.mapping().life().is_over() {
            return Step::TimedOut;
        }
        if waiter.wait == Wait::Spin || !seat.signals().are_there() {
            self.looks += 1;
            sync::yield_now();
            return Step::LookUp;
        }
        self.park(waiter, seat)
    }

    /// Decides, after a burst of looks, whether there is to be another.
    #[cfg(not(loom))]
    #[cold]
    fn spin_on(&mut self, waiter: &mut Waiter, seat: &Seat) -> Step {
        if self.deadline.has_passed() {
            return Step::TimedOut;
        }
        let now = Instant::now();
        let clock = self.clock.get_or_insert(Clock { began: now, looked_round: now });
        if waiter.wait == Wait::SpinThenPark {
            return if now - clock.began < waiter.spin.limit() {
                Step::LookUp
            } else {
                self.park(waiter, seat)
            };
        }
        if self.looks > YIELDS_AFTER {
            sync::yield_now();
        }
        if now - clock.looked_round < PATIENCE {
            return Step::LookUp;
        }
        clock.looked_round = now;
        Step::LookRound
    }

    /// Begins to sleep, or, if it has and the look since has found nothing, sleeps.
    #[cold]
    fn park(&mut self, waiter: &mut Waiter, seat: &Seat) -> Step {
        if self.deadline.has_passed() {
            return Step::TimedOut;
        }
        self.has_parked = true;
        let Some(armed) = self.armed.take() else {
            self.armed = Some(waiter.arm(seat.signals(), 0));
            return Step::LookUp;
        };
        match seat.signals().sleep(armed, self.deadline) {
            Woken::ByOther => Step::LookUp,
            Woken::ByTime => Step::LookRound,
        }
    }

    /// Something was found.
    #[inline]
    fn found(&self, waiter: &mut Waiter) {
        if waiter.wait == Wait::SpinThenPark && self.looks >= BURST {
            waiter.spin.ended(self.has_parked);
        }
    }
}
