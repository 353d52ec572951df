//! Messages pass from a producer to a consumer that live.
#![cfg(loom)]

use ironring::{Life, Options};
use ironring_loom_tests::{EIGHT_WORDS, Numbered, Pair, UNBOUNDED, begin, model};
use loom::thread;

/// One thread sends messages of so many words, one by one; another receives them.
fn one_by_one<M: Numbered + ?Sized>(options: Options, words: &'static [usize], preemptions: usize) {
    model(preemptions, move || {
        let (ring, first) = begin::<M>(options, &[], &[]);
        let same = ring.clone();
        let sending = thread::spawn(move || {
            let mut producer = ring.producer(&Life::endless()).unwrap();
            for (n, words) in (first..).zip(words) {
                M::send(&mut producer, n, *words);
            }
        });
        let receiving = thread::spawn(move || {
            let mut consumer = same.consumer(&Life::endless()).unwrap();
            for (n, words) in (first..).zip(words) {
                M::receive(&mut consumer, n, *words);
            }
            consumer
        });
        sending.join().unwrap();
        M::assert_empty(receiving.join().unwrap());
    });
}

/// Some messages have passed. Then one thread sends a batch with one publish, which
/// another must find all at once and releases at once, and a last message of `last`
/// words, which needs room of that batch.
fn batch<M: Numbered + ?Sized>(
    options: Options,
    passed: &'static [usize],
    staged: &'static [usize],
    last: usize,
) {
    model(4, move || {
        let (ring, first) = begin::<M>(options, passed, &[]);
        let same = ring.clone();
        let last_number = first + staged.len() as u32;
        let sending = thread::spawn(move || {
            let mut producer = ring.producer(&Life::endless()).unwrap();
            for (n, words) in (first..).zip(staged) {
                M::stage(&mut producer, n, *words).unwrap();
            }
            producer.publish().expect("published");
            M::send(&mut producer, last_number, last);
        });
        let receiving = thread::spawn(move || {
            let mut consumer = same.consumer(&Life::endless()).unwrap();
            let mut batch = consumer.recv_batch(staged.len()).unwrap();
            for (n, words) in (first..).zip(staged) {
                let view = batch.next().expect("the rest of the batch");
                assert!(M::is_number(&view, n, *words), "message {n}");
            }
            drop(batch);
            M::receive(&mut consumer, last_number, last);
            consumer
        });
        sending.join().unwrap();
        M::assert_empty(receiving.join().unwrap());
    });
}

#[test]
fn a_header_publishes_its_payload() {
    one_by_one::<[u8]>(EIGHT_WORDS, &[1, 1], UNBOUNDED);
}

/// The header behind the fourth message lies where the first had its payload.
#[test]
fn bytes_of_an_earlier_lap_are_no_header() {
    one_by_one::<[u8]>(EIGHT_WORDS, &[3, 1, 1, 1], 3);
}

#[test]
fn a_message_that_does_not_fit_the_end_starts_anew() {
    one_by_one::<[u8]>(EIGHT_WORDS, &[3, 1, 3, 1], 3);
}

/// Two of these messages would fill the ring, with no room for the empty header behind.
#[test]
fn a_full_byte_ring_keeps_its_first_header() {
    one_by_one::<[u8]>(EIGHT_WORDS, &[3, 3, 3], 4);
}

#[test]
fn empty_messages_pass() {
    one_by_one::<[u8]>(EIGHT_WORDS, &[0; 5], 2);
}

/// The second message is a copy, and written from its second line on first.
#[test]
fn a_message_of_several_lines_passes() {
    one_by_one::<[u8]>(Options::bytes(256), &[9, 9], 3);
}

#[test]
fn a_cursor_publishes_its_slot() {
    one_by_one::<Pair>(Options::messages(2), &[2, 2], UNBOUNDED);
}

#[test]
fn slots_are_reused_only_when_released() {
    one_by_one::<Pair>(Options::messages(2), &[2; 4], 2);
}

#[test]
fn a_ring_of_one_slot_is_full_and_empty_in_turn() {
    one_by_one::<Pair>(Options::messages(1), &[2; 3], 4);
}

#[test]
fn a_batch_of_frames_appears_at_once() {
    batch::<[u8]>(EIGHT_WORDS, &[], &[1, 0, 1], 3);
}

#[test]
fn a_batch_of_frames_wraps() {
    batch::<[u8]>(EIGHT_WORDS, &[3, 1], &[1, 1], 1);
}

#[test]
fn a_batch_of_frames_starts_with_padding() {
    batch::<[u8]>(EIGHT_WORDS, &[3, 1], &[3], 1);
}

#[test]
fn a_batch_of_frames_has_padding_within() {
    batch::<[u8]>(Options::bytes(128), &[3, 3, 1], &[1, 4], 4);
}

#[test]
fn a_batch_of_slots_appears_at_once() {
    batch::<Pair>(Options::messages(2), &[2], &[2, 2], 2);
}

/// Values that are sent and received in runs, each of which wraps.
#[test]
fn runs_of_slots_pass() {
    model(3, || {
        let (ring, _) = begin::<Pair>(Options::messages(2), &[2], &[]);
        let same = ring.clone();
        let sending = thread::spawn(move || {
            let mut producer = ring.producer(&Life::endless()).unwrap();
            let mut messages = (1..5).map(|n| [n, 10 * n]).collect::<Vec<Pair>>();
            while !messages.is_empty() {
                let (sent, _) = producer.send_batch(&messages);
                messages.drain(..sent);
                thread::yield_now();
            }
        });
        let receiving = thread::spawn(move || {
            let mut consumer = same.consumer(&Life::endless()).unwrap();
            let mut received = Vec::new();
            while received.len() < 4 {
                // A single one first, so that the producer finds less room than it could fill.
                let most = if received.is_empty() { 1 } else { 2 };
                let mut values = [[0; 2]; 2];
                let count = consumer.recv_values(&mut values[..most]).unwrap();
                received.extend_from_slice(&values[..count]);
            }
            assert_eq!(received, [[1, 10], [2, 20], [3, 30], [4, 40]]);
            consumer
        });
        sending.join().unwrap();
        Pair::assert_empty(receiving.join().unwrap());
    });
}
