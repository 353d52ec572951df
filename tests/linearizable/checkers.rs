//! The checkers find what is wrong, and only that.

use std::collections::VecDeque;

use ironring_testkit::rng::Seeded;

use crate::{
    conditions::{Fault, fault},
    history::{Call, Done, History},
    search::is_linearizable,
};
use Done::{Empty, Forced, Full, Received, Sent};

/// A history of callers whose calls are given as `(called, returned, done)`.
fn history<const N: usize>(callers: [&[(u64, u64, Done)]; N]) -> History {
    let call = |&(called, returned, done): &_| Call { called, returned, done };
    History { callers: callers.map(|calls| calls.iter().map(call).collect()).to_vec() }
}

#[track_caller]
fn right(capacity: usize, history: &History) {
    assert!(is_linearizable(history, capacity), "the search finds no order");
    assert_eq!(fault(history, capacity), None);
}

#[track_caller]
fn wrong(capacity: usize, history: &History, expected: Fault) {
    assert!(!is_linearizable(history, capacity), "the search finds an order");
    assert_eq!(fault(history, capacity), Some(expected));
}

#[test]
fn one_after_the_other_is_right() {
    right(
        2,
        &history([&[
            (1, 2, Empty),
            (3, 4, Sent(1)),
            (5, 6, Sent(2)),
            (7, 8, Full),
            (9, 10, Forced(3, Some(1))),
            (11, 12, Received(2)),
            (13, 14, Forced(4, None)),
            (15, 16, Received(3)),
            (17, 18, Received(4)),
            (19, 20, Empty),
        ]]),
    );
}

#[test]
fn sends_that_overlap_have_no_order() {
    right(2, &history([&[(1, 4, Sent(1))], &[(2, 3, Sent(2))], &[(5, 6, Received(2)), (7, 8, Received(1))]]));
}

#[test]
fn received_within_the_send_is_right() {
    right(1, &history([&[(1, 6, Sent(1))], &[(2, 3, Empty), (4, 5, Received(1))]]));
}

#[test]
fn value_from_nowhere_is_found() {
    wrong(2, &history([&[(1, 2, Sent(1))], &[(3, 4, Received(2))]]), Fault::FromNowhere(2));
    wrong(2, &history([&[(3, 4, Sent(1))], &[(1, 2, Received(1))]]), Fault::FromNowhere(1));
}

#[test]
fn value_received_twice_is_found() {
    wrong(
        2,
        &history([&[(1, 2, Sent(1))], &[(3, 5, Received(1))], &[(4, 6, Received(1))]]),
        Fault::ReceivedTwice(1),
    );
    wrong(
        1,
        &history([&[(1, 2, Sent(1)), (3, 4, Forced(2, Some(1))), (5, 6, Received(1))]]),
        Fault::ReceivedTwice(1),
    );
}

#[test]
fn value_overtaken_is_found() {
    wrong(
        2,
        &history([&[(1, 2, Sent(1)), (3, 4, Sent(2))], &[(5, 6, Received(2)), (7, 8, Received(1))]]),
        Fault::Overtaken(1, 2),
    );
    // Also where it is never received, and where it is displaced.
    wrong(2, &history([&[(1, 2, Sent(1)), (3, 4, Sent(2))], &[(5, 6, Received(2))]]), Fault::Overtaken(1, 2));
    wrong(
        2,
        &history([&[(1, 2, Sent(1)), (3, 4, Sent(2)), (5, 6, Forced(3, Some(2)))]]),
        Fault::Overtaken(1, 2),
    );
}

#[test]
fn empty_while_something_is_there_is_found() {
    wrong(2, &history([&[(1, 2, Sent(1))], &[(3, 4, Empty), (5, 6, Received(1))]]), Fault::NotEmpty(3));
    // No single message is there all along, but one or the other is.
    wrong(
        2,
        &history([
            &[(1, 2, Sent(1)), (4, 5, Sent(2))],
            &[(6, 7, Received(1)), (9, 10, Received(2))],
            &[(3, 8, Empty)],
        ]),
        Fault::NotEmpty(3),
    );
    right(
        2,
        &history([
            &[(1, 2, Sent(1)), (4, 7, Sent(2))],
            &[(5, 6, Received(1)), (9, 10, Received(2))],
            &[(3, 8, Empty)],
        ]),
    );
}

