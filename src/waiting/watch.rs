//! How a handle waits that must not sleep itself, because others of its thread would sleep with
//! it: it is told when to look again.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering, fence},
    },
};

use super::{
    End, Waits,
    wait::look_up,
    watcher::{Seen, Watched, Watcher},
    word::{NOTICE, WaitWord},
};
use crate::{Error, Seat};

/// What one handle is told by, for as long as it lives.
///
/// Whoever finds nothing in the ring arms it, looks once more, and leaves; when there may be
/// something to find, the [`Watcher`] disarms it, and then rings it.
pub struct Watch {
    is_armed: AtomicBool,
    /// What the word was when this was armed last.
    expected: AtomicU32,
    /// Whether the next look is to be for what the dead have left, too.
    looks_round: AtomicBool,
    word: WaitWord,
    rung: Box<dyn Fn() + Send + Sync>,
    watched: Watched,
}

impl Watch {
    /// One for the handle that has `seat`, that calls `rung`, in another thread.
    pub(crate) fn new(seat: &Seat, rung: impl Fn() + Send + Sync + 'static) -> Result<Arc<Self>, Error> {
        let watcher = Watcher::of_this_process()?;
        let watched = watcher.watch(seat.region())?;
        let watch = Arc::new(Self {
            is_armed: AtomicBool::new(false),
            expected: AtomicU32::new(0),
            // Somebody may have died before it was watched.
            looks_round: AtomicBool::new(true),
            // By the region's own mapping, which keeps no place.
            word: WaitWord::of(seat.role(), seat.region().mapping()),
            rung: Box::new(rung),
            watched,
        });
        watcher.tell(&watch.watched, &watch);
        Ok(watch)
    }

    pub(crate) fn is_armed(&self) -> bool {
        // Acquire: pairs with the Release in `ring`.
        self.is_armed.load(Ordering::Acquire)
    }

    /// Whether somebody may have died since this was asked last.
    pub(crate) fn is_to_look_round(&self) -> bool {
        self.looks_round.load(Ordering::Relaxed) && self.looks_round.swap(false, Ordering::Relaxed)
    }

    /// Has it rung when the word is no longer as `expected`; false if that is so now, or
    /// something else has happened since the last look.
    pub(super) fn arm(&self, expected: u32) -> bool {
        self.expected.store(expected, Ordering::Relaxed);
        self.is_armed.store(true, Ordering::Relaxed);
        // Pairs with the fence in `see`: either that sees this armed, or this what that has seen.
        fence(Ordering::SeqCst);
        if !self.word.is_rung(expected) && !self.looks_round.load(Ordering::Relaxed) {
            return true;
        }
        // If it was disarmed meanwhile, it was rung, too: for nothing.
        self.is_armed.store(false, Ordering::Relaxed);
        false
    }

    /// Something was seen of the ring's file: rings, if the handle waits for it.
    pub(super) fn see(&self, seen: Seen) {
        if seen == Seen::Closed {
            self.looks_round.store(true, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
        if self.is_armed.load(Ordering::Relaxed)
            && (seen == Seen::Closed || self.word.is_rung(self.expected.load(Ordering::Relaxed)))
        {
            // Release: pairs with the Acquire in `is_armed`.
            self.is_armed.store(false, Ordering::Release);
            (self.rung)();
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("is_armed", &self.is_armed).finish_non_exhaustive()
    }
}

/// Calls `look` as [`wait`](super::wait) does, but does not wait: `None` if there is nothing, and
/// `watch` will be rung when that may have changed.
pub(crate) fn poll<W: Waits, T>(
    handle: &mut W,
    watch: &Arc<Watch>,
    mut look: impl FnMut(&mut W, bool) -> Option<T>,
) -> Option<Result<T, End>> {
    let mut armed = None;
    loop {
        let looks_round = watch.is_to_look_round();
        let done = look_up(handle, looks_round, &mut look);
        if done.is_some() {
            return done;
        }
        if watch.is_armed() || armed.is_some_and(|expected| watch.arm(expected)) {
            return None;
        }
        let (waiter, seat) = handle.waiter();
        let sleep = waiter.arm(seat.signals(), NOTICE);
        watch.watched.look_again_after(sleep.patience, watch);
        armed = Some(sleep.expected);
    }
}
