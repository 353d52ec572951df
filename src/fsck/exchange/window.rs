//! Where the ring's head and tail are, by the entries alone: the only place of both with
//! which all of them agree, or the one with which most do.

use std::collections::HashMap;

use super::words::Bits;

/// The positions that are full: from `head` on, up to `tail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) head: u64,
    pub(super) tail: u64,
    /// Entries that do not agree, and the turn that each would have.
    pub(super) wrong: Vec<(u64, u64)>,
}

impl Window {
    pub(super) fn find(bits: Bits, entries: &[u64]) -> Self {
        let mut laps = HashMap::new();
        for entry in entries {
            *laps.entry(bits.lap(*entry)).or_insert(0_u64) += 1;
        }
        let most = laps.into_iter().max_by_key(|(lap, count)| (*count, *lap)).map_or(0, |(lap, _)| lap);
        // The entries before the head are a lap ahead of the others.
        let candidates = [most, bits.lap_before(most)].map(|lap| Self::on_lap(bits, entries, lap));
        let [first, second] = candidates;
        if second.wrong.len() < first.wrong.len() { second } else { first }
    }

    /// Whether a record may say that the last message from there ends before `last`; 0: none.
    pub(super) const fn may_be_last(&self, bits: Bits, last: u64) -> bool {
        last == 0 || !bits.is_beyond(last, self.tail)
    }

    /// The window whose head is on `lap`, or where the next one begins.
    fn on_lap(bits: Bits, entries: &[u64], lap: u64) -> Self {
        let next = bits.next_lap(lap);
        let head = cut(
            entries.iter(),
            |entry| i64::from(bits.lap(**entry) != next),
            |entry| i64::from(bits.lap(**entry) != lap),
        );
        let (ahead, behind) = entries.split_at(head);
        let in_order = behind.iter().map(|entry| (entry, lap)).chain(ahead.iter().map(|entry| (entry, next)));
        let is_on = |(entry, lap): &(&u64, u64)| bits.lap(**entry) == *lap;
        let full = cut(
            in_order,
            |found| i64::from(is_on(found) && !bits.is_full(*found.0)),
            |found| i64::from(is_on(found) && bits.is_full(*found.0)),
        );
        let head = lap * bits.capacity + head as u64;
        let tail = head + full as u64;
        let mut wrong = Vec::new();
        for position in head..head + bits.capacity {
            let turn = bits.turn_at(position, position < tail);
            let index = position % bits.capacity;
            if bits.turn(entries[index as usize]) != turn {
                wrong.push((index, turn));
            }
        }
        wrong.sort_unstable();
        Self { head, tail, wrong }
    }
}

/// How many of `entries`, from the first on, to count as before a cut, so that least is wrong:
/// given what each costs where it lies before the cut, and where it lies behind it.
fn cut<T>(
    entries: impl Iterator<Item = T> + Clone,
    before: impl Fn(&T) -> i64,
    behind: impl Fn(&T) -> i64,
) -> usize {
    let mut wrong: i64 = entries.clone().map(|entry| behind(&entry)).sum();
    let (mut least, mut at) = (wrong, 0);
    for (i, entry) in entries.enumerate() {
        wrong += before(&entry) - behind(&entry);
        if wrong < least {
            (least, at) = (wrong, i + 1);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Delivery,
        geometry::{Exchange, Geometry},
    };

    fn bits(capacity: u64) -> Bits {
        let exchange = Exchange { participants: 2, held: 2, max_deliveries: 0 };
        let geometry = Geometry {
            stride: 16,
            capacity,
            max_message: 8,
            message_size: 8,
            message_align: 8,
            delivery: Delivery::AtLeastOnce,
            type_tag: 0,
            checksums: false,
            exchange: Some(exchange),
        };
        Bits::of(&geometry, &exchange)
    }

    /// The entries of a ring with these cursors.
    fn entries(bits: Bits, head: u64, tail: u64) -> Vec<u64> {
        let mut entries = vec![0; bits.capacity as usize];
        for position in head..head + bits.capacity {
            let index = position % bits.capacity;
            let turn = bits.turn_at(position, position < tail);
            entries[index as usize] = bits.later(0, turn, index);
        }
        entries
    }

    #[test]
    fn every_window_is_found() {
        for capacity in [1, 2, 4, 8] {
            let bits = bits(capacity);
            for head in 0..3 * capacity {
                for tail in head..=head + capacity {
                    let found = Window::find(bits, &entries(bits, head, tail));
                    assert_eq!(found, Window { head, tail, wrong: Vec::new() }, "capacity {capacity}");
                }
            }
        }
    }

    #[test]
    fn a_turn_that_is_wrong_is_the_one_that_is_named() {
        let bits = bits(8);
        for (head, tail) in [(0, 0), (3, 3), (5, 9), (8, 16), (13, 15)] {
            for index in 0..8 {
                for turns in [2, 3, 4, 5, 1000] {
                    let mut entries = entries(bits, head, tail);
                    let right = bits.turn(entries[index]);
                    entries[index] = bits.later(entries[index], turns, 1);
                    let found = Window::find(bits, &entries);
                    let index = index as u64;
                    // One beside the head or the tail is as well measured by the window that
                    // ends, or begins, at its other side.
                    let is_beside = [head, tail].iter().any(|at| (*at + 8 - index) % 8 <= 1);
                    if is_beside {
                        let is_named = found.wrong.iter().all(|(at, _)| *at == index);
                        assert!(
                            is_named && found.wrong.len() <= 1,
                            "{head} to {tail}, {turns} on: {found:?}"
                        );
                        continue;
                    }
                    assert_eq!(found.wrong, [(index, right)], "{head} to {tail}, {turns} on");
                }
            }
        }
    }

    #[test]
    fn a_window_in_which_the_turns_come_round_is_found() {
        let bits = bits(4);
        let last_lap = bits.lap_before(0);
        let head = last_lap * 4 + 2;
        let found = Window::find(bits, &entries(bits, head, head + 3));
        assert_eq!(found, Window { head, tail: head + 3, wrong: Vec::new() });
    }
}
