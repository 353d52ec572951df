//! What there is to say about one participant of an exchange ring.

use std::{
    fs::File,
    sync::{Arc, atomic::Ordering},
};

use super::{
    shared::Shared,
    words::{Content, Intent},
};
use crate::{
    Error, Presence,
    layout::{
        AT_RECORD_DISPLACED, AT_RECORD_DROPPED, AT_RECORD_PRODUCERS, AT_RECORD_REDELIVERED, RECORD_INTENT,
    },
    liveness,
    memory::Mapping,
};

/// One of the places that a ring has for participants: who has it, or had it last, what that
/// holds, and what was counted there. A snapshot.
///
/// ```
/// use ironring::{Options, State, mpmc};
///
/// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8).participants(2))?;
/// ring.producer()?.send(&1)?;
/// let mut consumer = ring.consumer()?;
/// let message = consumer.recv()?;
/// let statuses = ring.participants()?;
/// assert_eq!(statuses.iter().map(|status| status.messages).sum::<u32>(), 1);
/// assert!(statuses.iter().any(|status| status.presence.state == State::Attached));
/// # drop(message);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its number.
    pub number: u32,
    /// Who has the place, or had it last. One that died and was recovered stays
    /// [`Recovered`](crate::State::Recovered) until another one comes.
    pub presence: Presence,
    /// How many of the participants that have had the place were producers.
    pub producers: u64,
    /// Whether a send or receive is in its journal: of one that lives, it is in the middle of
    /// it; of one that died, a recovery finds out whether it took place.
    pub is_interrupted: bool,
    /// Messages that were taken from the ring and are not released.
    pub messages: u32,
    /// Messages that are set aside.
    pub set_aside: u32,
    /// How many messages were delivered again that participants in this place had received.
    pub redelivered: u64,
    /// How many messages were dropped that participants in this place had received.
    pub dropped: u64,
    /// How many messages were displaced by those of participants in this place.
    pub displaced: u64,
}

impl Status {
    pub(super) fn of(
        shared: &Shared,
        number: u32,
        file: &File,
        mapping: &Arc<Mapping>,
    ) -> Result<Self, Error> {
        let word = |at| Ok::<_, Error>(shared.record_word(number, at)?.load(Ordering::Acquire));
        let at = shared.exchange.record(number);
        // A consumer that delivers again what a dead one held has that one's record locked.
        let presence = liveness::own_presence(file, mapping, at)?;
        // Before what is held: messages that were taken from the ring, seen empty before this,
        // are in the journal or, once that is clear, in what is held.
        let is_interrupted = Intent::decode(word(RECORD_INTENT)?).is_some();
        let (mut messages, mut set_aside) = (0, 0);
        for place in shared.places() {
            let held = shared.held(number, place)?;
            // They may be released, and the slot be written to, while this counts them.
            let count = || shared.messages_held(held).unwrap_or(1).saturating_sub(held.released);
            match held.state {
                Content::Spare => {}
                Content::Messages | Content::Dropping => messages += count(),
                Content::Aside => set_aside += count(),
            }
        }
        Ok(Self {
            number,
            presence,
            producers: word(AT_RECORD_PRODUCERS)?,
            is_interrupted,
            messages,
            set_aside,
            redelivered: word(AT_RECORD_REDELIVERED)?,
            dropped: word(AT_RECORD_DROPPED)?,
            displaced: word(AT_RECORD_DISPLACED)?,
        })
    }
}
