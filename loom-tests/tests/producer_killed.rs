//! Producers are killed between any two of their stores; a successor goes on exactly.
#![cfg(loom)]

use ironring::{Life, Options, spsc::Ring};
use ironring_loom_tests::{
    EIGHT_WORDS, Numbered, Pair, begin, kill_anywhere, kill_two_anywhere, model_lives,
};
use loom::thread;

/// What is sent: messages of so many words, first those that pass before the model
/// begins, then those of the producers that are killed, `batch` with one publish.
#[derive(Clone, Copy)]
struct Plan {
    options: Options,
    passed: &'static [usize],
    sent: &'static [usize],
    batch: usize,
}

/// Goes on behind the last published message.
fn go_on<M: Numbered + ?Sized>(ring: &Ring<M>, life: &Life, plan: Plan) {
    let mut producer = ring.producer(life).unwrap();
    let next = M::published(&producer);
    let left = &plan.sent[next as usize - plan.passed.len()..];
    for (first, batch) in (next..).step_by(plan.batch).zip(left.chunks(plan.batch)) {
        if life.is_over() {
            return;
        }
        for (n, words) in (first..).zip(batch) {
            M::stage_when_room(&mut producer, n, *words);
        }
        producer.publish().expect("published");
    }
}

/// Runs producers one after the other, the last of which lives for ever.
///
/// One behind the other in one thread stands for the lock, which the kernel gives to the
/// next when its holder has died.
fn one_by_one<M: Numbered + ?Sized>(plan: Plan, preemptions: usize, lives: &[u32]) -> bool {
    model_lives(preemptions, lives, move |lives| {
        let (ring, first) = begin::<M>(plan.options, plan.passed, &[]);
        let same = ring.clone();
        let sending = thread::spawn(move || {
            for life in &lives {
                go_on(&ring, life, plan);
            }
            go_on(&ring, &Life::endless(), plan);
        });
        let receiving = thread::spawn(move || {
            let mut consumer = same.consumer(&Life::endless()).unwrap();
            for (n, words) in (first..).zip(plan.sent) {
                M::receive(&mut consumer, n, *words);
            }
            consumer
        });
        sending.join().unwrap();
        M::assert_empty(receiving.join().unwrap());
    })
}

const FRAMES: Plan = Plan { options: EIGHT_WORDS, passed: &[], sent: &[], batch: 1 };
const SLOTS: Plan = Plan { options: Options::messages(2), ..FRAMES };

/// The header behind the last message lies where one that has passed had its payload.
#[test]
fn frames_go_on_behind_the_last() {
    let plan = Plan { passed: &[3], sent: &[1, 1, 1], ..FRAMES };
    kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
}

#[test]
fn frames_go_on_behind_padding() {
    let plan = Plan { passed: &[3, 1], sent: &[3, 1], ..FRAMES };
    kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
}

#[test]
fn frames_of_a_batch_all_count_or_none() {
    let plan = Plan { sent: &[1, 0, 1, 1], batch: 2, ..FRAMES };
    kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
}

/// The batch overwrites the frame that was published last while it is staged.
#[test]
fn frames_of_a_long_batch_all_count_or_none() {
    let plan = Plan { passed: &[1, 1, 1], sent: &[1, 1, 1], batch: 3, ..FRAMES };
    kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
}

#[test]
fn a_take_over_of_frames_is_taken_over() {
    let plan = Plan { passed: &[3, 1], sent: &[3, 1], ..FRAMES };
    kill_two_anywhere(|lives| one_by_one::<[u8]>(plan, 1, lives));
}

/// The second batch is written where the first lay.
#[test]
fn a_take_over_of_a_batch_is_taken_over() {
    let plan = Plan { sent: &[1; 6], batch: 3, ..FRAMES };
    kill_two_anywhere(|lives| one_by_one::<[u8]>(plan, 0, lives));
}

#[test]
fn slots_go_on_behind_the_last() {
    let plan = Plan { sent: &[2; 3], ..SLOTS };
    kill_anywhere(|lives| one_by_one::<Pair>(plan, 2, lives));
}

#[test]
fn slots_of_a_batch_all_count_or_none() {
    let plan = Plan { sent: &[2; 4], batch: 2, ..SLOTS };
    kill_anywhere(|lives| one_by_one::<Pair>(plan, 2, lives));
}
