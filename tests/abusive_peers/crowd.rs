//! A ring, honest processes at it, and what is to be true of them in the end.

use std::{
    fs,
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use ironring::{Options, Ring, fsck, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Child, Role};
use tempfile::TempDir;

use crate::{
    account::{Book, LIVE, READY, STOP},
    honest::{PATIENCE, attach},
    peer::Kind,
    support::shared_memory,
};

/// A kind of ring, and how many honest ones there are at it.
pub(crate) trait Crowded: Kind {
    const PRODUCERS: usize;
    const CONSUMERS: usize;
    const HONEST: u32 = (Self::PRODUCERS + Self::CONSUMERS) as u32;
    /// Places that can be had at once: `participants`, or one of each role.
    const HAS_ROLES: bool;
}

impl Crowded for Spsc {
    const PRODUCERS: usize = 1;
    const CONSUMERS: usize = 1;
    const HAS_ROLES: bool = true;
}

impl Crowded for Mpmc {
    const PRODUCERS: usize = 2;
    const CONSUMERS: usize = 2;
    const HAS_ROLES: bool = false;
}

/// Messages that a ring has room for.
pub(crate) const CAPACITY: u64 = 64;
/// Messages that a consumer of an exchange ring may hold.
pub(crate) const HOLDING: u32 = 3;

pub(crate) struct Crowd<A: Crowded> {
    _dir: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) ring: Ring<u64, A>,
    pub(crate) book: Book,
    participants: u32,
    pub(crate) honest: Vec<Child>,
}

impl<A: Crowded> Crowd<A> {
    /// A ring for so many participants, where their number can be chosen, and nobody at it.
    pub(crate) fn new(participants: u32) -> Self {
        let dir = shared_memory();
        let path = dir.path().join("ring");
        let options = Options::messages(CAPACITY).participants(participants).holding(HOLDING);
        let ring = Ring::create(&path, &options).expect("a ring");
        Self { _dir: dir, path, ring, book: Book::new(), participants, honest: Vec::new() }
    }

    /// A process in `role`, of this kind of ring.
    pub(crate) fn role(&self, role: &str) -> Role {
        self.book.to(Role::new(&format!("{}::{role}", A::NAME))).arg(self.path.display())
    }

    pub(crate) fn start(&self, role: &str) -> Child {
        self.role(role).spawn().expect("a process")
    }

    /// The honest ones, each in its place.
    pub(crate) fn gather(&mut self, leaves: bool) {
        for number in 0..A::PRODUCERS + A::CONSUMERS {
            let role = if number < A::PRODUCERS { "send" } else { "receive" };
            let role = self.role(role).arg(number).arg(leaves).arg(A::PRODUCERS);
            self.honest.push(role.spawn().expect("a process"));
        }
        self.until("in their places", |book| book.get(READY) == u64::from(A::HONEST));
    }

    /// Waits until `done`, and that nobody honest ends before.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&Book) -> bool) {
        let begun = Instant::now();
        while !done(&self.book) {
            assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            for (number, child) in self.honest.iter_mut().enumerate() {
                let end = child.wait_timeout(Duration::ZERO);
                assert_eq!(end, None, "{what}: honest process {number} found something wrong");
            }
            sleep(Duration::from_millis(1));
        }
    }

    /// Waits until so many more honest messages have come.
    pub(crate) fn until_more(&mut self, messages: u64) {
        let before = self.book.get(crate::account::RECEIVED);
        self.until("more messages", |book| book.get(crate::account::RECEIVED) >= before + messages);
    }

    /// What each honest process takes of the system.
    pub(crate) fn sizes(&self) -> Vec<Size> {
        let size = |(number, child): (usize, &Child)| {
            let proc = format!("/proc/{}", child.pid());
            Size {
                bytes: self.book.get(LIVE + number),
                descriptors: fs::read_dir(format!("{proc}/fd")).expect("it lives").count(),
                mappings: fs::read_to_string(format!("{proc}/maps")).expect("it lives").lines().count(),
            }
        };
        self.honest.iter().enumerate().map(size).collect()
    }

    /// None of them takes more than `before`, but for what comes and goes.
    pub(crate) fn must_be_as_small(&self, before: &[Size]) {
        for (before, now) in before.iter().zip(self.sizes()) {
            let is_as_small = now.bytes <= before.bytes + 4096
                && now.descriptors <= before.descriptors + 4
                && now.mappings <= before.mappings + 8;
            assert!(is_as_small, "{before:?} became {now:?}");
        }
    }

    /// The honest ones end; every message of theirs has come.
    pub(crate) fn end_work(&mut self) {
        self.book.0.set(STOP, 1);
        for (number, mut child) in self.honest.drain(..).enumerate() {
            let end = child.wait_timeout(2 * PATIENCE).expect("it ends");
            assert!(end.success(), "honest process {number}: {end}");
        }
        self.book.check();
    }

    /// The same, and all places are free again, and the ring whole and empty.
    pub(crate) fn end(mut self) {
        self.end_work();
        self.must_be_free();
    }

    /// Every place can be had.
    pub(crate) fn must_be_free(&self) {
        let consumers = if A::HAS_ROLES { 1 } else { self.participants };
        let mut all: Vec<_> = (0..consumers).map(|_| attach(&self.book, || self.ring.consumer())).collect();
        for consumer in &mut all {
            assert_eq!(consumer.try_recv().err(), Some(ironring::RecvError::Empty));
        }
        drop(all);
        drop(attach(&self.book, || self.ring.producer()));
        let report = fsck::check(&self.path).expect("a ring");
        assert!(report.is_whole(), "{report}");
    }
}

/// What a process takes of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// That it has allocated.
    bytes: u64,
    descriptors: usize,
    mappings: usize,
}
