//! States of a whole ring, from which the spoiling starts.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use ironring::spsc::Ring;

use crate::{
    ends::Ends,
    support::{
        layout::{AT_CONSUMER, AT_HEAD, AT_PRODUCER, AT_TAIL, MARK},
        raw::Raw,
    },
};

/// A ring, a second mapping of it, and its bytes in several states.
pub(crate) struct Subject<E: Ends> {
    pub(crate) ring: Arc<Ring<E::Message>>,
    pub(crate) raw: Raw,
    pub(crate) states: Vec<(&'static str, Vec<u64>)>,
}

impl<E: Ends> Subject<E> {
    pub(crate) fn new() -> Self {
        let ring = Arc::new(Ring::anonymous(&E::options()).expect("a ring"));
        let raw = Raw::of(&*ring);
        let mut subject = Self { ring, raw, states: Vec::new() };
        subject.keep("new");
        for (name, operations) in [
            ("one message waits", &[0][..]),
            ("messages came and went", &[0, 2, 3, 2, 1, 2, 0, 2]),
            ("full", &[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("full, and it wrapped", &[0, 2, 0, 2, 0, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
            ("one message was handed back", &[0, 5, 4]),
        ] {
            subject.restore(0);
            let mut ends = E::new(&subject.ring);
            for i in operations {
                ends.operate(*i).expect("a whole ring");
            }
            drop(ends);
            subject.keep(name);
        }
        // The position after the last is 0 again.
        subject.restore(0);
        for at in [AT_TAIL, AT_HEAD, AT_CONSUMER + MARK, AT_PRODUCER + MARK] {
            subject.raw.word(at).store(0_u64.wrapping_sub(32), Relaxed);
        }
        subject.keep("positions about to wrap around");
        subject
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
