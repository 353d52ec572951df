//! Messages pass: each once, in the order of their producer.

use std::thread;

use ironring::{
    Options, RecvError, SendError, WhenAlone,
    mpmc::{Consumer, Ring},
};

use crate::support::backing::on_each;

/// Runs `test` on a ring for `capacity` messages of bytes in each kind of memory.
fn on_bytes_rings(capacity: u64, test: impl Fn(Ring<[u8]>)) {
    on_each(&Options::messages(capacity).max_message(100), test);
}

#[test]
fn a_full_ring_takes_no_more_and_an_empty_one_gives_none() {
    on_bytes_rings(4, |ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        for lap in 0..100_u32 {
            for n in 0..4 {
                producer.try_send(&(lap * 4 + n).to_le_bytes()).expect("room");
            }
            assert!(producer.is_full());
            assert_eq!(producer.try_send(b"x"), Err(SendError::Full));
            for n in 0..4 {
                let message = consumer.try_recv().expect("a message");
                assert_eq!(message.to_vec(), (lap * 4 + n).to_le_bytes());
                assert_eq!((message.deliveries(), message.sender()), (1, Some(producer.participant())));
            }
            assert!(consumer.is_empty());
            assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
        }
    });
}

#[test]
fn a_batch_takes_one_slot_and_is_received_in_parts() {
    on_bytes_rings(4, |ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        assert_eq!(producer.send_batch(["a", "b", "c"]), (3, Ok(())));
        assert_eq!(consumer.len(), 1, "slots");
        let mut batch = consumer.recv_batch(2).expect("messages");
        assert_eq!(batch.next().map(|view| view.to_vec()), Some(b"a".to_vec()));
        assert_eq!(batch.next().map(|view| view.to_vec()), Some(b"b".to_vec()));
        assert!(batch.next().is_none());
        drop(batch);
        assert_eq!(consumer.recv().expect("a message").to_vec(), b"c");
        assert!(consumer.is_empty());
    });
}

/// Two slots, of three messages and one: what is handed back comes again, what was done with
/// before does not.
#[test]
fn a_batch_is_handed_back_from_any_of_its_messages_on() {
    for (max, done) in (1..=4).flat_map(|max| (0..=max).map(move |done| (max, done))) {
        on_bytes_rings(4, |ring| {
            let mut producer = ring.producer().expect("place");
            let mut consumer = ring.consumer().expect("place");
            assert_eq!(producer.send_batch(["a", "b", "c"]), (3, Ok(())));
            assert_eq!(producer.send_batch(["d"]), (1, Ok(())));
            let mut batch = consumer.recv_batch(max).expect("messages");
            while batch.next().is_some() {}
            batch.hand_back_after(done);
            let mut rest = Vec::new();
            while let Ok(message) = consumer.try_recv() {
                rest.push(message.to_vec()[0]);
            }
            assert_eq!(rest, b"abcd"[done..], "{done} of {max}");
            let held: u32 = ring.participants().expect("sound").iter().map(|place| place.messages).sum();
            assert_eq!(held, 0);
        });
    }
}

/// A consumer leaves slots to its successor that held messages of others.
#[test]
fn a_producer_is_named_as_sender_whoever_had_its_place_before() {
    on_bytes_rings(2, |ring| {
        let mut first = ring.consumer().expect("place");
        let mut second = ring.producer().expect("place");
        for _ in 0..4 {
            second.try_send(b"x").expect("room");
            first.try_recv().expect("a message").release();
        }
        drop(first);
        let mut producer = ring.producer().expect("place");
        assert_eq!((second.participant(), producer.participant()), (1, 0));
        drop(second);
        producer.try_send(b"y").expect("room");
        let mut consumer = ring.consumer().expect("place");
        assert_eq!(consumer.try_recv().expect("a message").sender(), Some(0));
    });
}

/// Receives until every producer is gone.
fn all_of(mut consumer: Consumer<u64>) -> Vec<u64> {
    // Not the default in a ring that has a name.
    consumer.set_when_alone(WhenAlone::Disconnect);
    let mut got = Vec::new();
    loop {
        match consumer.recv() {
            Ok(message) => {
                assert!(!message.is_redelivered());
                got.push(message.get());
            }
            Err(error) => {
                assert_eq!(error, RecvError::Disconnected);
                return got;
            }
        }
    }
}

