//! A ring in which a victim is about to begin.

use ironring::Ring;
use ironring_testkit::{Role as Process, Traced};

use crate::{
    end::{End, Helper, Waiter},
    operation::{FIRST, Operation, role_of, waker_of},
    peer::{Kind, Waiting, ring, sender},
};

/// A ring, and those who live in it beside a victim.
pub(crate) struct Scene<A: Kind> {
    pub(crate) ring: Ring<u64, A>,
    pub(crate) living: Living<A>,
}

pub(crate) enum Living<A: Kind> {
    /// The victim waits: one who serves it.
    Serving(Helper<A>),
    /// The victim wakes: one who waits, and another one who could wake it, if the ring has a place.
    Waiting(Waiter, Option<End<A>>),
}

/// Whether there is one of each role at most.
pub(crate) fn has_one_of_each<A: Kind>() -> bool {
    A::NAME == ironring::spsc::Spsc::NAME
}

impl<A: Kind> Scene<A> {
    /// A new ring, and a victim of `operation` at its begin.
    pub(crate) fn new(operation: Operation) -> std::io::Result<(Self, Traced)> {
        let waiting = operation.waiting();
        let (role, waker) = (role_of(waiting), waker_of(waiting));
        let ring = ring::<A>(2);
        if waiting == Waiting::ForRoom {
            let mut producer = sender(&ring, ironring::Wait::Park);
            while producer.try_send(&0).is_ok() {}
        }
        let spawn = || {
            let process = Process::new(&format!("{}::victim", A::NAME)).pass_fd("ring", &ring);
            process.arg(operation).spawn_traced()
        };
        let (living, victim) = if operation.sleeps() {
            let peer = End::attach(&ring, waker);
            let victim = spawn()?;
            (Living::Serving(Helper::start(peer, victim.pid(), &ring, FIRST)), victim)
        } else {
            let waiter = Waiter::start(End::attach(&ring, role));
            let another = (!has_one_of_each::<A>()).then(|| End::attach(&ring, waker));
            let victim = spawn()?;
            // It was woken when the victim came.
            waiter.must_sleep(&ring).map_err(|_| std::io::Error::other("it does not sleep"))?;
            (Living::Waiting(waiter, another), victim)
        };
        Ok((Self { ring, living }, victim))
    }
}
