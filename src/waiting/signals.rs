//! What a participant sleeps on, and how it wakes others: who fences, and what a handle has
//! chosen.

use std::{mem, sync::Arc, time::Duration};

use super::{
    End, PATIENCE, Session, Strategy, Wait, WhenAlone,
    word::{Armed, FENCE, WaitWord, Woken},
};
#[cfg(not(loom))]
use super::{
    LONG_IDLE,
    told::{LONG_PATIENCE, Told},
};
use crate::{
    Role, Seat,
    memory::Mapping,
    region::Region,
    sync::{self, Ordering, fence},
};

/// The words by which a participant waits for those on the other side, and they for it.
///
/// Between a change of the ring and the look at the word there must be a full fence. In an
/// MPMC ring the change is an exchange, which is one (or has one behind it). In an SPSC ring
/// it is a plain store, and a fence would cost more than all the rest of a send. There the
/// waiter, which is about to sleep anyway, has the kernel make the other one fence
/// (`membarrier`). Where that cannot be, whoever changes the ring fences by itself: because its
/// process could not register for it, or because the waiter asks for it, by [`FENCE`] in the
/// word. A waiter asks for it too, once and for all, where it sleeps for every message: a fence
/// is then much less than a further system call.
#[derive(Debug)]
pub(crate) struct Signals {
    own: WaitWord,
    peers: WaitWord,
    session: Session,
    region: Region,
    /// Whether the ring is changed by exchanges.
    exchanges: bool,
    /// [`FENCE`] where this participant must fence by itself.
    fences: u32,
}

impl Signals {
    /// Those of a participant in `role`.
    pub(crate) fn of(role: Role, mapping: &Arc<Mapping>, region: &Region, exchanges: bool) -> Self {
        let [own, peers] = [role, role.peer()].map(|role| WaitWord::of(role, mapping));
        let mut fences = 0;
        if !exchanges {
            // The only one who could wait on it held the role before, and is gone.
            own.reset();
            if !peers.let_waiters_fence() {
                fences = FENCE;
            }
        }
        Self { own, peers, session: Session::current(mapping), region: region.clone(), exchanges, fences }
    }

    /// Wakes the other side if it waits: to be called behind the store that has published
    /// something or made room.
    #[inline(always)]
    pub(crate) fn stored(&self) {
        self.peers.may_be_fenced_here();
        self.peers.notify(self.fences, &self.region);
    }

    /// Wakes the other side if it waits: to be called behind the exchange that has published
    /// something or made room.
    #[inline(always)]
    pub(crate) fn exchanged(&self) {
        #[cfg(loom)]
        if !self.are_there() {
            return;
        }
        sync::fence_behind_exchange();
        self.peers.notify(0, &self.region);
    }

    /// Wakes the other side, to look again at who is there.
    pub(crate) fn came_or_went(&self) {
        self.peers.ring_always(|| self.region.touch());
    }

    /// Whether the session is over in which this participant attached.
    #[inline(always)]
    pub(crate) fn is_over(&self) -> bool {
        self.session.is_over()
    }

    /// The word that this participant sleeps on.
    pub(super) const fn own(&self) -> &WaitWord {
        &self.own
    }

    /// Whether anybody can wait in this model.
    #[cfg(loom)]
    pub(super) fn are_there(&self) -> bool {
        self.own.is_there()
    }
}

/// Wakes everybody: the ring was closed, removed or repaired.
pub(crate) fn wake_everybody(mapping: &Arc<Mapping>, touch: impl Fn()) {
    for role in [Role::Consumer, Role::Producer] {
        wake(role, mapping, &touch);
    }
}

/// Wakes all who wait in `role`.
pub(crate) fn wake(role: Role, mapping: &Arc<Mapping>, touch: impl Fn()) {
    WaitWord::of(role, mapping).ring_always(touch);
}

/// How a handle waits, and what it has learnt by it.
#[derive(Debug)]
pub struct Waiter {
    pub(super) strategy: Strategy,
    when_alone: WhenAlone,
    fencing: Fencing,
    /// What [`Seat::left`] was last.
    left: u32,
    /// Where it has been idle for long.
    #[cfg(not(loom))]
    told: Option<Told>,
}

/// What makes others fence between their change of the ring and their look at the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fencing {
    /// They do.
    Always,
    /// The kernel, each time that somebody is about to sleep.
    ByKernel,
    /// They do, since this waiter has asked for it.
    Asked,
}

/// The sleep of one who has just asked for fences, and could not have them made: who looked at
/// the word before that may have a store under way still, which takes far less.
const SHORT_PATIENCE: Duration = Duration::from_millis(1);

