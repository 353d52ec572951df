//! What those who live find after a kill, and whether it is what it must be.

use ironring::{
    State as Presence,
    mpmc::{Consumer, Interrupted, Recovered},
};

use crate::{
    kills::{
        numbered::Numbered,
        violation::{Violation, duplicated, lost, wedged},
    },
    victims::{
        account::Account,
        rest::{must_be_at_rest, must_be_counted},
        rig::Rig,
        scene::each_place_works,
        survivors::Survivors,
        world::Effect,
    },
};

/// Who repairs what the dead one left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finder {
    /// Whoever is told to.
    Recover,
    /// A consumer that attaches.
    Consumer,
    /// A producer that attaches.
    Producer,
    /// A consumer that was there all the time.
    Watcher,
}

impl Finder {
    /// One after the other, for victim number `i`.
    pub(crate) fn of(i: u64) -> Self {
        [Self::Recover, Self::Consumer, Self::Producer, Self::Watcher][(i % 4) as usize]
    }
}

/// Times that a watcher finds the ring empty, of which it makes sure to look for the dead once.
const LOOKS: usize = 16;

/// After a victim was killed: the others go on, and one of them repairs what it left.
pub(crate) struct Aftermath<'a, M: Numbered + ?Sized> {
    pub(crate) rig: &'a Rig<M>,
    pub(crate) survivors: Survivors<M>,
    /// A consumer that took no part so far.
    pub(crate) watcher: Option<Consumer<M>>,
    pub(crate) finder: Finder,
    /// Whether the survivors go on for a while before anybody repairs.
    pub(crate) goes_on_first: bool,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Settled {
    /// How far each victim may have got.
    pub(crate) steps: Vec<Vec<usize>>,
    /// What was told of the dead.
    pub(crate) events: Vec<Recovered>,
}

impl<M: Numbered + ?Sized> Aftermath<'_, M> {
    pub(crate) fn settle(mut self) -> Result<Settled, Violation> {
        let rig = self.rig;
        rig.check("after the kill")?;
        self.survivors.finish_slot()?;
        if self.goes_on_first {
            self.survivors.lap()?;
        }
        let mut events = self.repair()?;
        let Self { mut survivors, watcher, .. } = self;
        events.extend(survivors.consumer.take_recovered());
        // Where they came after the deaths, they may have taken up what the dead held.
        survivors.drain()?;
        deliver_again(rig, &mut survivors.account, &mut events)?;
        rig.check("repaired")?;
        survivors.lap()?;
        survivors.lap()?;
        must_be_counted(rig, &mut survivors.account)?;
        must_be_at_rest(rig)?;
        let Survivors { producer, consumer, mut account } = survivors;
        drop((producer, consumer, watcher));
        each_place_works(rig, &mut account)?;
        rig.check("at the end")?;
        Ok(Settled { steps: account.steps(), events })
    }

    fn repair(&mut self) -> Result<Vec<Recovered>, Violation> {
        let Self { rig, survivors, watcher, finder, .. } = self;
        let mut events = Vec::new();
        match (finder, watcher) {
            (Finder::Recover, _) | (Finder::Watcher, None) => {}
            (Finder::Consumer, _) => {
                let mut consumer = rig.ring.consumer().or_else(wedged)?;
                events.extend(consumer.take_recovered());
                while survivors.account.receive(&mut consumer)? {}
            }
            (Finder::Producer, _) => {
                let mut producer = rig.ring.producer().or_else(wedged)?;
                events.extend(producer.take_recovered());
                survivors.account.send(&mut producer)?;
            }
            (Finder::Watcher, Some(watcher)) => {
                for _ in 0..LOOKS {
                    while survivors.account.receive(watcher)? {}
                }
                events.extend(watcher.take_recovered());
                let statuses = rig.ring.participants().or_else(wedged)?;
                if statuses.iter().any(|status| status.presence.state == Presence::Died) {
                    return wedged("a consumer that is at work does not look for the dead");
                }
            }
        }
        events.extend(rig.ring.recover().or_else(wedged)?);
        Ok(events)
    }
}

/// Has consumers attach until nothing comes again.
fn deliver_again<M: Numbered + ?Sized>(
    rig: &Rig<M>,
    account: &mut Account,
    events: &mut Vec<Recovered>,
) -> Result<(), Violation> {
    loop {
        let mut consumer = rig.ring.consumer().or_else(wedged)?;
        events.extend(consumer.take_recovered());
        let mut came = 0;
        while account.receive(&mut consumer)? {
            came += 1;
        }
        // Who attaches takes the place where most was left.
        if came == 0 {
            break;
        }
    }
    account.keep(
        |world| !world.comes_again(),
        |worlds| lost(format!("what the dead had taken does not come again: {}", worlds[0])),
    )
}

impl Settled {
    /// Whether what was told of the dead is true: of the one victim, process `pid`, which had
    /// its place if `was_attached`, and was killed in `effects`, or before or behind them.
    pub(crate) fn must_be_told(
        &self,
        pid: i32,
        was_attached: bool,
        effects: &[Effect],
        is_at_rest: bool,
    ) -> Result<(), Violation> {
        let event = match self.events.as_slice() {
            [event] if event.holder.pid == pid.cast_unsigned() || !was_attached => event,
            [] if !was_attached => return Ok(()),
            events => return wedged(format!("of process {pid}, which died, is told: {events:?}")),
        };
        let is_before = |steps: &Vec<usize>| effects.get(steps[0]).is_some_and(|effect| effect.is_exchange());
        let is_behind = |steps: &Vec<usize>| effects[..steps[0]].iter().any(|effect| effect.is_exchange());
        match event.interrupted {
            Some(_) if is_at_rest => wedged(format!("a victim at rest was interrupted: {event:?}")),
            Some(Interrupted::Done) if !self.steps.iter().any(is_behind) => {
                lost(format!("it did not take place: {event:?}"))
            }
            Some(Interrupted::Undone) if !self.steps.iter().any(is_before) => {
                duplicated(format!("it took place: {event:?}"))
            }
            _ => Ok(()),
        }
    }
}
