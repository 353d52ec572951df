//! A ring in a loom model, in place of the one in a file.

use std::{marker::PhantomData, sync::Arc};

use super::{Consumer, Producer};
use crate::{
    Error, Life, Options, Seat,
    memory::{Mapping, Memory},
    options::Geometry,
    payload::Payload,
};

/// A ring for the threads of one loom execution.
#[derive(Debug)]
pub struct Ring<M: Payload + ?Sized> {
    memory: Arc<Memory>,
    geometry: Geometry,
    _payload: PhantomData<fn(&M)>,
}

impl<M: Payload + ?Sized> Clone for Ring<M> {
    fn clone(&self) -> Self {
        Self { memory: Arc::clone(&self.memory), ..*self }
    }
}

impl<M: Payload + ?Sized> Ring<M> {
    /// Makes a ring.
    ///
    /// # Errors
    ///
    /// [`Error::Options`].
    pub fn anonymous(options: &Options) -> Result<Self, Error> {
        let geometry = options.geometry::<M>()?;
        Ok(Self { memory: Memory::new(geometry.data_len()), geometry, _payload: PhantomData })
    }

    /// Attaches as the producer, to live as long as `life`.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`].
    pub fn producer(&self, life: &Life) -> Result<Producer<M>, Error> {
        Ok(Producer::take_over(self.seat(life), &self.geometry)?)
    }

    /// Attaches as the consumer, to live as long as `life`.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`].
    pub fn consumer(&self, life: &Life) -> Result<Consumer<M>, Error> {
        Ok(Consumer::take_over(self.seat(life), &self.geometry)?)
    }

    fn seat(&self, life: &Life) -> Seat {
        Seat(Mapping::of(&self.memory, life))
    }
}
