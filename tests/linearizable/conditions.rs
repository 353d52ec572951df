//! What every history of a queue meets, checked in the time that sorting takes, for histories
//! that are too long to be searched.
//!
//! The first four are complete for a queue without bounds whose values are sent once each
//! (Henzinger, Sezgin and Vafeiadis, *Aspect-oriented linearizability proofs*, 2013). The last
//! two, of the bounds, are necessary, and not sufficient: the search knows them exactly.

use std::collections::HashMap;

use crate::history::{Call, Done, History, Value};

/// What is wrong with a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Received and not sent, or before it was sent.
    FromNowhere(Value),
    SentTwice(Value),
    ReceivedTwice(Value),
    /// The first was sent before the second, and was still there when that had been received.
    Overtaken(Value, Value),
    /// Found empty, by the call of this time, while something was there all along.
    NotEmpty(u64),
    /// Found full, by the call of this time, while there was room all along.
    NotFull(u64),
    /// Sent, by the call of this time, while there was no room all along.
    Overfull(u64),
}

/// The life of one message: when its send was called and returned, and its receive.
#[derive(Clone, Copy, Debug)]
struct Life {
    value: Value,
    sent: (u64, u64),
    received: (u64, u64),
}

const NEVER: (u64, u64) = (u64::MAX, u64::MAX);

/// The first fault of `history`, of a ring of `capacity` messages, if it has one.
pub(crate) fn fault(history: &History, capacity: usize) -> Option<Fault> {
    match lives(history) {
        Ok(lives) => overtaking(&lives)
            .or_else(|| wrong_emptiness(history, &lives))
            .or_else(|| wrong_bounds(history, &lives, capacity as i64)),
        Err(fault) => Some(fault),
    }
}

fn lives(history: &History) -> Result<Vec<Life>, Fault> {
    let mut lives = HashMap::new();
    for Call { called, returned, done } in history.calls() {
        if let Done::Sent(value) | Done::Forced(value, _) = *done {
            let life = Life { value, sent: (*called, *returned), received: NEVER };
            if lives.insert(value, life).is_some() {
                return Err(Fault::SentTwice(value));
            }
        }
    }
    for Call { called, returned, done } in history.calls() {
        if let Done::Received(value) | Done::Forced(_, Some(value)) = *done {
            let life = lives.get_mut(&value).filter(|life| life.sent.0 < *returned);
            let life = life.ok_or(Fault::FromNowhere(value))?;
            if life.received != NEVER {
                return Err(Fault::ReceivedTwice(value));
            }
            life.received = (*called, *returned);
        }
    }
    let mut lives: Vec<_> = lives.into_values().collect();
    lives.sort_unstable_by_key(|life| life.sent.0);
    Ok(lives)
}

fn overtaking(lives: &[Life]) -> Option<Fault> {
    let mut by_return = lives.to_vec();
    by_return.sort_unstable_by_key(|life| life.sent.1);
    let mut before = by_return.iter().peekable();
    // Of those that were sent before, the one that was received last.
    let mut last: Option<&Life> = None;
    for life in lives {
        while let Some(earlier) = before.next_if(|earlier| earlier.sent.1 < life.sent.0) {
            if last.is_none_or(|last| last.received.0 < earlier.received.0) {
                last = Some(earlier);
            }
        }
        if let Some(last) = last.filter(|last| life.received.1 < last.received.0) {
            return Some(Fault::Overtaken(last.value, life.value));
        }
    }
    None
}

/// Something is there from the return of its send to the call of its receive at least. A call
/// that finds nothing must not lie within what such times cover together.
fn wrong_emptiness(history: &History, lives: &[Life]) -> Option<Fault> {
    let mut there: Vec<_> = lives.iter().map(|life| (life.sent.1, life.received.0)).collect();
    there.sort_unstable();
    let mut covered: Vec<(u64, u64)> = Vec::new();
    for (from, to) in there.into_iter().filter(|(from, to)| from < to) {
        match covered.last_mut() {
            Some((_, end)) if from < *end => *end = to.max(*end),
            _ => covered.push((from, to)),
        }
    }
    let is_covered = |call: &&Call| {
        let after = covered.partition_point(|(from, _)| *from < call.called);
        after > 0 && covered[after - 1].1 > call.returned
    };
    let mut empty = history.calls().filter(|call| call.done == Done::Empty);
    empty.find(is_covered).map(|call| Fault::NotEmpty(call.called))
}

/// How many messages there are at most, or at least, as time passes.
struct Level(Vec<(u64, i64)>);

impl Level {
    /// `up` and `down` are the times at which there is one more, and one less.
    fn of(up: impl Iterator<Item = u64>, down: impl Iterator<Item = u64>) -> Self {
        let mut steps: Vec<_> = up.map(|at| (at, 1)).chain(down.map(|at| (at, -1))).collect();
        steps.sort_unstable();
        let mut level = 0;
        let sum = |(at, step)| {
            level += step;
            (at, level)
        };
        Self(steps.into_iter().map(sum).collect())
    }

    /// The levels from `from` to `to`.
    fn between(&self, from: u64, to: u64) -> impl Iterator<Item = i64> {
        let start = self.0.partition_point(|(at, _)| *at <= from);
        let first = start.checked_sub(1).map_or(0, |before| self.0[before].1);
        let rest = self.0[start..].iter().take_while(move |(at, _)| *at < to);
        std::iter::once(first).chain(rest.map(|(_, level)| *level))
    }
}

fn wrong_bounds(history: &History, lives: &[Life], capacity: i64) -> Option<Fault> {
    let most = Level::of(lives.iter().map(|life| life.sent.0), lives.iter().map(|life| life.received.1));
    let least = Level::of(lives.iter().map(|life| life.sent.1), lives.iter().map(|life| life.received.0));
    history.calls().find_map(|call| {
        let (from, to) = (call.called, call.returned);
        let is_below = |level| most.between(from, to).all(|most| most < level);
        match call.done {
            Done::Full => is_below(capacity).then_some(Fault::NotFull(from)),
            // Its own message counts from its call on, beside the one that it displaces.
            Done::Forced(_, Some(_)) => is_below(capacity + 1).then_some(Fault::NotFull(from)),
            Done::Sent(_) | Done::Forced(_, None) => {
                least.between(from, to).all(|level| level >= capacity).then_some(Fault::Overfull(from))
            }
            Done::Received(_) | Done::Empty => None,
        }
    })
}
