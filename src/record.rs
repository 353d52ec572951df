//! What a participant says of itself, in its record: to its peers, and to people.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    layout::{
        AT_CONSUMER, AT_PRODUCER, AT_RECORD_ATTACHMENTS, AT_RECORD_PID, AT_RECORD_ROLE, AT_RECORD_SINCE,
        AT_RECORD_STATE, ATTACHED, DETACHED, RECOVERED,
    },
    memory::{Mapping, Word},
    sync::Ordering,
};

/// The two sides of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends messages.
    Producer,
    /// Receives messages.
    Consumer,
}

impl Role {
    /// Where the record of this role in an SPSC ring lies, and the byte to lock.
    pub(crate) const fn record(self) -> usize {
        match self {
            Self::Producer => AT_PRODUCER,
            Self::Consumer => AT_CONSUMER,
        }
    }

    /// The role on the other side.
    pub(crate) const fn peer(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }

    const fn code(self) -> u64 {
        match self {
            Self::Producer => 1,
            Self::Consumer => 2,
        }
    }

    /// Its bit among those of roles that anybody ever had.
    pub(crate) const fn bit(self) -> u32 {
        self.code() as u32
    }

    const fn from_code(code: u64) -> Option<Self> {
        match code {
            1 => Some(Self::Producer),
            2 => Some(Self::Consumer),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        })
    }
}

/// What is known of the participant that holds a role: its own word, for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id as it sees itself (another pid namespace may number it otherwise);
    /// 0 if it has not said yet.
    pub pid: u32,
    /// When it attached, in nanoseconds since 1970.
    pub since: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f
                .write_str("its holder has not said who it is (attaching, or a lock of another program)");
        }
        let age = now().saturating_sub(self.since) / 1_000_000_000;
        write!(f, "by process {}, attached {age} s ago; wait for it, or end it", self.pid)
    }
}

/// What a participant says of itself, on a line of its own.
#[derive(Debug)]
pub(crate) struct Record {
    state: Word,
    pid: Word,
    attachments: Word,
    since: Word,
    role: Word,
}

impl Record {
    pub(crate) fn at(record: usize, mapping: &Arc<Mapping>) -> Self {
        let word = |at| mapping.word(record + at);
        Self {
            state: word(AT_RECORD_STATE),
            pid: word(AT_RECORD_PID),
            attachments: word(AT_RECORD_ATTACHMENTS),
            since: word(AT_RECORD_SINCE),
            role: word(AT_RECORD_ROLE),
        }
    }

    /// Whether its last holder neither let go of it nor was recovered.
    pub(crate) fn is_attached(&self) -> bool {
        self.state.load(Ordering::Acquire) == ATTACHED
    }

    /// Says that its last holder died, and that all it left is set right. To be called by
    /// who holds its lock.
    pub(crate) fn set_recovered(&self) {
        // Release: pairs with the Acquire in `is_attached`.
        self.state.store(RECOVERED, Ordering::Release);
    }

    pub(crate) fn role(&self) -> Option<Role> {
        Role::from_code(self.role.load(Ordering::Relaxed))
    }

    #[cfg(not(loom))]
    pub(crate) fn holder(&self) -> Holder {
        if self.state.load(Ordering::Acquire) != ATTACHED {
            return Holder { pid: 0, since: 0 };
        }
        self.last_holder()
    }

    pub(crate) fn last_holder(&self) -> Holder {
        let pid = self.pid.load(Ordering::Relaxed);
        Holder { pid: u32::try_from(pid).unwrap_or(0), since: self.since.load(Ordering::Relaxed) }
    }

    /// Says who holds the role: this process. The count comes last: a holder that is
    /// killed before it has done nothing, and its predecessor's end stays what it was.
    pub(crate) fn announce(&self, role: Role) {
        let attachments = self.attachments.load(Ordering::Relaxed).wrapping_add(1);
        self.pid.store(u64::from(std::process::id()), Ordering::Relaxed);
        self.since.store(now(), Ordering::Relaxed);
        self.role.store(role.code(), Ordering::Relaxed);
        // Release: pairs with the Acquire in `holder`.
        self.state.store(ATTACHED, Ordering::Release);
        // Release: pairs with the Acquire in `said`.
        self.attachments.store(attachments, Ordering::Release);
    }

    /// Says that its holder lets go of it by itself.
    pub(crate) fn set_detached(&self) {
        self.state.store(DETACHED, Ordering::Release);
    }

    /// Its state, and how many participants have attached.
    #[cfg(not(loom))]
    pub(crate) fn said(&self) -> (u64, u64) {
        // Acquire: pairs with the Release in `announce`.
        let attachments = self.attachments.load(Ordering::Acquire);
        (self.state.load(Ordering::Acquire), attachments)
    }
}

/// Whether the record at `at` says that somebody in `role` holds it.
#[cfg(not(loom))]
pub(crate) fn is_held(mapping: &Mapping, at: usize, role: Role) -> bool {
    // Acquire: pairs with the Release in `announce`, so that the role is seen with it.
    mapping.word_now(at + AT_RECORD_STATE).load(Ordering::Acquire) == ATTACHED
        && mapping.word_now(at + AT_RECORD_ROLE).load(Ordering::Relaxed) == role.code()
}

/// The time, in nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
