//! Consumers are killed between any two of their stores; a successor gets what the
//! delivery promises.
#![cfg(loom)]

use ironring::{
    Delivery::{AtLeastOnce, AtMostOnce},
    Life, Options, RecvError,
    spsc::Ring,
};
use ironring_loom_tests::{
    EIGHT_WORDS, Numbered, Pair, begin, kill_anywhere, kill_two_anywhere, model_lives,
};
use loom::thread;

/// How messages are received.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// One at a time.
    Messages,
    /// Up to two at a time.
    Batches,
    /// One at a time, every other one by copying it out.
    CopiesToo,
}

/// Messages of so many words, first those that wait in the ring when the model begins,
/// then those that are sent meanwhile.
#[derive(Clone, Copy)]
struct Plan {
    options: Options,
    at_most_once: bool,
    waiting: &'static [usize],
    sent: &'static [usize],
    how: How,
}

/// What the consumers so far have done: received up to here, released up to here.
#[derive(Clone, Copy, Default)]
struct Log {
    received: u32,
    released: u32,
}

/// Receives until all have been received; checks what it gets against `log`.
fn go_on<M: Numbered + ?Sized>(ring: &Ring<M>, life: &Life, plan: Plan, mut log: Log) -> Log {
    let words = [plan.waiting, plan.sent].concat();
    let mut consumer = ring.consumer(life).unwrap();
    let mut next = if plan.at_most_once { log.received } else { log.released };
    while !life.is_over() && (next as usize) < words.len() {
        if plan.how == How::CopiesToo && next % 2 == 1 {
            assert!(M::copies_number(&mut consumer, next, words[next as usize]), "message {next}");
            if life.is_over() {
                // Killed before the call returned.
                return log;
            }
            next += 1;
            log = Log { received: log.received.max(next), released: next };
            continue;
        }
        let mut batch = consumer.recv_batch(if plan.how == How::Batches { 2 } else { 1 }).unwrap();
        while let Some(view) = batch.next() {
            assert!(M::is_number(&view, next, words[next as usize]), "message {next}");
            assert_eq!(view.is_redelivered(), next < log.received, "message {next}");
            next += 1;
            if life.is_over() {
                // Killed before it saw the message.
                return log;
            }
            log.received = log.received.max(next);
        }
        drop(batch);
        if !life.is_over() {
            log.released = next;
        }
    }
    if !life.is_over() {
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    }
    log
}

/// Runs consumers one after the other, the last of which lives for ever.
///
/// One behind the other in one thread stands for the lock, which the kernel gives to the
/// next when its holder has died.
fn one_by_one<M: Numbered + ?Sized>(plan: Plan, preemptions: usize, lives: &[u32]) -> bool {
    model_lives(preemptions, lives, move |lives| {
        let delivery = if plan.at_most_once { AtMostOnce } else { AtLeastOnce };
        let (ring, first) = begin::<M>(plan.options.delivery(delivery), &[], plan.waiting);
        let same = ring.clone();
        let sending = thread::spawn(move || {
            let mut producer = same.producer(&Life::endless()).unwrap();
            for (n, words) in (first..).zip(plan.sent) {
                M::send(&mut producer, n, *words);
            }
        });
        let receiving = thread::spawn(move || {
            let mut log = Log::default();
            for life in &lives {
                log = go_on(&ring, life, plan, log);
            }
            go_on(&ring, &Life::endless(), plan, log)
        });
        sending.join().unwrap();
        assert_eq!(receiving.join().unwrap().received as usize, plan.waiting.len() + plan.sent.len());
    })
}

const FRAMES: Plan =
    Plan { options: EIGHT_WORDS, at_most_once: false, waiting: &[3, 1], sent: &[3], how: How::Messages };
const SLOTS: Plan = Plan { options: Options::messages(2), sent: &[2, 2], ..FRAMES };

#[test]
fn frames_come_again_marked() {
    kill_anywhere(|lives| one_by_one::<[u8]>(FRAMES, 3, lives));
}

#[test]
fn frames_come_at_most_once() {
    let plan = Plan { at_most_once: true, ..FRAMES };
    kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
}

#[test]
fn frames_of_a_batch_come_again_marked() {
    let plan = Plan { how: How::Batches, ..FRAMES };
    kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
}

#[test]
fn frames_of_a_batch_come_at_most_once() {
    let plan = Plan { at_most_once: true, how: How::Batches, ..FRAMES };
    kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
}

#[test]
fn frames_that_are_copied_out_come_once() {
    for at_most_once in [false, true] {
        let plan = Plan { at_most_once, how: How::CopiesToo, ..FRAMES };
        kill_anywhere(|lives| one_by_one::<[u8]>(plan, 3, lives));
    }
}

#[test]
fn a_take_over_of_frames_is_taken_over() {
    for how in [How::Messages, How::Batches, How::CopiesToo] {
        for at_most_once in [false, true] {
            let plan = Plan { at_most_once, how, ..FRAMES };
            kill_two_anywhere(|lives| one_by_one::<[u8]>(plan, 2, lives));
        }
    }
}

#[test]
fn slots_come_again_marked() {
    for how in [How::Messages, How::Batches, How::CopiesToo] {
        let plan = Plan { how, ..SLOTS };
        kill_anywhere(|lives| one_by_one::<Pair>(plan, 2, lives));
    }
}

#[test]
fn slots_come_at_most_once() {
    for how in [How::Messages, How::Batches, How::CopiesToo] {
        let plan = Plan { at_most_once: true, how, ..SLOTS };
        kill_anywhere(|lives| one_by_one::<Pair>(plan, 2, lives));
    }
}

#[test]
fn a_take_over_of_slots_is_taken_over() {
    for at_most_once in [false, true] {
        let plan = Plan { at_most_once, sent: &[2], ..SLOTS };
        kill_two_anywhere(|lives| one_by_one::<Pair>(plan, 1, lives));
    }
}
