//! What becomes of the messages that a dead participant held.

use std::time::{Duration, Instant};

use ironring::{
    Delivery, Options, RecvError, Role,
    mpmc::{Consumer, Producer, Ring},
};

use crate::victim::{Deed, kill_after, kill_behind};

type Test = (&'static str, fn());

pub(crate) const TESTS: &[Test] = &[
    ("a_consumer_that_is_always_busy_finds_the_dead", a_consumer_that_is_always_busy_finds_the_dead),
    ("a_message_that_keeps_killing_is_set_aside", a_message_that_keeps_killing_is_set_aside),
    ("one_consumer_takes_up_what_several_left", one_consumer_takes_up_what_several_left),
    ("owned_messages_come_at_most_once", owned_messages_come_at_most_once),
    ("part_of_a_slot_that_was_received_is_dropped_and_the_rest_comes", part_of_a_slot_is_dropped),
    ("part_of_a_slot_that_was_received_comes_again", part_of_a_slot_comes_again),
    ("messages_set_aside_stay_where_their_taker_dies", messages_set_aside_stay_where_their_taker_dies),
];

/// It never finds the ring empty, which would make it look.
fn a_consumer_that_is_always_busy_finds_the_dead() {
    let by_guard: fn(&mut Consumer<[u8]>) -> u8 =
        |consumer| consumer.try_recv().expect("a message").to_vec()[0];
    let by_copy: fn(&mut Consumer<[u8]>) -> u8 = |consumer| {
        let mut into = [0];
        assert_eq!(consumer.recv_into(&mut into), Ok(1));
        into[0]
    };
    for receive in [by_guard, by_copy] {
        let ring = Ring::<[u8]>::anonymous(&Options::messages(4)).expect("a ring");
        let (mut producer, mut consumer) =
            (ring.producer().expect("a place"), ring.consumer().expect("a place"));
        producer.send(b"h").expect("room");
        kill_after(Deed::Owned, &ring);
        let begun = Instant::now();
        producer.send(b"x").expect("room");
        loop {
            producer.send(b"x").expect("room");
            if receive(&mut consumer) == b'h' {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it was never looked for");
        }
    }
}

/// Each consumer that takes it is counted, and killed.
fn a_message_that_keeps_killing_is_set_aside() {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(4).max_deliveries(3)).expect("a ring");
    ring.producer().expect("a place").send(b"poison").expect("room");
    for expected in [(1, 0), (1, 0), (0, 1)] {
        kill_after(Deed::Owned, &ring);
        let [recovered] = ring.recover().expect("a whole ring").try_into().expect("one has died");
        assert_eq!((recovered.redelivered, recovered.set_aside), expected);
    }
    let aside = ring.set_aside().expect("a whole ring");
    assert_eq!(aside.iter().map(|aside| aside.deliveries).collect::<Vec<_>>(), [3]);
}

/// It holds the record of one dead participant at a time, until the last message of that is released.
fn one_consumer_takes_up_what_several_left() {
    let options = Options::messages(4).holding(1).participants(5);
    let ring = Ring::<[u8]>::anonymous(&options).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("a place"), ring.consumer().expect("a place"));
    // All are there before one of them is killed, so that none takes up what another left.
    let mut killed = hold_and_die(&ring, &mut producer, &[b"a", b"b", b"c"]);
    let begun = Instant::now();
    let mut come = Vec::new();
    while come.len() < 3 {
        if let Ok(message) = consumer.try_recv() {
            assert_eq!((message.is_redelivered(), message.deliveries()), (true, 2));
            come.push(message.to_vec());
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "only {come:?} came");
    }
    come.sort();
    assert_eq!(come, [b"a", b"b", b"c"]);
    let mut told: Vec<_> = consumer.take_recovered().iter().map(|dead| dead.holder.pid).collect();
    told.sort_unstable();
    killed.sort_unstable();
    assert_eq!(told, killed);
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
}

/// Sends each of `messages` to a process of its own, and kills these when all have theirs.
fn hold_and_die(ring: &Ring<[u8]>, producer: &mut Producer<[u8]>, messages: &[&[u8]]) -> Vec<u32> {
    let Some((message, others)) = messages.split_first() else { return Vec::new() };
    producer.send(message).expect("room");
    let mut killed = Vec::new();
    let first = kill_behind(Deed::Owned, ring, || killed = hold_and_die(ring, producer, others));
    killed.push(first);
    killed
}

