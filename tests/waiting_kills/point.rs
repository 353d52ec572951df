//! What those who live meet after a victim has got somewhere.

use std::time::Duration;

use ironring::Ring;
use ironring_testkit::Traced;

use crate::{
    end::{End, Helper, Stuck, Waiter},
    operation::{FIRST, Operation, role_of, waker_of},
    peer::{Kind, word},
    scene::{Living, Scene, has_one_of_each},
    support::layout::{OWED, WAITED_FOR, WATCHED},
};

/// What happens to a victim that has got somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is killed at once.
    Killed,
    /// It stands there, and is killed when all is over.
    Stopped,
}

/// How it went for the others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// The longest wait.
    pub(crate) longest: Duration,
    /// What is left of the marks that say that somebody waits, or is to be woken.
    pub(crate) marks: u32,
}

/// The numbers that are passed afterwards.
const LATER: [u64; 2] = [FIRST + 1, FIRST + 2];
const LAST: u64 = FIRST + 3;

/// Has those who live go on; the victim's operation `has_taken_effect`, if it wakes.
pub(crate) fn go_on<A: Kind>(
    operation: Operation,
    scene: Scene<A>,
    mut victim: Traced,
    fate: Fate,
    has_taken_effect: bool,
) -> Result<Outcome, Stuck> {
    let Scene { ring, living } = scene;
    let mut longest = Duration::ZERO;
    let (waiter, mut peer) = match living {
        Living::Serving(helper) => besides_a_waiter(&ring, helper, &mut victim, operation)?,
        Living::Waiting(waiter, another) => {
            if fate == Fate::Killed {
                victim.kill();
            }
            if has_taken_effect {
                longest = waiter.must_be_served(FIRST)?;
            }
            if another.is_none() {
                victim.kill();
            }
            (waiter, another.unwrap_or_else(|| End::attach(&ring, waker_of(operation.waiting()))))
        }
    };
    for number in LATER {
        waiter.must_sleep(&ring)?;
        let target = waiter.when_served(number);
        peer.pass(number);
        longest = longest.max(waiter.must_be_served(target)?);
    }
    waiter.end(|| {
        peer.pass(LAST);
    })?;
    victim.kill();
    // Nobody waits any more. The next one takes away what is left of the marks, and no more do.
    peer.pass(LAST + 1);
    let marks = word(&ring, operation.waiting()) & (WAITED_FOR | OWED | WATCHED);
    Ok(Outcome { longest, marks })
}

/// The victim, which waits, is killed; another one waits, before that if the ring has a place for it.
fn besides_a_waiter<A: Kind>(
    ring: &Ring<u64, A>,
    helper: Helper<A>,
    victim: &mut Traced,
    operation: Operation,
) -> Result<(Waiter, End<A>), Stuck> {
    let peer = helper.end();
    if has_one_of_each::<A>() {
        victim.kill();
    }
    let waiter = Waiter::start(End::attach(ring, role_of(operation.waiting())));
    waiter.must_sleep(ring)?;
    victim.kill();
    Ok((waiter, peer))
}
