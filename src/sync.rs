//! The atomics that the ring uses: the standard ones, or loom's when a model is run.

#[cfg(not(loom))]
pub(crate) use core::{hint::spin_loop, sync::atomic::Ordering};
#[cfg(not(loom))]
pub(crate) use std::thread::yield_now;

/// Keeps the stores before it before what follows, as seen by whoever comes after this
/// process is killed: a kill strikes between two instructions, so it is enough that the
/// compiler keeps their order.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn before_what_follows() {
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// In a model, threads end between operations, in program order.
#[cfg(loom)]
pub(crate) fn before_what_follows() {}

#[cfg(loom)]
pub(crate) use loom::{hint::spin_loop, sync::atomic::Ordering, thread::yield_now};
