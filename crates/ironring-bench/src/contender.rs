//! Who is measured.

use ironring::{Options, Wait};
use serde::{Deserialize, Serialize};

use crate::{
    report::{Access, Form, Sides},
    transport::{BackOff, Defect, Idle, Setup},
};

/// All ways to wait, with their names.
pub const WAITS: [(Wait, &str); 3] =
    [(Wait::Spin, "spin"), (Wait::SpinThenPark, "spin-then-park"), (Wait::Park, "park")];

/// Why a peer is not measured, where it was not built.
pub const NOT_BUILT: &str = "it is not in this build: build with `--features peers`";

/// Why Boost's queue is not measured, where it could not be compiled.
pub const NO_BOOST: &str = "there was no C++ compiler, or no Boost, when this was built: apt-get install g++ libboost-dev, \
                            and build again";

/// Why DPDK's ring is not measured, where it could not be compiled.
pub const NO_RTE_RING: &str = "there was no C compiler, or no DPDK, when this was built: apt-get install gcc pkg-config \
                               libdpdk-dev (more than 200 packages), and build again";

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contender {
    /// The ring for one producer and one consumer, in two processes.
    Spsc {
        /// What its messages are.
        form: Form,
        /// How they get in and out.
        access: Access,
        /// Bytes of its data area, about.
        capacity: u64,
        /// How its sides wait.
        #[serde(with = "by_name")]
        wait: Wait,
    },
    /// The ring for any number of them.
    Mpmc {
        /// What its messages are.
        form: Form,
        /// How they get in and out.
        access: Access,
        /// What its participants are.
        sides: Sides,
        /// How many messages it holds.
        messages: u64,
        /// Places for participants.
        participants: u32,
        /// How many are attached, and do nothing, beside those that are measured.
        idle: u32,
        /// How its sides wait.
        #[serde(with = "by_name")]
        wait: Wait,
    },
    /// What the kernel has.
    Kernel(Kernel),
    /// rtrb between two threads.
    Rtrb {
        /// Bytes of its values, about.
        capacity: u64,
        /// Pauses between two looks at a ring that is empty or full.
        pauses: u32,
    },
    /// crossbeam's ArrayQueue between threads.
    ArrayQueue {
        /// How many messages it holds.
        messages: u64,
        /// What passes between two looks at a queue that is empty or full.
        back_off: BackOff,
    },
    /// Another crate or library.
    Peer {
        /// Which.
        peer: Peer,
        /// How many messages it holds.
        messages: u64,
        /// What its sides do while it is empty or full.
        idle: Idle,
    },
    /// A pipe with a defect, for tests.
    Broken(Defect),
}

/// Another crate that carries messages, or library: there with the feature `peers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "their names")]
pub enum Peer {
    Iceoryx2,
    ShmemIpc,
    IpcChannel,
    Cloudtoid,
    CrossbeamChannel,
    Disruptor,
    ZeroMq,
    Nng,
    BoostQueue,
    RteRing,
}

impl Peer {
    /// What its sides are.
    const fn sides(self) -> Sides {
        match self {
            Self::CrossbeamChannel | Self::Disruptor => Sides::Threads,
            _ => Sides::Processes,
        }
    }

    /// What its messages are.
    #[must_use]
    pub const fn form(self) -> Form {
        match self {
            Self::ShmemIpc | Self::CrossbeamChannel | Self::Disruptor | Self::RteRing => Form::Typed,
            _ => Form::Bytes,
        }
    }
}

/// A transport of the kernel, between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "their names in the kernel")]
pub enum Kernel {
    Pipe,
    Fifo,
    UnixStream,
    UnixDgram,
    UnixSeqpacket,
    Tcp,
    PosixMq,
    SysvMq,
    Eventfd,
    Futex,
}

impl Contender {
    /// The ring for one producer and one consumer, with copied messages, waiting as by default.
    #[must_use]
    pub fn spsc(form: Form, capacity: u64) -> Self {
        Self::Spsc { form, access: Access::Copied, capacity, wait: Wait::default() }
    }

