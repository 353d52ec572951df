//! Several messages in a slot: received by copies, counted, and as many as there may be.

use ironring::{Options, RecvError, SendError, mpmc::Ring};

use crate::support::backing::on_each;

/// Runs `test` on a ring in each kind of memory.
fn on_rings(test: impl Fn(Ring<[u8]>)) {
    on_each(&Options::messages(4).max_message(40).batch(4), test);
}

#[test]
fn messages_of_one_slot_are_copied_one_after_the_other() {
    on_rings(|ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        for _ in 0..20 {
            assert_eq!(producer.send_batch(["one", "", "three"]), (3, Ok(())));
            let mut into = [0; 40];
            for message in ["one", "", "three"] {
                assert!(!consumer.is_empty(), "before {message:?}");
                let len = consumer.recv_into(&mut into).expect("a message");
                assert_eq!(&into[..len], message.as_bytes());
            }
            assert!(consumer.is_empty());
        }
    });
}

#[test]
fn a_message_that_does_not_fit_stays_to_be_received() {
    on_rings(|ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        producer.try_send(b"seven b").expect("room");
        for room in [0, 6] {
            let refused = consumer.recv_into(&mut vec![0; room][..]);
            assert_eq!(refused, Err(RecvError::BufferTooShort { len: 7, room }));
        }
        assert!(!consumer.is_empty());
        let mut into = [0; 7];
        assert_eq!(consumer.recv_into(&mut into), Ok(7));
        assert_eq!(&into, b"seven b");
        assert!(consumer.is_empty());
    });
}

#[test]
fn a_message_is_as_long_as_the_ring_was_made_for_and_no_longer() {
    on_rings(|ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        let limit = producer.max_message();
        assert!(limit >= 40);
        let longest = vec![7; limit];
        producer.try_send(&longest).expect("room");
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), longest);
        assert_eq!(producer.send_batch([&longest]), (1, Ok(())));
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), longest);
        let len = limit + 1;
        assert_eq!(producer.try_send(&vec![7; len]), Err(SendError::TooLong { len, limit }));
        assert!(consumer.is_empty());
    });
}

#[test]
fn slots_in_use_are_counted_up_to_a_full_ring() {
    on_rings(|ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        for n in 0..4 {
            assert_eq!((producer.len(), consumer.len()), (n, n));
            producer.try_send(b"x").expect("room");
        }
        assert_eq!((producer.len(), consumer.len()), (4, 4));
        consumer.try_recv().expect("a message").release();
        assert_eq!((producer.len(), consumer.len()), (3, 3));
    });
}

#[test]
fn a_slot_takes_4095_messages_and_no_more() {
    let ring = Ring::<u8>::anonymous(&Options::messages(1).batch(4095)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    let all: Vec<u8> = (0..4096).map(|n| (n % 251) as u8).collect();
    assert_eq!(producer.send_batch(&all), (4095, Err(SendError::Full)));
    let mut into = vec![0; 5000];
    assert_eq!(consumer.recv_values(&mut into), Ok(4095));
    assert_eq!(into[..4095], all[..4095]);

    for value in &all[..10] {
        producer.stage(value).expect("room");
    }
    assert_eq!(producer.send_batch(&all[10..]).0, 4085);
    assert_eq!(consumer.recv_values(&mut into), Ok(4095));
    assert_eq!(into[..4095], all[..4095]);

    let ring = Ring::<[u8]>::anonymous(&Options::messages(1).max_message(40_000)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    assert_eq!(producer.send_batch(vec![b""; 4096]), (4095, Err(SendError::Full)));
    let mut batch = consumer.recv_batch(5000).expect("messages");
    while batch.next().is_some() {}
    assert_eq!(batch.given(), 4095);
    drop(batch);
    assert!(consumer.is_empty());
}

/// Whoever held a slot, or holds it, is not taken for who sent its messages.
#[test]
fn each_of_several_senders_is_named() {
    on_rings(|ring| {
        let mut consumer = ring.consumer().expect("place");
        let mut senders = [ring.producer().expect("place"), ring.producer().expect("place")];
        for n in 0..20 {
            let sender = &mut senders[n % 2];
            sender.try_send(b"x").expect("room");
            assert_eq!(sender.participant() as usize, 1 + n % 2);
            let message = consumer.try_recv().expect("a message");
            assert_eq!(message.sender(), Some(1 + n as u32 % 2));
        }
        assert_eq!(consumer.participant(), 0);
    });
}
