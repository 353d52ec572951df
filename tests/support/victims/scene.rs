//! Rings in the state in which an operation is to find them, made once and put back for each
//! victim.

use ironring::mpmc::{Consumer, Producer};

use super::{
    account::Account,
    operation::Operation,
    rig::{PARTICIPANTS, Rig},
    survivors::Survivors,
};
use crate::kills::{
    numbered::Numbered,
    violation::{Violation, wedged},
};

/// How the ring is when the operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Never used.
    Empty,
    Part,
    /// Or with room for no more than a producer's operation needs.
    Full,
    /// The operation is about the first entry of a new lap.
    Wrapping,
}

/// A ring as an operation is to find it.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) image: Vec<u8>,
    pub(crate) account: Account,
}

impl State {
    /// The states in which `operation` makes a difference.
    pub(crate) fn of(operation: Operation) -> &'static [State] {
        use State::*;
        match operation {
            Operation::SendFull => &[Full, Wrapping],
            Operation::RecvEmpty => &[Empty, Wrapping],
            _ if operation.role() == Some(ironring::Role::Consumer) => &[Part, Full, Wrapping],
            _ => &[Empty, Part, Full, Wrapping],
        }
    }
}

impl Scene {
    /// Makes the new ring of `rig` what `operation` is to find.
    pub(crate) fn of<M: Numbered + ?Sized>(rig: &Rig<M>, operation: Operation, state: State) -> Self {
        let mut account = rig.account();
        if state != State::Empty {
            each_place_works(rig, &mut account).expect("a new ring works");
        }
        let mut ends = Survivors::attach(rig, account);
        let takes = operation.takes(&rig.setting, state);
        ends.bring_to(rig.setting.capacity, operation, state, takes).expect("a new ring works");
        let Survivors { account, producer, consumer } = ends;
        drop((producer, consumer));
        Self { image: rig.image(), account }
    }
}

impl<M: Numbered + ?Sized> Survivors<M> {
    fn bring_to(
        &mut self,
        capacity: u64,
        operation: Operation,
        state: State,
        takes: &[u64],
    ) -> Result<(), Violation> {
        if state == State::Empty {
            return Ok(());
        }
        (0..3).try_for_each(|_| self.pass())?;
        // A lap on, each entry names another slot than at first.
        while state == State::Wrapping
            && (self.next_position() < capacity || !self.next_position().is_multiple_of(capacity))
        {
            self.pass()?;
        }
        takes.iter().for_each(|count| self.account.send_slot(&mut self.producer, *count));
        match state {
            State::Part => {
                while (self.account.len() as u64) < capacity / 2 {
                    self.send()?;
                }
            }
            State::Full => self.fill()?,
            State::Wrapping if operation == Operation::SendFull => self.fill()?,
            State::Empty | State::Wrapping => {}
        }
        if operation.needs_room() && self.account.is_certain(|world| world.is_full()) {
            self.receive()?;
        }
        Ok(())
    }

    /// Where the next message goes.
    fn next_position(&self) -> u64 {
        self.producer.last_published().map_or(0, |last| last.position + 1)
    }

    fn pass(&mut self) -> Result<(), Violation> {
        self.send()?;
        self.receive()?;
        Ok(())
    }
}

/// Attaches as many participants as the empty ring has places for, and passes a message by each.
pub(crate) fn each_place_works<M: Numbered + ?Sized>(
    rig: &Rig<M>,
    account: &mut Account,
) -> Result<(), Violation> {
    let attached = (0..PARTICIPANTS / 2).map(|_| Ok((rig.ring.producer()?, rig.ring.consumer()?)));
    let mut attached = match attached.collect::<Result<Vec<(Producer<M>, Consumer<M>)>, ironring::Error>>() {
        Ok(attached) => attached,
        Err(error) => return wedged(format!("no place for each: {error}")),
    };
    if rig.ring.producer().is_ok() {
        return wedged("there are more places than there were");
    }
    for (producer, consumer) in &mut attached {
        if !account.send(producer)? || !account.receive(consumer)? {
            return wedged("a place does not work");
        }
    }
    Ok(())
}
