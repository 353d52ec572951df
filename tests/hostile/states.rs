//! States of a whole ring, from which the spoiling starts.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use crate::{
    ends::{Ends, Words},
    support::{raw::Raw, shared_memory},
};

const NAME: &str = "ring";

/// A ring, a second mapping of it, and its bytes in several states.
pub(crate) struct Subject<E: Ends> {
    pub(crate) ring: Arc<E::Ring>,
    pub(crate) raw: Raw,
    pub(crate) states: Vec<(&'static str, Vec<u64>)>,
    dir: tempfile::TempDir,
}

impl<E: Ends> Subject<E> {
    pub(crate) fn new() -> Self {
        let dir = shared_memory();
        let ring = Arc::new(E::ring(&dir.path().join(NAME)));
        let raw = Raw::of(&*ring);
        let mut subject = Self { ring, raw, states: Vec::new(), dir };
        subject.keep("new");
        for (name, operations) in E::STATES {
            subject.restore(0);
            let mut ends = E::new(&subject.ring);
            for i in *operations {
                ends.operate(*i).expect("a whole ring");
            }
            subject.keep(name);
            drop(ends);
        }
        for (name, craft) in E::Words::crafted() {
            subject.restore(0);
            craft(&subject.raw);
            subject.keep(name);
        }
        subject
    }

    /// Where the ring is.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join(NAME)
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = usize> + use<E> {
        (0..self.raw.len()).step_by(8)
    }

    pub(crate) fn bytes_now(&self) -> Vec<u64> {
        self.words().map(|at| self.raw.word(at).load(Relaxed)).collect()
    }

    fn keep(&mut self, name: &'static str) {
        self.states.push((name, self.bytes_now()));
    }

    /// Makes the ring as it was in state `i`. Nobody may be attached.
    pub(crate) fn restore(&self, i: usize) {
        for (at, word) in self.words().zip(&self.states[i].1) {
            self.raw.word(at).store(*word, Relaxed);
        }
    }
}
