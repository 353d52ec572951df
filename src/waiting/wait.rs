//! One wait, of one call: looks in bursts, then sleeps, and now and then a look up.

use std::time::Duration;
#[cfg(not(loom))]
use std::time::Instant;

use super::{
    End, LONG_IDLE, PATIENCE, Strategy, Wait, Waits,
    word::{Armed, Woken},
};
#[cfg(loom)]
use crate::Seat;
use crate::{Deadline, sync};

/// What a call waits by: one handle, or several.
pub(crate) trait Sleeps {
    fn strategy(&mut self) -> &mut Strategy;

    /// How many rings one look is at.
    fn rings(&self) -> u32 {
        1
    }

    /// Whether there may be something that only a look round finds.
    fn is_to_look_round(&mut self) -> bool;

    /// Whether a call that finds nothing is to end; whether the others live, the kernel is
    /// asked only on demand.
    fn end(&mut self, asks_kernel: bool) -> Option<End>;

    /// Begins to sleep, without sleeping: see [`Armed`].
    fn arm(&mut self) -> Armed;

    /// Sleeps until somebody rings, for `timeout` at most.
    fn sleep(&mut self, armed: Armed, timeout: Duration) -> Woken;

    /// What is modelled of it.
    #[cfg(loom)]
    fn seat(&mut self) -> &Seat;
}

impl<W: Waits> Sleeps for W {
    fn strategy(&mut self) -> &mut Strategy {
        &mut self.waiter().0.strategy
    }

    fn is_to_look_round(&mut self) -> bool {
        let (waiter, seat) = self.waiter();
        waiter.is_to_look_round(seat)
    }

    fn end(&mut self, asks_kernel: bool) -> Option<End> {
        let (waiter, seat) = self.waiter();
        waiter.end(seat, asks_kernel)
    }

    fn arm(&mut self) -> Armed {
        let (waiter, seat) = self.waiter();
        let armed = waiter.arm(seat.signals(), 0);
        #[cfg(not(loom))]
        let armed = waiter.tell_of_deaths(seat, armed);
        armed
    }

    fn sleep(&mut self, armed: Armed, timeout: Duration) -> Woken {
        let (waiter, seat) = self.waiter();
        waiter.sleep(seat.signals(), armed, timeout)
    }

    #[cfg(loom)]
    fn seat(&mut self) -> &Seat {
        self.waiter().1
    }
}

/// Calls `look` until it finds something, or there is nothing to wait for any more. It is
/// told whether it is to look for what the dead have left, too.
#[inline]
pub(crate) fn wait<W: Sleeps, T>(
    sleeper: &mut W,
    deadline: Deadline,
    mut look: impl FnMut(&mut W, bool) -> Option<T>,
) -> Result<T, End> {
    let Some(found) = burst(sleeper, &mut look) else {
        return wait_longer(sleeper, deadline, look);
    };
    sleeper.strategy().idle = Duration::ZERO;
    Ok(found)
}

/// Looks that follow each other at once: a message that is on its way arrives within a few
/// of them, and to read the clock costs more than one.
const BURST: u32 = 64;

/// Looks so often; only once where it is to sleep. In a model nobody spins.
#[inline(always)]
fn burst<W: Sleeps, T>(sleeper: &mut W, look: &mut impl FnMut(&mut W, bool) -> Option<T>) -> Option<T> {
    let is_to_spin = !cfg!(loom) && sleeper.strategy().wait != Wait::Park;
    let looks = if is_to_spin { (BURST / sleeper.rings()).max(1) } else { 1 };
    for _ in 0..looks {
        let found = look(sleeper, false);
        if found.is_some() {
            return found;
        }
        #[cfg(not(loom))]
        sync::spin_loop();
    }
    None
}

/// Goes on waiting where a burst of looks has found nothing.
#[cold]
#[inline(never)]
fn wait_longer<W: Sleeps, T>(
    sleeper: &mut W,
    deadline: Deadline,
    mut look: impl FnMut(&mut W, bool) -> Option<T>,
) -> Result<T, End> {
    let mut waiting = Waiting::until(deadline);
    loop {
        let step = waiting.pass(sleeper);
        let mut done = match step {
            Step::Look => look(sleeper, false).map(Ok),
            Step::LookUp => look_up(sleeper, false, &mut look),
            Step::LookRound => look_up(sleeper, true, &mut look),
            Step::TimedOut => Some(Err(End::TimedOut)),
        };
        if done.is_none() && waiting.spins(sleeper.strategy()) {
            done = burst(sleeper, &mut look).map(Ok);
        }
        if let Some(done) = done {
            waiting.ended(sleeper.strategy(), done.is_ok());
            return done;
        }
    }
}

