//! How one call sleeps on the words of several rings, whatever their number.

use std::{mem, time::Duration};

use super::{
    End, PATIENCE, Receives, Strategy, WaitAny, bell,
    kernel::{self, MAX_WORDS},
    wait::Sleeps,
    word::{Armed, NOTICE, Woken},
};
#[cfg(loom)]
use crate::Seat;
use crate::{
    Error, RecvError,
    sync::{Ordering, fence},
};

/// Those who are waited for in one call.
pub(super) struct Several<'a, R> {
    pub(super) any: &'a mut WaitAny,
    pub(super) receivers: &'a mut [R],
}

impl<'a, R: Receives> Several<'a, R> {
    pub(super) fn new(any: &'a mut WaitAny, receivers: &'a mut [R]) -> Result<Self, Error> {
        any.ends.clear();
        any.ends.resize(receivers.len(), None);
        let mut several = Self { any, receivers };
        several.watch_others()?;
        Ok(several)
    }

    /// How many of them are slept on, so that there is a word left for the bell.
    pub(super) fn direct(&self) -> usize {
        self.receivers.len().min(MAX_WORDS - 1)
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

    fn rings(&self) -> u32 {
        u32::try_from(self.receivers.len()).unwrap_or(u32::MAX)
    }

    fn is_to_look_round(&mut self) -> bool {
        let ask = |is_to, receiver: &mut R| {
            let (waiter, seat) = receiver.waiter();
            waiter.is_to_look_round(seat) || is_to
        };
        let is_told = mem::take(&mut self.any.has_told_of_an_end) | self.is_told_of_death();
        self.receivers.iter_mut().fold(is_told, ask)
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
        let mut armed = Armed { expected: bell::now(), patience: PATIENCE };
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
        self.arm_others(&mut armed);
        armed
    }

    fn sleep(&mut self, armed: Armed, timeout: Duration) -> Woken {
        if mem::take(&mut self.any.is_awake) {
            return Woken::ByOther;
        }
        let direct = self.direct();
        let words =
            self.receivers[..direct].iter_mut().map(|receiver| receiver.waiter().1.signals().own().word());
        let words = words.zip(self.any.expected.iter().copied());
        kernel::wait_any(words, bell::until_rung(armed.expected), timeout)
    }

    #[cfg(loom)]
    fn seat(&mut self) -> &Seat {
        self.receivers[0].waiter().1
    }
}