impl Waiter {
    pub(crate) fn new(seat: &Seat) -> Self {
        let fencing = if seat.signals().exchanges { Fencing::Always } else { Fencing::ByKernel };
        let (strategy, when_alone) = (Strategy::default(), seat.when_alone());
        Self {
            strategy,
            when_alone,
            fencing,
            left: seat.left_before(),
            #[cfg(not(loom))]
            told: None,
        }
    }

    pub(crate) const fn wait(&self) -> Wait {
        self.strategy.wait
    }

    pub(crate) fn set_wait(&mut self, wait: Wait, signals: &Signals) {
        self.strategy.wait = wait;
        if self.fencing == Fencing::Asked && wait != Wait::Park {
            signals.own.clear(FENCE);
            self.fencing = Fencing::ByKernel;
        }
    }

    pub(crate) const fn set_when_alone(&mut self, when_alone: WhenAlone) {
        self.when_alone = when_alone;
    }

    /// Begins to sleep, without sleeping: see [`Armed`]. With [`NOTICE`](super::word::NOTICE), to
    /// be told by a touch of the file.
    pub(crate) fn arm(&mut self, signals: &Signals, how: u32) -> Armed {
        if self.fencing != Fencing::ByKernel {
            let expected = signals.own.say_waited_for(how);
            // Pairs with the fence of whoever changes the ring: in `WaitWord::notify`, or in
            // `fence_behind_exchange`.
            fence(Ordering::SeqCst);
            return Armed { expected, patience: PATIENCE };
        }
        let asks = self.strategy.wait == Wait::Park;
        let expected = signals.own.say_waited_for(if asks { how | FENCE } else { how });
        let fenced = signals.own.fence_others();
        if fenced {
            if asks {
                self.fencing = Fencing::Asked;
            }
            return Armed { expected, patience: PATIENCE };
        }
        let armed = self.ask_for_fences(signals, how);
        fence(Ordering::SeqCst);
        armed
    }

    /// Whether the kernel has to make others fence before this one sleeps.
    pub(super) fn needs_kernel(&self) -> bool {
        self.fencing == Fencing::ByKernel
    }

    /// Where the kernel cannot: asks others to fence, as [`arm`](Self::arm) does; returns what the
    /// word is from then on, and for how long to sleep at most.
    pub(super) fn ask_for_fences(&mut self, signals: &Signals, how: u32) -> Armed {
        self.fencing = Fencing::Asked;
        Armed { expected: signals.own.say_waited_for(how | FENCE), patience: SHORT_PATIENCE }
    }

    /// Has deaths told to one that has been idle for long, and has armed its sleep: then that may be
    /// long. Where they cannot be told, it goes on to look for them.
    #[cfg(not(loom))]
    pub(super) fn tell_of_deaths(&mut self, seat: &Seat, armed: Armed) -> Armed {
        if self.strategy.idle < LONG_IDLE || armed.patience < PATIENCE {
            return armed;
        }
        if self.told.is_none() {
            self.told = Told::new(seat).ok();
        }
        let Some(told) = &mut self.told else {
            self.strategy.idle = Duration::ZERO;
            return armed;
        };
        // Where it is to look round first, it sleeps long the next time.
        if told.arm(armed.expected) { Armed { patience: LONG_PATIENCE, ..armed } } else { armed }
    }

    /// Sleeps until somebody rings, for `timeout` at most.
    pub(super) fn sleep(&self, signals: &Signals, armed: Armed, timeout: Duration) -> Woken {
        #[cfg(not(loom))]
        if let Some(told) = self.told.as_ref().filter(|_| armed.is_told()) {
            return told.sleep(&signals.own, armed.expected, timeout);
        }
        signals.own.sleep(armed, timeout)
    }

    /// Whether a consumer has left since this was asked last, perhaps with messages, or somebody has
    /// died, as far as that is told.
    pub(crate) fn is_to_look_round(&mut self, seat: &Seat) -> bool {
        #[cfg(not(loom))]
        let has_died = self.told.as_ref().is_some_and(Told::is_to_look_round);
        #[cfg(loom)]
        let has_died = false;
        let left = seat.left();
        mem::replace(&mut self.left, left) != left || has_died
    }

    /// Whether a call that finds nothing is to end; whether the others live, the kernel is
    /// asked only on demand.
    pub(crate) fn end(&self, seat: &Seat, asks_kernel: bool) -> Option<End> {
        if asks_kernel {
            seat.mapping().look_at_its_end();
        }
        if seat.signals().is_over() {
            return Some(End::Disconnected);
        }
        if seat.is_retired() {
            return Some(End::Retired);
        }
        let is_over = self.when_alone == WhenAlone::Disconnect && seat.is_alone(asks_kernel);
        is_over.then_some(End::Disconnected)
    }
}