/// Asks whether this is the end, and calls `look`; the kernel is asked, and what the dead have
/// left is looked for, only where it `looks_round`, where a consumer has left, or at the end.
pub(super) fn look_up<W: Sleeps, T>(
    sleeper: &mut W,
    looks_round: bool,
    look: impl FnOnce(&mut W, bool) -> Option<T>,
) -> Option<Result<T, End>> {
    let looks_round = sleeper.is_to_look_round() || looks_round;
    // Asked before the look: what was done before the end is still found.
    let end = sleeper.end(looks_round);
    look(sleeper, looks_round || end.is_some()).map(Ok).or(end.map(Err))
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
    #[cfg(not(loom))]
    bursts: u32,
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

/// Bursts of looks after which one that never sleeps gives the processor to others now and then.
#[cfg(not(loom))]
const YIELDS_AFTER: u32 = 64;

impl Waiting {
    const fn until(deadline: Deadline) -> Self {
        Self {
            deadline,
            #[cfg(not(loom))]
            bursts: 0,
            #[cfg(not(loom))]
            clock: None,
            armed: None,
            has_parked: false,
        }
    }

    /// Whether it spins between looks, rather than sleep.
    fn spins(&self, strategy: &Strategy) -> bool {
        !cfg!(loom) && !self.has_parked && strategy.wait != Wait::Park
    }

    /// Decides, after a burst of looks, whether there is to be another; or sleeps.
    #[cfg(not(loom))]
    fn pass(&mut self, sleeper: &mut impl Sleeps) -> Step {
        if !self.spins(sleeper.strategy()) {
            return self.park(sleeper);
        }
        if self.deadline.has_passed() {
            return Step::TimedOut;
        }
        self.bursts = self.bursts.saturating_add(1);
        let now = Instant::now();
        let clock = self.clock.get_or_insert(Clock { began: now, looked_round: now });
        let Strategy { wait, spin, .. } = *sleeper.strategy();
        if wait == Wait::SpinThenPark {
            return if now - clock.began < spin.limit() { Step::LookUp } else { self.park(sleeper) };
        }
        if self.bursts > YIELDS_AFTER {
            sync::yield_now();
        }
        if now - clock.looked_round < PATIENCE {
            return Step::LookUp;
        }
        clock.looked_round = now;
        Step::LookRound
    }

    /// In a model nobody spins: a thread that may not sleep lets others go on.
    #[cfg(loom)]
    fn pass(&mut self, sleeper: &mut impl Sleeps) -> Step {
        if sleeper.seat().mapping().life().is_over() {
            return Step::TimedOut;
        }
        if sleeper.strategy().wait == Wait::Spin || !sleeper.seat().signals().are_there() {
            sync::yield_now();
            return Step::LookUp;
        }
        self.park(sleeper)
    }

    /// Begins to sleep, or, if it has and the look since has found nothing, sleeps.
    fn park(&mut self, sleeper: &mut impl Sleeps) -> Step {
        if self.deadline.has_passed() {
            return Step::TimedOut;
        }
        self.has_parked = true;
        let Some(armed) = self.armed.take() else {
            self.armed = Some(sleeper.arm());
            return Step::LookUp;
        };
        let timeout = armed.timeout(self.deadline);
        match sleeper.sleep(armed, timeout) {
            Woken::ByOther => Step::Look,
            Woken::ByTime => {
                let strategy = sleeper.strategy();
                strategy.idle = strategy.idle.saturating_add(timeout);
                // The word is still as it was made then, so it is as good as made again. Whoever was
                // looking at it when a short sleep began has done so.
                let again = Armed { patience: armed.patience.max(PATIENCE), ..armed };
                self.armed = (armed.is_told() || strategy.idle < LONG_IDLE).then_some(again);
                Step::LookRound
            }
        }
    }

    /// Something was found, or it is not waited for any longer.
    fn ended(&self, strategy: &mut Strategy, is_found: bool) {
        if is_found {
            strategy.idle = Duration::ZERO;
        }
        if strategy.wait == Wait::SpinThenPark && (is_found || self.has_parked) {
            strategy.spin.ended(self.has_parked);
        }
    }
}