#[test]
fn full_while_there_is_room_is_found() {
    wrong(2, &history([&[(1, 2, Sent(1)), (3, 4, Full)]]), Fault::NotFull(3));
    wrong(2, &history([&[(1, 2, Sent(1)), (3, 4, Forced(2, Some(1)))]]), Fault::NotFull(3));
    right(2, &history([&[(1, 2, Sent(1)), (4, 7, Full)], &[(3, 5, Sent(2)), (6, 8, Received(1))]]));
}

#[test]
fn more_than_there_is_room_for_is_found() {
    wrong(1, &history([&[(1, 2, Sent(1)), (3, 4, Sent(2))], &[(5, 6, Received(1))]]), Fault::Overfull(3));
    wrong(
        1,
        &history([&[(1, 2, Sent(1)), (3, 4, Forced(2, None))], &[(5, 6, Received(1))]]),
        Fault::Overfull(3),
    );
    right(1, &history([&[(1, 2, Sent(1)), (3, 6, Sent(2))], &[(4, 5, Received(1))]]));
}

/// What a queue did, one call after the other, each call stretched at random around its instant.
fn made_up(rng: &mut Seeded, capacity: usize, callers: u64, calls: u32) -> History {
    const GRAIN: u64 = 20;
    let mut history = History { callers: vec![Vec::new(); callers as usize] };
    let mut free = vec![0; callers as usize];
    let mut queue = VecDeque::new();
    let mut instant = 0;
    for i in 0..calls {
        let done = match rng.u8(..5) {
            0 | 1 if queue.len() == capacity => Full,
            0 | 1 => Sent(i),
            2 => Forced(i, queue.front().copied().filter(|_| queue.len() == capacity)),
            _ => queue.front().map_or(Empty, |value| Received(*value)),
        };
        if let Received(_) | Forced(_, Some(_)) = done {
            queue.pop_front();
        }
        if let Sent(value) | Forced(value, _) = done {
            queue.push_back(value);
        }
        let caller = rng.u64(..callers);
        let free = &mut free[caller as usize];
        instant = instant.max(*free) + 10 * GRAIN;
        // Each caller has ticks of its own, and so no two are equal.
        let at_grain = |tick: u64, offset| tick / GRAIN * GRAIN + 2 * caller + offset;
        let called = at_grain(rng.u64(*free..instant), 1);
        let returned = at_grain(instant + rng.u64(GRAIN..100 * GRAIN), 2);
        history.callers[caller as usize].push(Call { called, returned, done });
        *free = returned + GRAIN;
    }
    history
}

/// Changes the results of two calls, or of one.
fn spoil(history: &mut History, rng: &mut Seeded) {
    let mut calls: Vec<_> = history.callers.iter_mut().flatten().collect();
    let (one, other) = (rng.usize(..calls.len()), rng.usize(..calls.len()));
    let [a, b] = [one, other].map(|i| calls[i].done);
    match (a, b) {
        (Received(_), Received(_) | Empty) | (Empty, Received(_)) | (Sent(_), Sent(_) | Full) => {
            calls[one].done = b;
            calls[other].done = a;
        }
        (Received(_), _) => calls[one].done = Empty,
        (Full, Sent(value) | Forced(value, _)) => calls[one].done = Received(value),
        (Empty, _) => calls[one].done = Full,
        _ => {}
    }
}

#[test]
fn what_a_queue_did_is_right() {
    let mut rng = Seeded::new();
    for _ in 0..300 {
        let capacity = rng.usize(1..4);
        right(capacity, &made_up(&mut rng, capacity, 3, 24));
    }
}

#[test]
fn what_the_conditions_find_is_wrong() {
    let mut rng = Seeded::new();
    let mut found = 0;
    for _ in 0..2_000 {
        let capacity = rng.usize(1..4);
        let mut history = made_up(&mut rng, capacity, 3, 14);
        spoil(&mut history, &mut rng);
        if let Some(fault) = fault(&history, capacity) {
            assert!(!is_linearizable(&history, capacity), "{fault:?} in {history:?}");
            found += 1;
        }
    }
    assert!(found > 200, "only {found}");
}

#[test]
fn in_a_queue_without_bounds_the_conditions_find_all_that_is_wrong() {
    const NO_BOUNDS: usize = 1_000;
    let mut rng = Seeded::new();
    let mut wrong = 0;
    for _ in 0..2_000 {
        let mut history = made_up(&mut rng, NO_BOUNDS, 3, 14);
        spoil(&mut history, &mut rng);
        if !is_linearizable(&history, NO_BOUNDS) {
            assert_ne!(fault(&history, NO_BOUNDS), None, "{history:?}");
            wrong += 1;
        }
    }
    assert!(wrong > 200, "only {wrong}");
}
