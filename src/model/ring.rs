//! A ring in a loom model, in place of the one in a file.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    Consumer, Error, Life, Options, Producer, Sleep, Wary,
    algorithm::Algorithm,
    geometry::Geometry,
    memory::Memory,
    mpmc::{self, Mpmc, Recovered},
    payload::Payload,
    region::Region,
};

/// A ring for the threads of one loom execution.
#[derive(Debug)]
pub struct Ring<M: Payload + ?Sized, A: Algorithm> {
    memory: Arc<Memory>,
    geometry: Geometry,
    _payload: PhantomData<fn(&M) -> A>,
}

impl<M: Payload + ?Sized, A: Algorithm> Clone for Ring<M, A> {
    fn clone(&self) -> Self {
        Self { memory: Arc::clone(&self.memory), ..*self }
    }
}

impl<M: Payload + ?Sized, A: Algorithm> Ring<M, A> {
    /// Makes a ring in which nobody sleeps.
    ///
    /// # Errors
    ///
    /// [`Error::Options`].
    pub fn anonymous(options: &Options) -> Result<Self, Error> {
        Self::sleeping(options, Sleep::Never)
    }

    /// Makes a ring in which participants sleep so.
    ///
    /// # Errors
    ///
    /// [`Error::Options`].
    pub fn sleeping(options: &Options, sleep: Sleep) -> Result<Self, Error> {
        let geometry = A::geometry::<M>(options)?;
        Self::in_memory(Memory::new(&geometry, sleep), geometry)
    }

    /// The same, for receivers that wait for this one and for `other` at once.
    ///
    /// # Errors
    ///
    /// [`Error::Options`].
    pub fn sleeping_beside<N: Payload + ?Sized, B: Algorithm>(
        options: &Options,
        sleep: Sleep,
        other: &Ring<N, B>,
    ) -> Result<Self, Error> {
        let geometry = A::geometry::<M>(options)?;
        Self::in_memory(Memory::beside(&geometry, sleep, &other.memory), geometry)
    }

    fn in_memory(memory: Arc<Memory>, geometry: Geometry) -> Result<Self, Error> {
        let ring = Self { memory, geometry, _payload: PhantomData };
        if let Some(exchange) = geometry.exchange {
            mpmc::hand_out_slots(ring.region(&Life::endless()).mapping(), &geometry, exchange);
        }
        Ok(ring)
    }

    /// Attaches as a producer, to live as long as `life`.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`]; [`Error::NoPlace`].
    pub fn producer(&self, life: &Life) -> Result<Producer<M, Wary, A>, Error> {
        A::tail(&self.region(life)).map(Producer::of)
    }

    /// Attaches as a consumer, to live as long as `life`.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`]; [`Error::NoPlace`].
    pub fn consumer(&self, life: &Life) -> Result<Consumer<M, Wary, A>, Error> {
        A::head(&self.region(life)).map(Consumer::of)
    }

    /// Closes the ring.
    pub fn close(&self) {
        self.region(&Life::endless()).close();
    }

    fn region(&self, life: &Life) -> Region {
        Region::of(&self.memory, self.geometry, life)
    }
}

impl<M: Payload + ?Sized> Ring<M, Mpmc> {
    /// Sets right what participants left that died, for as long as `life`.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`].
    pub fn recover(&self, life: &Life) -> Result<Vec<Recovered>, Error> {
        mpmc::recover_region(&self.region(life))
    }

    /// The slots that the entries name, and those that each participant's record does.
    pub fn slots(&self) -> Vec<u32> {
        mpmc::slots(&self.region(&Life::endless()))
    }
}
