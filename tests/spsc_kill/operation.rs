//! The operations that a victim is stepped through, and what each may leave behind.

use ironring::Delivery;

use crate::kills::named;

// The longest first, so that they do not end alone.
named! {
    pub(crate) enum Operation {
        ProducerAttach "producer attach",
        ProducerAttachAfterKill "producer attach after a kill between header and tail",
        ConsumerAttach "consumer attach",
        ConsumerAttachAfterKill "consumer attach after a kill holding messages",
        ProducerDetach "producer detach",
        ConsumerDetach "consumer detach",
        Claim "claim",
        Publish "publish",
        PublishStaged "publish staged",
        Send "send",
        SendFull "send on a full ring",
        SendBatch "batch send",
        StageAndPublish "stage and publish",
        Recv "recv",
        RecvEmpty "recv on an empty ring",
        Release "release",
        RecvBatch "batch recv",
        HoldBatch "batch recv without release",
        RecvInto "recv_into",
        RecvValues "recv_values",
        HandBack "hand back",
    }
}
use Operation::*;

/// What the successor finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outcome {
    /// How many of the operation's messages are past: published by a producer, or not to
    /// come again after a consumer.
    pub(crate) past: u64,
    /// How many come again, marked.
    pub(crate) marked: u64,
}

impl Operation {
    pub(crate) fn is_producers(self) -> bool {
        matches!(
            self,
            ProducerAttach
                | ProducerAttachAfterKill
                | ProducerDetach
                | Claim
                | Publish
                | PublishStaged
                | Send
                | SendFull
                | SendBatch
                | StageAndPublish
        )
    }

    pub(crate) fn is_attach(self) -> bool {
        matches!(self, ProducerAttach | ProducerAttachAfterKill | ConsumerAttach | ConsumerAttachAfterKill)
    }

    pub(crate) fn is_detach(self) -> bool {
        matches!(self, ProducerDetach | ConsumerDetach)
    }

    /// Whether the operation is about no message.
    pub(crate) fn is_bare(self) -> bool {
        matches!(self, ProducerAttach | ConsumerAttach | ConsumerDetach | RecvEmpty)
    }

    /// Whether the operation is about several messages.
    pub(crate) fn is_batch(self) -> bool {
        matches!(
            self,
            ProducerAttachAfterKill
                | ConsumerAttachAfterKill
                | ProducerDetach
                | PublishStaged
                | SendBatch
                | StageAndPublish
                | RecvBatch
                | RecvValues
                | HoldBatch
        )
    }

    /// Everything that a kill in this operation of `count` messages may leave, in the
    /// order in which the operation comes by it, where `held` messages were received
    /// before by a consumer that died.
    pub(crate) fn outcomes(self, count: u64, held: u64, delivery: Delivery) -> Vec<Outcome> {
        let all_or_none = [(0, 0), (count, 0)].to_vec();
        let one_by_one = (0..=count).map(|received| (0, received));
        let outcomes: Vec<_> = match self {
            ProducerAttach | ConsumerAttach | ProducerDetach | ConsumerDetach => vec![(0, 0)],
            Claim | SendFull | RecvEmpty => vec![(0, 0)],
            ProducerAttachAfterKill => vec![(count, 0)],
            ConsumerAttachAfterKill => vec![(0, 0)],
            Publish | PublishStaged | Send | SendBatch | StageAndPublish => all_or_none,
            // Copied first: who is killed before the release has seen nothing.
            RecvInto | RecvValues => all_or_none,
            Recv | HoldBatch => one_by_one.collect(),
            Release => vec![(0, count), (count, 0)],
            RecvBatch => one_by_one.chain([(count, 0)]).collect(),
            HandBack => vec![(0, count)],
        };
        let mut outcomes: Vec<_> = outcomes
            .into_iter()
            .map(|(past, marked)| match delivery {
                // What was held before is dropped; what is handed back is released.
                Delivery::AtMostOnce => Outcome { past: past + marked, marked: 0 },
                Delivery::AtLeastOnce => Outcome { past, marked: marked.max(held.saturating_sub(past)) },
            })
            .collect();
        outcomes.dedup();
        outcomes
    }
}
