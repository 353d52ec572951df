//! Messages that are delivered too often are set aside, listed, and taken once.

use std::thread;

use ironring::{Options, RecvError, mpmc::Ring};

use crate::support::backing::on_each;

/// Runs `test` on a ring in each kind of memory.
fn on_rings(test: impl Fn(Ring<[u8]>)) {
    on_each(&Options::messages(8).max_message(100).holding(3).max_deliveries(2), test);
}

/// Sends `messages` in one slot, and hands them back until they are set aside.
fn set_aside(ring: &Ring<[u8]>, messages: &[&str]) {
    ring.producer().expect("place").send_batch(messages).1.expect("room");
    let mut consumer = ring.consumer().expect("place");
    for deliveries in 1..=2 {
        let message = consumer.try_recv().expect("a message");
        assert_eq!(message.deliveries(), deliveries);
        message.hand_back();
    }
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
}

#[test]
fn messages_are_listed_and_taken_once() {
    on_rings(|ring| {
        assert_eq!(ring.set_aside().expect("a list"), []);
        set_aside(&ring, &["poison"]);
        set_aside(&ring, &["more", "", "of it"]);
        let list = ring.set_aside().expect("a list");
        assert_eq!(list.iter().map(|aside| aside.position).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(list[0].lengths, [6]);
        assert_eq!(list[1].lengths, [4, 0, 5]);
        assert!(list.iter().all(|aside| aside.deliveries == 2));
        let held = ring.participants().expect("sound");
        assert_eq!(held.iter().map(|place| (place.messages, place.set_aside)).max(), Some((0, 4)));
        let taken = ring.take_set_aside(1).expect("sound").expect("them");
        assert_eq!(taken, [b"more".as_slice(), b"", b"of it"]);
        assert_eq!(ring.take_set_aside(1).expect("sound"), None);
        assert_eq!(ring.take_set_aside(7).expect("sound"), None);
        assert_eq!(ring.set_aside().expect("a list"), list[..1]);
    });
}

#[test]
fn of_several_takers_one_gets_them() {
    for _ in 0..10 {
        on_rings(|ring| {
            set_aside(&ring, &["poison"]);
            let taken = thread::scope(|scope| {
                let takers = [(); 4].map(|()| scope.spawn(|| ring.take_set_aside(0).expect("sound")));
                takers.map(|taker| taker.join().expect("it took or not"))
            });
            assert_eq!(taken.iter().flatten().collect::<Vec<_>>(), [&[b"poison"]]);
            assert!(ring.set_aside().expect("a list").is_empty());
        });
    }
}

/// A consumer whose slots are all set aside holds all it may, until somebody takes some.
#[test]
fn slots_that_were_taken_are_used_again_by_who_holds_them() {
    on_rings(|ring| {
        let mut producer = ring.producer().expect("place");
        let mut consumer = ring.consumer().expect("place");
        for _ in 0..3 {
            producer.try_send(b"poison").expect("room");
            consumer.try_recv().expect("a message").hand_back();
            consumer.try_recv().expect("a message").hand_back();
            let _ = consumer.try_recv();
        }
        producer.try_send(b"fine").expect("room");
        assert_eq!(ring.set_aside().expect("a list").len(), 3);
        assert_eq!(consumer.try_recv().err(), Some(RecvError::HoldsAll));
        assert!(ring.take_set_aside(1).expect("sound").is_some());
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), b"fine");
    });
}

/// A consumer is not given a place that the messages of its predecessor, set aside, fill.
#[test]
fn a_place_that_is_filled_by_what_is_set_aside_is_left_alone() {
    let options = Options::messages(8).max_message(100).holding(3).max_deliveries(1).participants(2);
    on_each(&options, |ring: Ring<[u8]>| {
        let mut producer = ring.producer().expect("place");
        for message in [b"one", b"two", b"six"] {
            producer.try_send(message).expect("room");
        }
        let mut consumer = ring.consumer().expect("place");
        let mut batch = consumer.try_recv_batch(3).expect("messages");
        while batch.next().is_some() {}
        batch.hand_back();
        drop((producer, consumer));

        let mut consumer = ring.consumer().expect("the other place");
        ring.producer().expect("a producer needs one slot only").try_send(b"fine").expect("room");
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), b"fine");
        assert_eq!(ring.set_aside().expect("a list").len(), 3);
    });
}
