//! What parent and actors tell each other, in the words of a ledger.

use ironring_testkit::Ledger;

pub(crate) const ACTORS: usize = 16;

/// What the actors are to do: see [`storm`], [`calm`] and [`gathering`].
pub(crate) const PHASE: usize = 0;
/// Who sends and who receives in a gathering: see [`duty`].
pub(crate) const DUTY: usize = 1;
/// The last gathering whose message was received.
pub(crate) const RECEIVED: usize = 2;
/// One word an actor: the last calm or gathering that it came to.
const CAME: usize = 3;
/// One word an actor: which ring it found in the last gathering.
const FOUND: usize = CAME + ACTORS;
/// One word an actor: the operation that it is in, 0 for none.
const DOING: usize = FOUND + ACTORS;
/// One word a [`Count`].
const COUNTS: usize = DOING + ACTORS;
pub(crate) const WORDS: usize = COUNTS + Count::ALL.len();

pub(crate) const fn came(actor: usize) -> usize {
    CAME + actor
}

pub(crate) const fn found(actor: usize) -> usize {
    FOUND + actor
}

pub(crate) const fn doing(actor: usize) -> usize {
    DOING + actor
}

pub(crate) const fn storm(round: u64) -> u64 {
    3 * round
}

pub(crate) const fn calm(round: u64) -> u64 {
    3 * round + 1
}

pub(crate) const fn gathering(round: u64) -> u64 {
    3 * round + 2
}

pub(crate) const fn duty(round: u64, sender: usize, receiver: usize) -> u64 {
    round << 16 | (sender as u64) << 8 | receiver as u64
}

/// What an actor may be in the middle of when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Operation {
    Create = 1,
    Open,
    OpenOrCreate,
    Remove,
    Send,
    Receive,
    DrainRetired,
}

impl Operation {
    pub(crate) const ALL: [Self; 7] = [
        Self::Create,
        Self::Open,
        Self::OpenOrCreate,
        Self::Remove,
        Self::Send,
        Self::Receive,
        Self::DrainRetired,
    ];
}

/// What happened, summed over all actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Created,
    FoundExisting,
    Opened,
    FoundNothing,
    OpenedOrCreated,
    Removed,
    NothingToRemove,
    Sent,
    Received,
    RoleBusy,
    LearntRetired,
    DrainedRetired,
}

impl Count {
    pub(crate) const ALL: [Self; 12] = [
        Self::Created,
        Self::FoundExisting,
        Self::Opened,
        Self::FoundNothing,
        Self::OpenedOrCreated,
        Self::Removed,
        Self::NothingToRemove,
        Self::Sent,
        Self::Received,
        Self::RoleBusy,
        Self::LearntRetired,
        Self::DrainedRetired,
    ];

    pub(crate) fn add(self, ledger: &Ledger) {
        ledger.add(COUNTS + self as usize, 1);
    }

    pub(crate) fn get(self, ledger: &Ledger) -> u64 {
        ledger.get(COUNTS + self as usize)
    }
}
