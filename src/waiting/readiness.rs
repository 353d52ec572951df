//! A descriptor that is readable when there may be something to receive.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    sync::Arc,
};

use super::{Watch, watcher::event};
use crate::{Error, Seat};

/// The descriptor of one consumer: see [`Consumer::readiness`](crate::Consumer::readiness). Open
/// as long as a clone of this lives.
#[derive(Clone, Debug)]
pub struct Readiness {
    descriptor: Arc<Descriptor>,
}

#[derive(Debug)]
struct Descriptor {
    event: Arc<File>,
    watch: Arc<Watch>,
}

impl Readiness {
    /// One that is readable, for the consumer that has `seat`.
    pub(crate) fn new(seat: &Seat) -> Result<Self, Error> {
        let event = event(1).map_err(|e| Error::io("making a descriptor to wait by", e))?;
        let event = Arc::new(event);
        let rung = Arc::clone(&event);
        let watch = Watch::new(seat, move || set(&rung))?;
        Ok(Self { descriptor: Arc::new(Descriptor { event, watch }) })
    }

    /// Calls `look`, which found nothing just now. Unless it finds something, the descriptor is
    /// readable from when there may be something, and not before.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Arc<Watch>) -> Option<T>) -> Option<T> {
        let Descriptor { event, watch } = &*self.descriptor;
        if watch.is_armed() {
            // And not yet rung: to be looked at when it is.
            return None;
        }
        // Fails where it is not readable, which is as well.
        let _ = (&**event).read(&mut [0; 8]);
        let found = look(watch);
        if found.is_some() {
            set(event);
        }
        found
    }
}

/// Makes it readable.
fn set(mut event: &File) {
    // Fails where it has been made so 2^64 - 2 times, and is readable.
    let _ = event.write(&1_u64.to_ne_bytes());
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.event.as_fd()
    }
}

impl AsRawFd for Readiness {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.event.as_raw_fd()
    }
}
