//! A region in a loom model, as one participant sees it.

use std::sync::Arc;

use crate::{
    Error, Life,
    geometry::Geometry,
    memory::{Mapping, Memory},
    waiting::Session,
};

/// The memory of a ring, for participants that live as long as a [`Life`].
#[derive(Clone, Debug)]
pub struct Region {
    mapping: Arc<Mapping>,
    identity: Identity,
}

/// What never changes.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) geometry: Geometry,
}

impl Region {
    pub(crate) fn of(memory: &Arc<Memory>, geometry: Geometry, life: &Life) -> Self {
        Self { mapping: Mapping::of(memory, life), identity: Identity { geometry } }
    }

    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) const fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// In a model nobody waits by notices.
    pub(crate) fn touch(&self) {}

    /// Closes the ring, if it is open.
    pub(crate) fn close(&self) {
        Session::close(&self.mapping, || {});
    }

    /// Whether somebody holds the lock on the record at `record`.
    #[expect(clippy::unnecessary_wraps, reason = "outside of a model it may fail")]
    pub(crate) fn is_locked(&self, record: usize) -> Result<bool, Error> {
        // Acquire: the kernel's locks order what is done under them.
        let lock = self.mapping.memory().lock(self.number_of(record));
        Ok(lock.load(loom::sync::atomic::Ordering::Acquire))
    }

    /// Whose record lies at `record`.
    pub(crate) fn number_of(&self, record: usize) -> u32 {
        let exchange = self.identity.geometry.exchange.expect("the region of an exchange ring");
        ((record - exchange.record(0)) / exchange.record_len()) as u32
    }
}
