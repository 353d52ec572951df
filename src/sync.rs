//! The atomics that the ring uses: the standard ones, or loom's when a model is run.

#[cfg(not(loom))]
pub(crate) use core::{
    hint::spin_loop,
    sync::atomic::{Ordering, fence},
};
#[cfg(not(loom))]
pub(crate) use std::thread::yield_now;

/// Exchanges of a shared word lost one after the other, beyond which it is not participants that
/// keep the protocol that were first.
pub(crate) const MAX_LOST: u32 = 1 << 20;

/// Keeps the stores before it before what follows, as seen by whoever comes after this
/// process is killed: a kill strikes between two instructions, so it is enough that the
/// compiler keeps their order.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn before_what_follows() {
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// Keeps an exchange before the loads behind it, as everybody sees them.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn fence_behind_exchange() {
    // There a read-modify-write is a full fence by itself: see docs/WAITING.md.
    if cfg!(target_arch = "x86_64") {
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

#[cfg(loom)]
pub(crate) fn fence_behind_exchange() {
    fence(Ordering::SeqCst);
}

/// In a model, threads end between operations, in program order.
#[cfg(loom)]
pub(crate) fn before_what_follows() {}

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{Ordering, fence},
    thread::yield_now,
};
