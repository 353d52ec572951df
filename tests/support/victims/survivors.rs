//! A producer and a consumer that live, and wait for nobody.

use ironring::mpmc::{Consumer, Producer};

use super::{account::Account, rig::Rig};
use crate::kills::{numbered::Numbered, violation::Violation};

#[derive(Debug)]
pub(crate) struct Survivors<M: Numbered + ?Sized> {
    pub(crate) producer: Producer<M>,
    pub(crate) consumer: Consumer<M>,
    pub(crate) account: Account,
}

impl<M: Numbered + ?Sized> Survivors<M> {
    /// Attaches both; `account` is that of the ring as it is.
    pub(crate) fn attach(rig: &Rig<M>, account: Account) -> Self {
        let producer = rig.ring.producer().expect("a place");
        let consumer = rig.ring.consumer().expect("a place");
        Self { producer, consumer, account }
    }

    pub(crate) fn send(&mut self) -> Result<bool, Violation> {
        self.account.send(&mut self.producer)
    }

    pub(crate) fn receive(&mut self) -> Result<bool, Violation> {
        self.account.receive(&mut self.consumer)
    }

    /// Receives all there is.
    pub(crate) fn drain(&mut self) -> Result<(), Violation> {
        while self.receive()? {}
        Ok(())
    }

    /// Sends as many messages as there is room for.
    pub(crate) fn fill(&mut self) -> Result<(), Violation> {
        while self.send()? {}
        Ok(())
    }

    /// Fills the ring and empties it.
    pub(crate) fn lap(&mut self) -> Result<(), Violation> {
        self.drain()?;
        self.fill()?;
        self.drain()
    }

    /// Moves the ring on by so many slots, with as many in it as there were.
    pub(crate) fn move_on(&mut self, slots: u64) -> Result<(), Violation> {
        for _ in 0..slots {
            self.receive()?;
            self.send()?;
        }
        self.finish_slot()
    }

    /// Receives what is left of the slot that it has begun with.
    pub(crate) fn finish_slot(&mut self) -> Result<(), Violation> {
        while self.account.is_certain(|world| world.is_begun()) {
            self.receive()?;
        }
        Ok(())
    }
}
