//! Looking at an exchange ring without taking part in it, as an [`Observer`](crate::Observer)
//! does: nothing here stores anything.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
};

use super::{
    aside::{self, SetAside},
    shared::Shared,
    slot::{Place, Slot},
    status::Status,
};
use crate::{
    Error,
    error::Corrupt,
    geometry::Geometry,
    memory::{Mapping, Span},
};

/// An exchange ring that is looked at.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Shared,
    mapping: Arc<Mapping>,
}

/// What lies at a position.
pub(crate) enum Look<T> {
    /// Messages, which were there all the time that they were looked at.
    Full(T),
    /// Messages that were received, or displaced, meanwhile or before; where to look next.
    Taken(u64),
    /// None yet.
    End,
}

/// A copy of one of the messages in a slot.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) tag: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Watch {
    /// # Panics
    ///
    /// If the geometry is not that of an exchange ring.
    pub(crate) fn new(mapping: &Arc<Mapping>, geometry: &Geometry) -> Self {
        Self { shared: Shared::of(mapping, geometry), mapping: Arc::clone(mapping) }
    }

    /// Copies of the messages at `position`.
    pub(crate) fn copy(&self, position: u64) -> Result<Look<Vec<Copied>>, Corrupt> {
        self.look(position, |shared, slot| copies(shared, slot, 0))
    }

    /// How many messages lie at `position`.
    pub(crate) fn count(&self, position: u64) -> Result<Look<u32>, Corrupt> {
        self.look(position, Shared::messages_in)
    }

    /// Looks at the slot at `position` by `read`, whose result counts only if the entry is the
    /// same afterwards: a slot that an entry names is written to by nobody.
    fn look<T>(
        &self,
        position: u64,
        read: impl FnOnce(&Shared, Slot) -> Result<T, Corrupt>,
    ) -> Result<Look<T>, Corrupt> {
        let turns = self.shared.turns;
        let word = self.shared.entry(position);
        // Acquire: pairs with the Release of the exchange in `Participant::exchange`.
        let entry = word.load(Ordering::Acquire);
        let full = turns.free(position).wrapping_add(turns.turns(1));
        match turns.ahead(entry, full) {
            0 => {}
            // As in `Cursor::walk`: with it, all before it are taken.
            ahead @ 1.. => {
                let laps = (ahead - 1) as u64 / 2;
                return Ok(Look::Taken(
                    position.wrapping_add(laps.wrapping_mul(self.shared.capacity)).wrapping_add(1),
                ));
            }
            _ => return Ok(Look::End),
        }
        let found = self.shared.slot_of(entry).and_then(|slot| read(&self.shared, slot));
        // Keeps the second look behind what was read.
        fence(Ordering::Acquire);
        if word.load(Ordering::Relaxed) != entry {
            return Ok(Look::Taken(position.wrapping_add(1)));
        }
        found.map(Look::Full)
    }

    /// Who takes part, or did.
    pub(crate) fn statuses(&self, file: &File) -> Result<Vec<Status>, Error> {
        let shared = &self.shared;
        shared.participants().map(|number| Status::of(shared, number, file, &self.mapping)).collect()
    }

    /// The messages that are set aside.
    pub(crate) fn set_aside(&self) -> Result<Vec<SetAside>, Corrupt> {
        aside::list(&self.shared)
    }
}

/// Copies of the messages in `slot` from number `from` on.
pub(super) fn copies(shared: &Shared, slot: Slot, from: u32) -> Result<Vec<Copied>, Corrupt> {
    each(shared, slot, from, |span, tag| {
        let mut bytes = vec![0; span.len()];
        shared.area().read(span, &mut bytes);
        Copied { tag, bytes }
    })
}

/// What `read` makes of each message in `slot` from number `from` on.
pub(super) fn each<T>(
    shared: &Shared,
    slot: Slot,
    from: u32,
    mut read: impl FnMut(Span, u32) -> T,
) -> Result<Vec<T>, Corrupt> {
    let mut all = Vec::new();
    let mut next = Some(Place::FIRST);
    while let Some(place) = next {
        let packed = shared.message(slot, place, shared.message_size)?;
        if place.index >= from {
            all.push(read(packed.span, packed.tag));
        }
        next = packed.next;
    }
    Ok(all)
}
