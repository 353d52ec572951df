//! The ring that one victim after another is killed in.

use std::path::PathBuf;

use ironring::{Delivery, fsck, mpmc::Ring};
use ironring_testkit::{Ledger, Role};

use super::{
    account::Account,
    operation::Operation,
    victim::{ACKNOWLEDGED, FIRST},
};
use crate::kills::{
    image::{put_back, region_of},
    numbered::{LONGEST_BATCH, Numbered},
    violation::{Violation, wedged},
};

/// Places for participants: two victims, three that live, and one more.
pub(crate) const PARTICIPANTS: u32 = 6;

/// How a ring is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// In slots.
    pub(crate) capacity: u64,
    /// Slots that each participant has beside the one that it gives away.
    pub(crate) holding: u32,
    pub(crate) delivery: Delivery,
}

/// A ring in a file, whose bytes are put back for each victim, and what a victim says of
/// itself.
#[derive(Debug)]
pub(crate) struct Rig<M: Numbered + ?Sized> {
    _dir: tempfile::TempDir,
    path: PathBuf,
    pub(crate) setting: Setting,
    pub(crate) ring: Ring<M>,
    pub(crate) ledger: Ledger,
}

impl<M: Numbered + ?Sized> Rig<M> {
    pub(crate) fn new(setting: Setting) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").expect("a directory in shared memory");
        let path = dir.path().join("ring");
        let options = M::options(setting.capacity)
            .batch(LONGEST_BATCH as u32)
            .participants(PARTICIPANTS)
            .holding(setting.holding)
            .delivery(setting.delivery);
        let ring = Ring::create(&path, &options).expect("a ring");
        Self { _dir: dir, path, setting, ring, ledger: Ledger::new(2).expect("a ledger") }
    }

    /// The account of the ring when it is new.
    pub(crate) fn account(&self) -> Account {
        Account::new(self.setting.capacity, self.setting.delivery)
    }

    /// The ring's bytes.
    pub(crate) fn image(&self) -> Vec<u8> {
        region_of(&self.ring)
    }

    /// Makes the ring, in which nobody takes part, what it was, and clears the ledger.
    pub(crate) fn put_back(&self, image: &[u8]) {
        put_back(&self.ring, image);
        self.clear_ledger();
    }

    pub(crate) fn clear_ledger(&self) {
        [ACKNOWLEDGED, FIRST].into_iter().for_each(|word| self.ledger.set(word, 0));
    }

    /// A victim of `operation`, whose first message has the number `own`, and which takes slots
    /// of so many messages.
    pub(crate) fn victim(&self, operation: Operation, own: u64, takes: &[u64]) -> Role {
        let role = Role::new(M::NAME).pass_fd("ring", &self.ring).ledger(&self.ledger);
        role.arg(operation).arg(own).args(takes)
    }

    /// Has the ring checked from outside.
    pub(crate) fn check(&self, when: &str) -> Result<(), Violation> {
        match fsck::check(&self.path) {
            Ok(report) if report.is_whole() => Ok(()),
            Ok(report) => wedged(format!("not whole {when}:\n{report}")),
            Err(error) => wedged(format!("{when}: {error}")),
        }
    }

    /// Has somebody sum up what the ring counted: messages dropped, and displaced.
    pub(crate) fn counted(&self) -> Result<[u64; 2], Violation> {
        match self.ring.participants() {
            Ok(all) => Ok([
                all.iter().map(|status| status.dropped).sum(),
                all.iter().map(|status| status.displaced).sum(),
            ]),
            Err(error) => wedged(error),
        }
    }
}
