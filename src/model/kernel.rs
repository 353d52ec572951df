//! What the kernel does for those who wait, in a loom model.
//!
//! A sleep is a wait for a condition variable, under a lock that the look at the word is made
//! under, too: as the kernel's is. It has no end by itself: where a wake-up is lost, the model
//! comes to a standstill, and loom says so. To have others fence stands for a fence on both
//! sides, since loom knows no other way to make a thread fence at any place; in a model without
//! it the kernel refuses, and who waits asks for fences.

use std::time::Duration;

use super::{bell, word::Woken};
use crate::{
    memory::HalfWord,
    sync::{Ordering, fence},
};

pub(super) fn wait(word: &HalfWord, expected: u32, _: Duration) -> Woken {
    word.sleep_while(expected);
    Woken::ByOther
}

pub(super) const MAX_WORDS: usize = 128;

pub(super) fn wait_any<'a>(
    words: impl Iterator<Item = (&'a HalfWord, u32)>,
    _: bell::Never,
    _: Duration,
) -> Woken {
    HalfWord::sleep_while_all(&words.collect::<Vec<_>>());
    Woken::ByOther
}

pub(super) fn wake_all(word: &HalfWord) {
    word.wake_all();
}

pub(super) fn let_others_fence(word: &HalfWord) -> bool {
    word.has_membarrier()
}

pub(super) fn fence_others(word: &HalfWord) -> bool {
    if word.has_membarrier() {
        fence(Ordering::SeqCst);
    }
    word.has_membarrier()
}

pub(super) fn may_be_fenced_here(word: &HalfWord) {
    if word.has_membarrier() {
        fence(Ordering::SeqCst);
    }
}
