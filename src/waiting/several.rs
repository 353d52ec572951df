//! How one call sleeps on the words of several rings, whatever their number.

use std::{
    mem,
    sync::atomic::{AtomicU32, Ordering, fence},
    time::Duration,
};

use super::{
    End, LONG_IDLE, PATIENCE, Receives, Strategy, WaitAny,
    kernel::{self, MAX_WORDS},
    told::{self, LONG_PATIENCE},
    wait::Sleeps,
    word::{Armed, NOTICE, Woken},
};
use crate::{Error, RecvError};

/// Rung for all who sleep on more words than the kernel allows.
static BELL: AtomicU32 = AtomicU32::new(0);

fn ring_bell() {
    told::ring_bell(&BELL);
}

/// Those who are waited for in one call.
pub(super) struct Several<'a, R> {
    any: &'a mut WaitAny,
    receivers: &'a mut [R],
}

impl<'a, R: Receives> Several<'a, R> {
    pub(super) fn new(any: &'a mut WaitAny, receivers: &'a mut [R]) -> Result<Self, Error> {
        any.ends.clear();
        any.ends.resize(receivers.len(), None);
        let several = Self { any, receivers };
        let direct = several.direct();
        several.receivers[direct..].iter_mut().try_for_each(|one| one.watched(ring_bell).map(drop))?;
        Ok(several)
    }

    /// How many of them are slept on, so that there is a word left for the bell.
    fn direct(&self) -> usize {
        self.receivers.len().min(MAX_WORDS - 1)
    }

    /// Has deaths told, where it has been idle for long; false if they are not, for all.
    fn tell_of_deaths(&mut self) -> bool {
        let direct = self.direct();
        let Self { any, receivers } = self;
        if any.strategy.idle < LONG_IDLE {
            return false;
        }
        let mut is_told = true;
        for (receiver, expected) in receivers[..direct].iter_mut().zip(&any.expected) {
            match receiver.watched(ring_bell) {
                Ok(watch) => is_told &= watch.arm(*expected),
                Err(_) => {
                    any.strategy.idle = Duration::ZERO;
                    return false;
                }
            }
        }
        is_told
    }

    /// Whose turn it is to tell of something, and what.
    pub(super) fn look(&mut self, for_the_dead: bool) -> Option<(usize, Result<(), RecvError>)> {
        let len = self.receivers.len();
        let turn = self.any.turn.min(len);
        for index in (turn..len).chain(0..turn) {
            let end = self.any.ends[index];
            let found = self.receivers[index].look(for_the_dead || end.is_some());
            if let Some(found) = found.or(end.map(|end| Err(end.into()))) {
                self.any.turn = index + 1;
                self.any.has_told_of_an_end = found.is_err();
                return Some((index, found));
            }
        }
        None
    }
}

impl<R: Receives> Sleeps for Several<'_, R> {
    fn strategy(&mut self) -> &mut Strategy {
        &mut self.any.strategy
    }

    fn is_to_look_round(&mut self) -> bool {
        let ask = |is_to, receiver: &mut R| {
            let has_died = receiver.is_told_of_death();
            let (waiter, seat) = receiver.waiter();
            waiter.is_to_look_round(seat) || has_died || is_to
        };
        let has_told = mem::take(&mut self.any.has_told_of_an_end);
        self.receivers.iter_mut().fold(has_told, ask)
    }

    /// Notes the end of each, for the look that follows; all together have none.
    fn end(&mut self, asks_kernel: bool) -> Option<End> {
        for (receiver, end) in self.receivers.iter_mut().zip(&mut self.any.ends) {
            let (waiter, seat) = receiver.waiter();
            *end = waiter.end(seat, asks_kernel);
        }
        None
    }

    /// Says in the words of all that they are waited for, and has others fence once for all.
    fn arm(&mut self) -> Armed {
        let direct = self.direct();
        let how = |index| if index < direct { 0 } else { NOTICE };
        let mut armed = Armed { expected: BELL.load(Ordering::Acquire), patience: PATIENCE };
        let expected = &mut self.any.expected;
        expected.clear();
        let mut needs_kernel = false;
        for (index, receiver) in self.receivers.iter_mut().enumerate() {
            let (waiter, seat) = receiver.waiter();
            expected.push(seat.signals().own().say_waited_for(how(index)));
            needs_kernel |= waiter.needs_kernel();
        }
        if needs_kernel && !self.receivers[0].waiter().1.signals().own().fence_others() {
            for (index, receiver) in self.receivers.iter_mut().enumerate() {
                let (waiter, seat) = receiver.waiter();
                if waiter.needs_kernel() {
                    let asked = waiter.ask_for_fences(seat.signals(), how(index));
                    expected[index] = asked.expected;
                    armed.patience = armed.patience.min(asked.patience);
                }
            }
        }
        // Pairs with the fence of whoever changes a ring, as in `Waiter::arm`.
        fence(Ordering::SeqCst);
        self.any.is_awake = false;
        for (receiver, expected) in self.receivers[direct..].iter_mut().zip(&expected[direct..]) {
            let is_armed = receiver.watched(ring_bell).is_ok_and(|watch| watch.arm(*expected));
            self.any.is_awake |= !is_armed;
        }
        if armed.patience == PATIENCE && self.tell_of_deaths() {
            armed.patience = LONG_PATIENCE;
        }
        armed
    }

    fn sleep(&mut self, armed: Armed, timeout: Duration) -> Woken {
        if mem::take(&mut self.any.is_awake) {
            return Woken::ByOther;
        }
        let direct = self.direct();
        let words = self.receivers[..direct].iter_mut().map(|receiver| {
            let word: &AtomicU32 = receiver.waiter().1.signals().own().word();
            word
        });
        let words = words.zip(self.any.expected.iter().copied());
        kernel::wait_any(words.chain([(&BELL, armed.expected)]), timeout)
    }
}
