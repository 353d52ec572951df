//! The account of a ring: what the survivors do and see, and what that leaves possible.

use ironring::{
    Delivery, RecvError, SendError, View,
    mpmc::{Consumer, Producer},
};

use super::world::{Effect, Slot, World};
use crate::kills::{
    numbered::{LONGEST_BATCH, Numbered},
    violation::{Violation, duplicated, lost, wedged},
};

/// Everything that may have become of the messages so far.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    worlds: Vec<World>,
    /// The number of the next message of a survivor.
    next: u64,
}

impl Account {
    /// Of a new ring.
    pub(crate) fn new(capacity: u64, delivery: Delivery) -> Self {
        Self { worlds: vec![World::new(capacity, delivery)], next: 0 }
    }

    /// A victim has begun to do `effects` and got anywhere in them; or another one, after the
    /// first.
    pub(crate) fn act(&mut self, before: &[Effect], effects: &[Effect]) {
        let mut all = Vec::new();
        for mut world in std::mem::take(&mut self.worlds) {
            before.iter().for_each(|effect| world.apply(*effect));
            world.steps.push(0);
            let first = all.len();
            all.push(world.clone());
            for (done, effect) in (1..).zip(effects) {
                world.apply(*effect);
                *world.steps.last_mut().expect("just pushed") = done;
                // Some effects are none, by the delivery that was chosen.
                if let Some(same) = all[first..].iter_mut().find(|same| same.is_like(&world)) {
                    same.steps.clone_from(&world.steps);
                } else {
                    all.push(world.clone());
                }
            }
        }
        self.worlds = all;
    }

    /// The last victim has gone on to the end of its `effects`, and released what it held in
    /// `after` them. It says which message it received first, if it received one.
    pub(crate) fn finish(
        &mut self,
        effects: &[Effect],
        first: Option<u64>,
        after: &[Effect],
    ) -> Result<(), Violation> {
        for world in &mut self.worlds {
            let done = world.steps.last().copied().unwrap_or(0);
            effects[done..].iter().for_each(|effect| world.apply(*effect));
        }
        self.keep(
            |world| first.is_none_or(|number| world.has_taken(number)),
            |worlds| {
                let first = first.unwrap_or_default();
                duplicated(format!("a victim received {first:#x}, and there are {}", worlds[0]))
            },
        )?;
        for world in &mut self.worlds {
            after.iter().for_each(|effect| world.apply(*effect));
        }
        Ok(())
    }

    /// The last victim knows that so many effects have taken place.
    pub(crate) fn acknowledge(&mut self, effects: usize) -> Result<(), Violation> {
        self.keep(
            |world| world.steps.last().is_none_or(|steps| *steps >= effects),
            |worlds| lost(format!("{effects} effects took place, not {:?}", worlds[0].steps)),
        )
    }

    /// How far the victims may have got: as many effects of the first, and of the second.
    /// Some ways of going look the same to all others.
    pub(crate) fn steps(&self) -> Vec<Vec<usize>> {
        let mut steps: Vec<_> = self.worlds.iter().map(|world| world.steps.clone()).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// Leaves the worlds that are `possible`; if there are none, `violation` says what is wrong
    /// with all.
    pub(crate) fn keep(
        &mut self,
        possible: impl Fn(&World) -> bool,
        violation: impl FnOnce(&[World]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        if !self.worlds.iter().any(&possible) {
            return violation(&self.worlds);
        }
        self.worlds.retain(possible);
        Ok(())
    }

    /// Whether that is so in each world.
    pub(crate) fn is_certain(&self, is_so: impl FnMut(&World) -> bool) -> bool {
        self.worlds.iter().all(is_so)
    }

    /// Slots in the ring, at least.
    pub(crate) fn len(&self) -> usize {
        self.worlds.iter().map(World::len).min().unwrap_or(0)
    }

    /// Sends a message; false if there was no room.
    pub(crate) fn send<M: Numbered + ?Sized>(
        &mut self,
        producer: &mut Producer<M>,
    ) -> Result<bool, Violation> {
        M::label(producer, self.next);
        match producer.try_send(M::payload(&M::make(self.next))) {
            Ok(()) => self.sent(1).map(|()| true),
            Err(SendError::Full) => {
                self.keep(
                    |world| world.is_full(),
                    |worlds| wedged(format!("no room, and there are {}", worlds[0])),
                )?;
                Ok(false)
            }
            Err(error) => wedged(error),
        }
    }

    /// Sends messages in one slot, for which there is room.
    pub(crate) fn send_slot<M: Numbered + ?Sized>(&mut self, producer: &mut Producer<M>, count: u64) {
        for number in self.next..self.next + count {
            M::label(producer, number);
            producer.stage(M::payload(&M::make(number))).expect("room");
        }
        producer.publish().expect("room");
        self.sent(count).expect("room");
    }

    fn sent(&mut self, count: u64) -> Result<(), Violation> {
        let slot = Slot { first: self.next, count };
        self.next += count;
        self.keep(
            |world| !world.is_full(),
            |worlds| lost(format!("the ring takes more than {}", worlds[0])),
        )?;
        self.worlds.iter_mut().for_each(|world| world.send(slot));
        Ok(())
    }

    /// Receives and releases a message; false if there was none.
    pub(crate) fn receive<M: Numbered + ?Sized>(
        &mut self,
        consumer: &mut Consumer<M>,
    ) -> Result<bool, Violation> {
        match consumer.try_recv() {
            Ok(message) => {
                let number = self.identify(&message.view())?;
                self.received(number, message.is_redelivered()).map(|()| true)
            }
            Err(RecvError::Empty) => {
                self.keep(
                    |world| world.is_empty(),
                    |worlds| lost(format!("nothing comes, and there are {}", worlds[0])),
                )?;
                Ok(false)
            }
            Err(error) => wedged(error),
        }
    }

    /// Which message this is, of those that may come next, by every byte of it.
    fn identify<M: Numbered + ?Sized>(&self, view: &View<'_, M>) -> Result<u64, Violation> {
        let (label, content) = (M::number(view), M::read(view));
        // Those of a batch may have been labelled together.
        let is_it = |number: &u64| label.wrapping_sub(*number) < LONGEST_BATCH && M::make(*number) == content;
        match self.worlds.iter().flat_map(World::next).find(is_it) {
            Some(number) => Ok(number),
            None if M::make(label) == content => Ok(label),
            None => lost(format!("message {label:#x} is not as it was sent")),
        }
    }

    fn received(&mut self, number: u64, is_marked: bool) -> Result<(), Violation> {
        self.keep(
            |world| world.may_receive(number, is_marked),
            |worlds| {
                let marked = if is_marked { ", marked," } else { "" };
                let what = format!("message {number:#x}{marked} comes, and there are {}", worlds[0]);
                // One that is to come later has left others behind.
                let is_early = !is_marked && worlds.iter().any(|world| world.has(number));
                if is_early { lost(what) } else { duplicated(what) }
            },
        )?;
        self.worlds.iter_mut().for_each(|world| world.receive(number, is_marked));
        Ok(())
    }
}
