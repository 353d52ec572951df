//! The operations that a victim is stepped through, and what each does.

use ironring::Role;

use super::{
    rig::Setting,
    scene::State,
    world::{
        Effect::{self, *},
        Slot,
    },
};
use crate::kills::{named, numbered::LONGEST_BATCH};

// The longest first, so that they do not end alone.
named! {
    pub(crate) enum Operation {
        /// These three repair what a dead one left, or two.
        Recover "repair of another",
        RecoverTwo "repair of two others",
        ConsumerAttachAfterKill "consumer attach in the place of another",
        ProducerAttachAfterKill "producer attach in the place of another",
        RecvAfterKill "recv that repairs another",
        ConsumerAttach "consumer attach",
        ProducerAttach "producer attach",
        /// With a message handed back.
        ConsumerDetach "consumer detach",
        /// With a message staged.
        ProducerDetach "producer detach",
        BatchRecv "batch recv",
        BatchSend "batch send",
        ForceSend "force_send",
        Send "send",
        SendFull "send on a full ring",
        Publish "publish",
        Claim "claim",
        OwnedRecv "recv_owned",
        RecvInto "recv_into",
        Recv "recv",
        RecvEmpty "recv on an empty ring",
        /// Of the slot that was received last.
        OwnedRelease "release in another order",
        ReleasePart "release of a part of a batch",
        Release "release",
        HandBack "hand back",
    }
}
use Operation::*;

/// What an operation does: first what brings its victim to its begin, then what happens in it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) before: Vec<Effect>,
    pub(crate) effects: Vec<Effect>,
}

impl Operation {
    /// The side that the victim is on when the operation begins.
    pub(crate) fn role(self) -> Option<Role> {
        match self {
            Recover | RecoverTwo | ConsumerAttachAfterKill | ProducerAttachAfterKill => None,
            ConsumerAttach | ProducerAttach => None,
            ProducerDetach | BatchSend | ForceSend | Send | SendFull | Publish | Claim => {
                Some(Role::Producer)
            }
            _ => Some(Role::Consumer),
        }
    }

    pub(crate) fn repairs(self) -> bool {
        matches!(
            self,
            Recover | RecoverTwo | ConsumerAttachAfterKill | ProducerAttachAfterKill | RecvAfterKill
        )
    }

    pub(crate) fn attaches_after_kill(self) -> bool {
        matches!(self, ConsumerAttachAfterKill | ProducerAttachAfterKill)
    }

    pub(crate) fn is_attach_or_detach(self) -> bool {
        matches!(self, ConsumerAttach | ProducerAttach | ConsumerDetach | ProducerDetach)
    }

    /// How many messages it sends.
    pub(crate) fn sends(self) -> u64 {
        match self {
            BatchSend => LONGEST_BATCH,
            ProducerDetach | ForceSend | Send | SendFull | Publish | Claim => 1,
            _ => 0,
        }
    }

    /// Whether it needs room in the ring.
    pub(crate) fn needs_room(self) -> bool {
        matches!(self, ProducerDetach | BatchSend | Send | Publish | Claim)
    }

    /// The slots that it, or what comes before it, takes from the ring: how many messages are
    /// in each.
    pub(crate) fn takes(self, setting: &Setting, state: State) -> &'static [u64] {
        // One slot is left to give for another, and two do not lie in half of a ring of two.
        let several = setting.holding > 1 && (setting.capacity > 2 || state != State::Part);
        match self {
            ConsumerDetach | Recv | RecvInto | Release | HandBack => &[1],
            BatchRecv if several => &[2, 1],
            OwnedRelease if several => &[1, 2],
            OwnedRelease => &[2],
            OwnedRecv | BatchRecv | ReleasePart => &[LONGEST_BATCH],
            _ => &[],
        }
    }

    /// What it does, where its first message has the number `own`, and it takes slots of so many
    /// messages.
    pub(crate) fn script(self, own: u64, takes: &[u64]) -> Script {
        let sent = Slot { first: own, count: self.sends() };
        let received: Vec<_> = takes.iter().flat_map(|count| [Dequeue, Receive(*count)]).collect();
        let one_by_one = |count: &u64| [vec![Dequeue], vec![Receive(1); *count as usize]].concat();
        let (before, effects) = match self {
            BatchSend | Send | Publish => (vec![], vec![Enqueue(sent)]),
            ForceSend => (vec![], vec![Displace(sent)]),
            Recv => (vec![], vec![Dequeue, Receive(1)]),
            RecvInto => (vec![], vec![Dequeue, Receive(1), Free]),
            OwnedRecv => (vec![], received),
            // The last one first.
            BatchRecv => {
                let released = takes.iter().map(|_| Free);
                (vec![], takes.iter().flat_map(one_by_one).chain(released).collect())
            }
            OwnedRelease => (received, vec![Free; takes.len()]),
            Release => (received, vec![Free]),
            ReleasePart => (vec![Dequeue, Receive(1)], vec![FreeFirst]),
            HandBack => (received, vec![Return]),
            ConsumerDetach => ([received, vec![Return]].concat(), vec![]),
            _ => (vec![], vec![]),
        };
        Script { before, effects }
    }
}
