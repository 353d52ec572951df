//! Messages pass through an exchange ring whose participants live.
#![cfg(loom)]

use ironring_loom_tests::exchange::{Plan, Then, Work::*};

const PLAN: Plan = Plan {
    capacity: 2,
    places: 2,
    passed: 0,
    waiting: 0,
    works: &[],
    both: false,
    then: Then::Nothing,
    preemptions: 2,
};

#[test]
fn two_enqueue() {
    Plan { works: &[Send(1), Send(1)], ..PLAN }.run(&[]);
}

#[test]
fn two_enqueue_to_one_place() {
    Plan { capacity: 1, works: &[TrySend(1), TrySend(1)], ..PLAN }.run(&[]);
}

#[test]
fn one_enqueues_one_dequeues() {
    Plan { works: &[Send(2), Receive(2)], ..PLAN }.run(&[]);
}

#[test]
fn full_and_empty_in_turn() {
    Plan { capacity: 1, works: &[Send(3), Receive(3)], ..PLAN }.run(&[]);
}

#[test]
fn two_dequeue() {
    Plan { waiting: 2, works: &[Receive(1), Receive(1)], ..PLAN }.run(&[]);
}

#[test]
fn two_dequeue_the_last() {
    Plan { waiting: 1, works: &[TryReceive(1), TryReceive(1)], ..PLAN }.run(&[]);
}

#[test]
fn two_enqueue_over_the_end_of_a_lap() {
    Plan { passed: 1, places: 3, works: &[Send(1), Send(1), Receive(2)], ..PLAN }.run(&[]);
}

#[test]
fn two_dequeue_over_the_end_of_a_lap() {
    Plan { passed: 1, places: 3, waiting: 1, works: &[Receive(1), Receive(1), Send(1)], ..PLAN }.run(&[]);
}

#[test]
fn a_lap_passes_a_slow_one() {
    Plan { capacity: 1, places: 3, works: &[TrySend(1), Send(2), Receive(2)], preemptions: 1, ..PLAN }
        .run(&[]);
}

#[test]
fn one_displaces_one_dequeues() {
    Plan { capacity: 1, waiting: 1, works: &[Force(2), TryReceive(2)], ..PLAN }.run(&[]);
}

#[test]
fn two_displace() {
    Plan { capacity: 1, waiting: 1, works: &[Force(1), Force(1)], ..PLAN }.run(&[]);
}

#[test]
fn one_displaces_in_a_longer_ring() {
    Plan { passed: 1, waiting: 2, works: &[Force(2), TryReceive(1)], ..PLAN }.run(&[]);
}

#[test]
fn two_held_are_released_in_any_order() {
    Plan { waiting: 1, works: &[Hold(2), Send(3)], ..PLAN }.run(&[]);
}

#[test]
fn a_message_is_released_by_another_thread() {
    Plan { capacity: 1, waiting: 1, ..PLAN }.run_released_elsewhere();
}

#[test]
fn what_was_sent_before_is_found() {
    Plan { capacity: 4, places: 3, ..PLAN }.run_sent_and_received();
}
