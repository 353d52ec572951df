//! What callers did, when they called, and what they were told.

/// The value of a message; each is sent once.
pub(crate) type Value = u32;

/// An operation with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Sent(Value),
    Full,
    /// Sent, and displaced the oldest one where the ring was full.
    Forced(Value, Option<Value>),
    Received(Value),
    Empty,
}

/// One call: `called` and `returned` are ticks of one clock, no two of which are equal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) called: u64,
    pub(crate) returned: u64,
    pub(crate) done: Done,
}

/// The calls of each caller, in their order, on a ring that was empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) callers: Vec<Vec<Call>>,
}

impl History {
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.callers.iter().flatten()
    }

    pub(crate) fn count(&self, is_counted: impl Fn(Done) -> bool) -> usize {
        self.calls().filter(|call| is_counted(call.done)).count()
    }

    /// How many calls began while another caller's was under way.
    pub(crate) fn overlaps(&self) -> usize {
        let mut calls: Vec<_> = self.calls().collect();
        calls.sort_unstable_by_key(|call| call.called);
        let mut latest = 0;
        let overlaps = |call: &&&Call| {
            let is_under_way = call.called < latest;
            latest = latest.max(call.returned);
            is_under_way
        };
        calls.iter().filter(overlaps).count()
    }
}
