//! How one call sleeps on the words of several rings, whatever their number.

use std::{
    mem,
    sync::atomic::{AtomicU32, Ordering, fence},
};

use super::{
    End, PATIENCE, Receives, Strategy, WaitAny, Watch,
    kernel::{self, MAX_WORDS},
    wait::Sleeps,
    word::{Armed, NOTICE, Woken},
};
use crate::{Deadline, Error, RecvError};

/// Rung for all who sleep on more words than the kernel allows.
static BELL: AtomicU32 = AtomicU32::new(0);

fn ring_bell() {
    // Release: pairs with the Acquire in `Several::arm`.
    BELL.fetch_add(1, Ordering::Release);
    kernel::wake_all(&BELL);
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

    /// How many of them are slept on; where that is not all, so that there is a word left for the bell.
    fn direct(&self) -> usize {
        let len = self.receivers.len();
        if len > MAX_WORDS { MAX_WORDS - 1 } else { len }
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
            let (waiter, seat) = receiver.waiter();
            waiter.is_to_look_round(seat) || is_to
        };
        self.receivers.iter_mut().fold(false, ask)
    }

    /// Notes the end of each, for the look that follows; all together have none.
    fn end(&mut self, asks_kernel: bool) -> Option<End> {
        let direct = self.direct();
        for (index, receiver) in self.receivers.iter_mut().enumerate() {
            let is_told = index >= direct && receiver.watched(ring_bell).is_ok_and(Watch::is_to_look_round);
            let (waiter, seat) = receiver.waiter();
            self.any.ends[index] = waiter.end(seat, asks_kernel || is_told);
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
        armed
    }

    fn sleep(&mut self, armed: Armed, deadline: Deadline) -> Woken {
        if mem::take(&mut self.any.is_awake) {
            return Woken::ByOther;
        }
        let direct = self.direct();
        let bell = (direct < self.receivers.len()).then_some((&BELL, armed.expected));
        let words = self.receivers[..direct].iter_mut().map(|receiver| {
            let word: &AtomicU32 = receiver.waiter().1.signals().own().word();
            word
        });
        let words = words.zip(self.any.expected.iter().copied());
        kernel::wait_any(words.chain(bell), armed.timeout(deadline))
    }
}