fn owned_messages_come_at_most_once() {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(4).delivery(Delivery::AtMostOnce)).expect("a ring");
    let mut producer = ring.producer().expect("a place");
    assert_eq!(producer.send_batch(["a", "b", "c"]), (3, Ok(())));
    kill_after(Deed::Owned, &ring);
    let recovered = ring.recover().expect("a whole ring");
    assert_eq!(
        recovered.iter().map(|recovered| (recovered.dropped, recovered.redelivered)).collect::<Vec<_>>(),
        [(3, 0)]
    );
    let mut consumer = ring.consumer().expect("a place");
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
}

/// Of five messages in one slot, one was released, and two were received.
fn part_of_a_slot(delivery: Delivery) -> (Ring<[u8]>, (u32, u32)) {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(4).delivery(delivery)).expect("a ring");
    let mut producer = ring.producer().expect("a place");
    assert_eq!(producer.send_batch(["a", "b", "c", "d", "e"]), (5, Ok(())));
    let pid = kill_after(Deed::Batch, &ring);
    let [recovered] = ring.recover().expect("a whole ring").try_into().expect("one has died");
    assert_eq!(
        (recovered.holder.pid, recovered.role, recovered.interrupted),
        (pid, Some(Role::Consumer), None)
    );
    (ring, (recovered.dropped, recovered.redelivered))
}

/// What comes of the messages, whether again, and how many are told to be dropped and to come again.
fn what_comes(ring: &Ring<[u8]>) -> (Vec<(u8, bool)>, (u64, u64)) {
    let mut consumer = ring.consumer().expect("a place");
    let mut come = Vec::new();
    while let Ok(message) = consumer.try_recv() {
        come.push((message.to_vec()[0], message.is_redelivered()));
    }
    let told = ring.participants().expect("told");
    (
        come,
        told.iter()
            .fold((0, 0), |(dropped, again), place| (dropped + place.dropped, again + place.redelivered)),
    )
}

fn part_of_a_slot_is_dropped() {
    let (ring, told) = part_of_a_slot(Delivery::AtMostOnce);
    assert_eq!(told, (2, 2));
    let (come, (dropped, _)) = what_comes(&ring);
    assert_eq!(come.iter().map(|(message, _)| *message).collect::<Vec<_>>(), b"de");
    assert_eq!(dropped, 2);
}

fn part_of_a_slot_comes_again() {
    let (ring, told) = part_of_a_slot(Delivery::AtLeastOnce);
    assert_eq!(told, (0, 4));
    let (come, (dropped, _)) = what_comes(&ring);
    assert_eq!(come.iter().map(|(message, _)| *message).collect::<Vec<_>>(), b"bcde");
    assert!(come[0].1 && come[1].1, "received before");
    assert_eq!(dropped, 0);
}

fn messages_set_aside_stay_where_their_taker_dies() {
    let dir = tempfile::tempdir_in("/dev/shm").expect("a directory in shared memory");
    let options = Options::messages(4).max_deliveries(1);
    let ring = Ring::<[u8]>::create(dir.path().join("ring"), &options).expect("a ring");
    ring.producer().expect("a place").send(b"poison").expect("room");
    kill_after(Deed::Owned, &ring);
    let recovered = ring.recover().expect("a whole ring");
    assert_eq!(recovered.iter().map(|recovered| recovered.set_aside).collect::<Vec<_>>(), [1]);

    let positions = || {
        let aside = ring.set_aside().expect("a whole ring");
        aside.into_iter().map(|aside| aside.position).collect::<Vec<_>>()
    };
    kill_behind(Deed::TakesAside, &ring, || {
        assert_eq!(ring.take_set_aside(0).expect("a whole ring"), None, "somebody is just taking it");
        assert_eq!(positions(), [0]);
    });
    assert_eq!(positions(), [0]);
    assert_eq!(ring.take_set_aside(0).expect("a whole ring"), Some(vec![b"poison".to_vec()]));
    assert_eq!(positions(), [0; 0]);
}
