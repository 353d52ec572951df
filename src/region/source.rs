//! Where a region's bytes lie, for who maps them once more.

use std::{fs::File, ptr::NonNull, sync::Arc};

use crate::{
    error::Error,
    memory::{Mapping, Segment},
    region::Image,
};

/// Where the bytes lie. The file that is locked is the region's own, or a companion that has no
/// bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// In the file itself.
    File,
    /// In a System V segment.
    Segment(Segment),
    /// In memory that the caller has mapped.
    Callers(Lent),
}

/// Memory that the caller promised to leave to a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent {
    pub(crate) base: NonNull<u8>,
    pub(crate) len: usize,
}

// SAFETY: it is an address; whoever lent the memory promised that any thread may use it.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl Source {
    /// Maps the first `len` bytes at least.
    pub(super) fn map(self, file: &File, len: usize) -> Result<Arc<Mapping>, Error> {
        match self {
            Self::File => Mapping::shared(file, len),
            Self::Segment(segment) => Mapping::segment(segment, false),
            Self::Callers(lent) => Ok(Mapping::lent(lent)),
        }
    }

    /// The same, for reading only.
    pub(super) fn map_read_only(self, file: &File, len: usize) -> Result<Arc<Mapping>, Error> {
        match self {
            Self::File => Mapping::read_only(file, len),
            Self::Segment(segment) => Mapping::segment(segment, true),
            Self::Callers(lent) => Ok(Mapping::lent(lent)),
        }
    }

    /// Maps them so that a forked child does not have them, and so that the mapping keeps the locks
    /// of `own`, a description of the file that is locked.
    pub(super) fn map_own(self, own: &File, len: usize, image: Image) -> Result<Arc<Mapping>, Error> {
        match self {
            Self::File => Mapping::not_inherited(own, len, image),
            Self::Segment(segment) => Mapping::own_segment(segment, own, image),
            Self::Callers(lent) => Mapping::own_lent(lent, own, image),
        }
    }
}
