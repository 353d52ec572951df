//! The situations in which operations are cut short.

use ironring::Delivery;

use crate::{
    kills::numbered::{LONGEST_BATCH, Numbered},
    operation::Operation::{self, *},
};

/// One of the situations in which an operation is cut short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) operation: Operation,
    /// In messages.
    pub(crate) capacity: u64,
    pub(crate) delivery: Delivery,
    pub(crate) state: State,
}

/// How the ring is when the operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Never used.
    Empty,
    Part,
    /// Or with room for no more than a producer's operation needs.
    Full,
    /// The operation's first message goes to the start of the data area.
    Wrapping,
    /// Its last message does.
    WrapInside,
    /// The consumer has released what a killed producer published and did not record.
    Overtaken,
    /// A killed consumer held some of the messages.
    Held,
}

impl Case {
    /// The states in which `operation` makes a difference.
    pub(crate) fn states(operation: Operation) -> Vec<State> {
        use State::*;
        match operation {
            SendFull => vec![Full],
            RecvEmpty => vec![Empty],
            ProducerAttachAfterKill => vec![Empty, Part, Full, Wrapping, WrapInside, Overtaken],
            _ => {
                let receives = !operation.is_producers() && !operation.is_bare();
                let mut states = vec![Empty, Part, Full, Wrapping, WrapInside, Overtaken, Held];
                states.retain(|state| match state {
                    Empty => !receives,
                    WrapInside => operation.is_batch(),
                    Overtaken => operation == StageAndPublish,
                    Held => receives && operation != ConsumerAttachAfterKill,
                    Part | Full | Wrapping => true,
                });
                states
            }
        }
    }

    /// Whether there is such a case with messages of this form.
    pub(crate) fn is_possible<M: Numbered + ?Sized>(&self) -> bool {
        let is_bytes = M::NAME == <[u8]>::NAME;
        match (self.operation, self.state) {
            (RecvValues, _) => !is_bytes,
            // `tail` alone publishes typed messages.
            (ProducerAttachAfterKill, _) => is_bytes,
            (_, State::Overtaken) => is_bytes && self.capacity == 2,
            _ => true,
        }
    }

    /// How many messages the operation is about.
    pub(crate) fn count(&self) -> u64 {
        match (self.operation, self.state) {
            (operation, _) if operation.is_bare() => 0,
            (operation, _) if !operation.is_batch() => 1,
            (_, State::Part) if self.capacity == 2 => 1,
            (operation, State::Full) if self.capacity == 2 && operation.is_producers() => 1,
            (_, State::Held) if self.capacity == 2 => 1,
            _ => self.capacity.min(LONGEST_BATCH),
        }
    }

    /// How many messages a consumer held that was killed before.
    pub(crate) fn held(&self) -> u64 {
        match (self.operation, self.state) {
            (ConsumerAttachAfterKill, _) => self.count(),
            (_, State::Held) if self.capacity == 2 => 1,
            // Fewer than an operation receives then.
            (_, State::Held) => LONGEST_BATCH - 1,
            _ => 0,
        }
    }
}
