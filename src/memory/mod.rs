//! Shared memory as the rings see it: words that are atomics, and bytes that are only
//! ever copied.
//!
//! Nothing outside this module holds a pointer into a region. A [`Word`] and an
//! [`Area`] keep the [`Mapping`] that they point into alive, and are checked against
//! its length when they are made, so that using them is safe whatever a peer writes.

mod cells;
#[cfg(not(loom))]
mod copy;
#[cfg(not(loom))]
mod guard;
#[cfg_attr(loom, path = "../model/memory.rs")]
mod mapping;
#[cfg(not(loom))]
mod place;
#[cfg(not(loom))]
mod segment;

pub(crate) use cells::{Cell, Cells};
#[cfg(not(loom))]
pub(crate) use guard::TRUNCATED;
#[cfg(not(loom))]
pub use guard::guard_against_truncation;
#[cfg(loom)]
pub(crate) use mapping::Memory;
pub(crate) use mapping::{Area, HalfWord, Mapping, Span, Word, WordRef};
#[cfg(loom)]
pub use mapping::{Life, Sleep};
#[cfg(not(loom))]
pub(crate) use place::{check_file_system, huge_page_size, is_memory, is_proc};
#[cfg(not(loom))]
pub(crate) use segment::Segment;
