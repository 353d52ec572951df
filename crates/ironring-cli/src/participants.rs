//! Who takes part in an mpmc ring, as `stat` shows it.

use std::fmt::Write;

use ironring::{Error, Observer, mpmc::Status};
use serde::Serialize;

use crate::stat::Party;

/// One of the places that a ring has for participants.
#[derive(Debug, Serialize)]
pub(crate) struct Participant {
    pub(crate) number: u32,
    /// None if there never was anybody.
    pub(crate) role: Option<String>,
    #[serde(flatten)]
    party: Party,
    /// Whether it is, or was when it died, in the middle of a send or receive.
    interrupted: bool,
    /// Messages that it has received and not released.
    holds: u32,
    set_aside: u32,
    redelivered: u64,
    dropped: u64,
    displaced: u64,
}

/// Messages of one slot that were delivered too often.
#[derive(Debug, Serialize)]
pub(crate) struct Aside {
    position: u64,
    deliveries: u32,
    lengths: Vec<usize>,
}

impl Participant {
    /// All places of an mpmc ring; none of an spsc ring.
    pub(crate) fn all(ring: &Observer) -> Result<Vec<Self>, Error> {
        Ok(ring.participants()?.iter().map(Self::of).collect())
    }

    fn of(status: &Status) -> Self {
        Self {
            number: status.number,
            role: status.presence.role.map(|role| role.to_string()),
            party: Party::of(status.presence),
            interrupted: status.is_interrupted,
            holds: status.messages,
            set_aside: status.set_aside,
            redelivered: status.redelivered,
            dropped: status.dropped,
            displaced: status.displaced,
        }
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.party.is_attached()
    }

    /// Whether there is nothing to say about it.
    pub(crate) fn is_unused(&self) -> bool {
        self.role.is_none() && self.holds + self.set_aside == 0
    }

    /// A line for people.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("{}, {}", self.role.as_deref().unwrap_or("nobody yet"), self.party);
        if self.interrupted {
            line.push_str(", in the middle of an operation");
        }
        for (name, count) in [
            ("holds", self.holds.into()),
            ("set aside", self.set_aside.into()),
            ("redelivered", self.redelivered),
            ("dropped", self.dropped),
            ("displaced", self.displaced),
        ] {
            if count > 0 {
                let _ = write!(line, ", {name} {count}");
            }
        }
        line
    }
}

impl Aside {
    pub(crate) fn all(ring: &Observer) -> Result<Vec<Self>, Error> {
        let all = ring.set_aside().map_err(Error::from)?;
        let shown = |aside: ironring::mpmc::SetAside| Self {
            position: aside.position,
            deliveries: aside.deliveries,
            lengths: aside.lengths,
        };
        Ok(all.into_iter().map(shown).collect())
    }

    /// A line for people.
    pub(crate) fn line(&self) -> String {
        let bytes: usize = self.lengths.iter().sum();
        let Self { position, deliveries, lengths } = self;
        format!("position {position}: messages {}, bytes {bytes}, deliveries {deliveries}", lengths.len())
    }
}