    /// The ring for any number of them, with copied messages and 16 places, waiting as by default.
    #[must_use]
    pub fn mpmc(form: Form, sides: Sides, messages: u64) -> Self {
        let (access, wait) = (Access::Copied, Wait::default());
        Self::Mpmc { form, access, sides, messages, participants: 16, idle: 0, wait }
    }

    /// The same, waiting so; who has no choice stays as it is.
    #[must_use]
    pub fn waiting(mut self, new: Wait) -> Self {
        if let Self::Spsc { wait, .. } | Self::Mpmc { wait, .. } = &mut self {
            *wait = new;
        }
        self
    }

    /// The same ring, with messages that get in and out so.
    #[must_use]
    pub fn accessed(mut self, new: Access) -> Self {
        if let Self::Spsc { access, .. } | Self::Mpmc { access, .. } = &mut self {
            *access = new;
        }
        self
    }

    /// The same, with so many places, all taken, of which two work.
    #[must_use]
    pub fn crowded(mut self, new: u32) -> Self {
        if let Self::Mpmc { participants, idle, .. } = &mut self {
            (*participants, *idle) = (new, new.saturating_sub(2));
        }
        self
    }

    /// What its sides are.
    #[must_use]
    pub fn sides(self) -> Sides {
        match self {
            Self::Mpmc { sides, .. } => sides,
            Self::Rtrb { .. } | Self::ArrayQueue { .. } => Sides::Threads,
            Self::Peer { peer, .. } => peer.sides(),
            _ => Sides::Processes,
        }
    }

    /// How its sides wait, where that can be chosen.
    #[must_use]
    pub fn wait(self) -> Option<Wait> {
        match self {
            Self::Spsc { wait, .. } | Self::Mpmc { wait, .. } => Some(wait),
            _ => None,
        }
    }

    /// How its sides wait, in a word.
    #[must_use]
    pub fn wait_name(self) -> &'static str {
        let blocks = match self {
            Self::Spsc { wait, .. } | Self::Mpmc { wait, .. } => {
                return WAITS.iter().find(|(one, _)| *one == wait).expect("one of all").1;
            }
            Self::Peer { idle, .. } => idle.waits(),
            other => other.sides() == Sides::Processes,
        };
        if blocks { "block" } else { "spin" }
    }

    /// What its messages are.
    #[must_use]
    pub fn form(self) -> Form {
        match self {
            Self::Spsc { form, .. } | Self::Mpmc { form, .. } => form,
            Self::Rtrb { .. } | Self::ArrayQueue { .. } => Form::Typed,
            Self::Peer { peer, .. } => peer.form(),
            Self::Kernel(_) | Self::Broken(_) => Form::Bytes,
        }
    }

    /// How they get in and out.
    #[must_use]
    pub fn access(self) -> Access {
        match self {
            Self::Spsc { access, .. } | Self::Mpmc { access, .. } => access,
            _ => Access::Copied,
        }
    }

    /// What a link for such messages is made for.
    #[must_use]
    pub fn setup(self, size: usize, batch: usize) -> Setup {
        let options = match self {
            Self::Spsc { capacity, .. } => Options::bytes(capacity),
            Self::Mpmc { messages, participants, .. } => {
                // A slot has room for a batch.
                let slots = (messages / batch as u64).max(1);
                Options::messages(slots)
                    .max_message(size as u64)
                    .batch(batch as u32)
                    .participants(participants)
            }
            _ => Options::bytes(0),
        };
        let (messages, idle) = match self {
            Self::Peer { messages, idle, .. } => (messages, idle),
            _ => (0, Idle::Waits),
        };
        Setup { size, batch, wait: self.wait().unwrap_or_default(), options, messages, idle }
    }
}

/// Ways to wait by their names.
mod by_name {
    use ironring::Wait;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::WAITS;

    pub(super) fn serialize<S: Serializer>(wait: &Wait, serializer: S) -> Result<S::Ok, S::Error> {
        let (_, name) = WAITS.iter().find(|(one, _)| one == wait).expect("one of all");
        serializer.serialize_str(name)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Wait, D::Error> {
        let name = String::deserialize(deserializer)?;
        let (wait, _) = WAITS
            .iter()
            .find(|(_, one)| *one == name)
            .ok_or_else(|| Error::custom(format!("no way to wait: {name:?}")))?;
        Ok(*wait)
    }
}