#[test]
fn each_message_of_three_producers_reaches_one_of_two_consumers_in_order() {
    on_each(&Options::messages(8), |ring: Ring<u64>| {
        const EACH: u64 = 2_000;
        let consumers = [ring.consumer().expect("place"), ring.consumer().expect("place")];
        let got = thread::scope(|scope| {
            for sender in 0..3 {
                let mut producer = ring.producer().expect("place");
                scope.spawn(move || {
                    for n in 0..EACH {
                        producer.send(&(sender << 32 | n)).expect("sent");
                    }
                });
            }
            let receiving = consumers.map(|consumer| scope.spawn(move || all_of(consumer)));
            receiving.map(|thread| thread.join().expect("received"))
        });
        for got in &got {
            for sender in 0..3 {
                let own = got.iter().filter(|value| *value >> 32 == sender).collect::<Vec<_>>();
                assert!(own.is_sorted(), "in order");
            }
        }
        let mut all = got.concat();
        all.sort_unstable();
        let sent = (0..3_u64).flat_map(|sender| (0..EACH).map(move |n| sender << 32 | n));
        assert!(all.into_iter().eq(sent), "each once");
    });
}

#[test]
fn owned_messages_go_to_another_thread_and_are_released_there() {
    on_each(&Options::messages(4).holding(1), |ring: Ring<u64>| {
        let (mut producer, mut consumer) =
            (ring.producer().expect("a producer"), ring.consumer().expect("a consumer"));
        for number in 1..=2 {
            producer.send(&number).expect("room");
        }
        let first = consumer.try_recv_owned().expect("a message");
        assert_eq!(consumer.try_recv_owned().err(), Some(RecvError::HoldsAll));
        let there = thread::spawn(move || first.iter().map(|message| message.get()).sum::<u64>());
        assert_eq!(there.join().expect("the other thread"), 1);
        assert_eq!(consumer.recv_value(), Ok(2), "the first was released");
    });
}

/// Somebody else fills the ring behind a producer that has staged: the batch is not sent, and what
/// was staged before it is, whole, with what is staged behind it later.
#[test]
fn a_batch_that_finds_the_ring_full_is_taken_back_alone() {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(4).max_message(100)).expect("a ring");
    let (mut producer, mut other) = (ring.producer().expect("place"), ring.producer().expect("place"));
    let mut consumer = ring.consumer().expect("place");
    for staged in [&[][..], &["first"], &["first", "", "third, longer"]] {
        for message in staged {
            producer.stage(message.as_bytes()).expect("room");
        }
        while other.try_send(b"x").is_ok() {}
        assert_eq!(producer.send_batch(["not", "sent"]), (0, Err(SendError::Full)));
        while let Ok(message) = consumer.try_recv() {
            assert_eq!(message.to_vec(), b"x");
        }
        producer.stage(b"behind them").expect("room");
        producer.publish().expect("room");
        for message in staged.iter().chain(&["behind them"]) {
            assert_eq!(consumer.try_recv().expect("it").to_vec(), message.as_bytes());
        }
        assert!(consumer.is_empty());
    }
}

/// The same of a single message, which goes together with what was staged before it, or not at all.
#[test]
fn a_message_that_finds_the_ring_full_leaves_what_was_staged_before_it() {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(1).max_message(40).batch(4)).expect("a ring");
    let [mut producer, mut other] = [ring.producer().expect("place"), ring.producer().expect("place")];
    let mut consumer = ring.consumer().expect("place");
    for behind in ["", "behind", "a message behind it that is longer"] {
        producer.stage(b"first").expect("room");
        producer.stage(b"second").expect("room");
        other.try_send(b"other").expect("room");
        assert_eq!(producer.try_send(behind.as_bytes()), Err(SendError::Full));
        let mut must_be_next = |message: &str| {
            assert_eq!(consumer.try_recv().expect("a message").to_vec(), message.as_bytes());
        };
        must_be_next("other");
        producer.publish().expect("room");
        must_be_next("first");
        must_be_next("second");
        assert!(consumer.is_empty());

        producer.stage(b"first").expect("room");
        producer.try_send(behind.as_bytes()).expect("room");
        assert_eq!(consumer.len(), 1, "slots");
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), b"first");
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), behind.as_bytes());
    }
}

/// Of several that displace the oldest message, each loses races for it, and goes on.
#[test]
fn several_displace_messages_at_once() {
    on_bytes_rings(2, |ring| {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut producer = ring.producer().expect("place");
                    for _ in 0..2000 {
                        producer.force_send(b"x").expect("in place of another");
                    }
                });
            }
        });
        let displaced: u64 = ring.participants().expect("sound").iter().map(|place| place.displaced).sum();
        assert_eq!((ring.consumer().expect("place").len(), displaced), (2, 3 * 2000 - 2));
    });
}

#[test]
fn messages_that_a_participant_holds_are_counted() {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(4).max_message(100).holding(3)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    producer.send_batch(["a", "b"]).1.expect("room");
    producer.send(b"c").expect("room");
    let (first, second) = (consumer.recv_owned().expect("two"), consumer.recv_owned().expect("one"));
    let holds = || {
        let places = ring.participants().expect("told");
        let place = places.iter().find(|place| place.number == consumer.participant()).expect("its place");
        (place.messages, place.set_aside)
    };
    assert_eq!(holds(), (3, 0));
    first.release();
    assert_eq!(holds(), (1, 0));
    second.release();
    assert_eq!(holds(), (0, 0));
}
