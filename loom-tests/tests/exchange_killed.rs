//! Participants of an exchange ring are killed between any two of their stores, and set
//! right while others take and give slots.
#![cfg(loom)]

use ironring_loom_tests::{
    exchange::{Plan, Then, Work::*},
    kill_anywhere, kill_two_anywhere,
};

const PLAN: Plan = Plan {
    capacity: 2,
    places: 2,
    passed: 0,
    waiting: 0,
    works: &[],
    both: false,
    then: Then::Attach,
    preemptions: 2,
};

#[test]
fn a_producer_is_succeeded() {
    let plan = Plan { works: &[Send(2), Receive(2)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_producer_is_succeeded_a_lap_later() {
    let plan = Plan { capacity: 1, works: &[Send(3), Receive(3)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_consumer_is_succeeded() {
    let plan = Plan { waiting: 1, works: &[Receive(2), Send(1)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_consumer_is_succeeded_a_lap_later() {
    let plan = Plan { capacity: 1, waiting: 1, works: &[Receive(3), Send(2)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_forcing_producer_is_succeeded() {
    let plan = Plan { capacity: 1, waiting: 1, works: &[Force(2), TryReceive(2)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_consumer_is_succeeded_after_two_exchanges_of_another() {
    let plan = Plan { capacity: 1, waiting: 1, works: &[TryReceive(1), Force(2)], preemptions: 1, ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn two_are_recovered_at_once() {
    let works = &[Send(1), TryReceive(1)];
    let plan = Plan { capacity: 1, works, both: true, then: Then::Recover, preemptions: 1, ..PLAN };
    kill_two_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_repair_of_a_producer_is_repeated() {
    let plan = Plan { works: &[Send(1), Receive(1)], ..PLAN };
    kill_two_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_repair_of_a_consumer_is_repeated() {
    let plan = Plan { waiting: 1, works: &[Receive(1), Send(1)], ..PLAN };
    kill_two_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_producer_that_may_lose_is_succeeded() {
    let plan = Plan { capacity: 1, works: &[TrySend(1), TrySend(1)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_consumer_that_may_lose_is_succeeded() {
    let plan = Plan { capacity: 1, waiting: 1, works: &[TryReceive(1), TryReceive(1)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_consumer_that_holds_two_is_succeeded() {
    let plan = Plan { waiting: 2, works: &[Hold(2), TrySend(1)], ..PLAN };
    kill_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_recovery_of_a_producer_is_repeated() {
    let plan = Plan { capacity: 1, works: &[Send(1), TryReceive(2)], then: Then::Recover, ..PLAN };
    kill_two_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_recovery_of_a_consumer_is_repeated() {
    let plan =
        Plan { capacity: 1, waiting: 1, works: &[TryReceive(1), TrySend(1)], then: Then::Recover, ..PLAN };
    kill_two_anywhere(|lives| plan.run(lives));
}

#[test]
fn a_recovery_of_a_forcing_producer_is_repeated() {
    let works = &[Force(1), TryReceive(1)];
    let plan = Plan { capacity: 1, waiting: 1, works, then: Then::Recover, ..PLAN };
    kill_two_anywhere(|lives| plan.run(lives));
}
