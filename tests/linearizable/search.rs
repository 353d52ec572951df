//! Looks for an order of all calls of a history that a queue, doing one after the other, would
//! have answered in the same way, and in which no call comes before one that had returned
//! when it was called (Wing and Gong's search, with the memory of Lowe, breadth first).

use std::collections::{HashSet, VecDeque};

use crate::history::{Done, History, Value};

/// A queue of up to `capacity` messages.
#[derive(Clone, Debug)]
struct Queue {
    messages: VecDeque<Value>,
    capacity: usize,
}

impl Queue {
    /// Does an operation, if its result is what the queue answers.
    fn answers(&mut self, done: Done) -> bool {
        let is_full = self.messages.len() == self.capacity;
        match done {
            Done::Full => is_full,
            Done::Empty => self.messages.is_empty(),
            Done::Sent(value) | Done::Forced(value, None) => {
                self.messages.push_back(value);
                !is_full
            }
            Done::Forced(value, Some(displaced)) => {
                let oldest = self.messages.pop_front();
                self.messages.push_back(value);
                is_full && oldest == Some(displaced)
            }
            Done::Received(value) => self.messages.pop_front() == Some(value),
        }
    }
}

/// How many calls of each caller are done, and what is in the queue then.
type State = (Vec<usize>, VecDeque<Value>);

/// Whether a queue of `capacity` messages explains `history`.
///
/// Takes as long as the history, times the number of ways to order calls that overlap: most
/// of these are soon told apart by what was received.
pub(crate) fn is_linearizable(history: &History, capacity: usize) -> bool {
    let mut states = HashSet::from([(vec![0; history.callers.len()], VecDeque::new())]);
    for _ in history.calls() {
        states = states.iter().flat_map(|state| after_one_more(state, history, capacity)).collect();
    }
    !states.is_empty()
}

/// What may follow `state`, by one call.
fn after_one_more((done, messages): &State, history: &History, capacity: usize) -> Vec<State> {
    let next = || done.iter().zip(&history.callers).map(|(done, calls)| calls.get(*done));
    // It was called before the first of the others returned.
    let returned = next().flatten().map(|call| call.returned).min().unwrap_or(u64::MAX);
    let mut states = Vec::new();
    for (caller, call) in next().enumerate() {
        let Some(call) = call.filter(|call| call.called < returned) else { continue };
        let mut queue = Queue { messages: messages.clone(), capacity };
        if queue.answers(call.done) {
            let mut done = done.clone();
            done[caller] += 1;
            states.push((done, queue.messages));
        }
    }
    states
}
