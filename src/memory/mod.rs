//! Shared memory as the rings see it: words that are atomics, and bytes that are only
//! ever copied.
//!
//! Nothing outside this module holds a pointer into a region. A [`Word`] and an
//! [`Area`] keep the [`Mapping`] that they point into alive, and are checked against
//! its length when they are made, so that using them is safe whatever a peer writes.

#[cfg(not(loom))]
mod copy;
#[cfg(not(loom))]
mod mapping;
#[cfg(loom)]
mod model;

#[cfg(not(loom))]
pub(crate) use mapping::{Area, Mapping, Span, Word};
#[cfg(loom)]
pub use model::Life;
#[cfg(loom)]
pub(crate) use model::{Area, Mapping, Memory, Seat, Span, Word};
