//! Values of one type, alone and many in a slot.

use std::time::Duration;

use ironring::{Options, RecvError, SendError, mpmc::Ring};

use crate::support::backing::on_each;

/// Three of them fill a line with the slot's header.
type Value = [u64; 2];

/// Four slots of three values each.
const OPTIONS: Options = Options::messages(4).batch(3).participants(3).holding(2);

fn on_rings(test: impl Fn(Ring<Value>)) {
    on_each(&OPTIONS, test);
}

const fn value(number: u64) -> Value {
    [number, !number]
}

fn values(from: u64, to: u64) -> Vec<Value> {
    (from..to).map(value).collect()
}

#[test]
fn batches_fill_slot_after_slot_and_are_received_across_them() {
    on_rings(|ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        // Eight take three slots: the last has two, and the next batch a slot of its own.
        assert_eq!(producer.send_batch(&values(0, 8)), (8, Ok(())));
        assert_eq!((producer.len(), consumer.len(), producer.is_full()), (3, 3, false));
        assert_eq!(producer.send_batch(&values(8, 14)), (3, Err(SendError::Full)));
        assert!(producer.is_full() && !consumer.is_empty());
        assert_eq!(producer.send_batch(&[]), (0, Ok(())));

        let mut into = [value(0); 20];
        assert_eq!(consumer.recv_values(&mut []), Ok(0));
        // A part of the first slot; what is left of it and a part of the next; all the rest.
        for (from, to) in [(0, 2), (2, 4), (4, 11)] {
            let asked = if to == 11 { into.len() } else { (to - from) as usize };
            assert_eq!(consumer.recv_values(&mut into[..asked]), Ok((to - from) as usize));
            assert_eq!(into[..(to - from) as usize], values(from, to));
        }
        assert!(consumer.is_empty());
        assert_eq!(consumer.recv_values_by(&mut into, Duration::ZERO), Err(RecvError::TimedOut));
    });
}

#[test]
fn staged_values_go_with_the_batch_behind_them() {
    on_rings(|ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        producer.stage(&value(1)).expect("room");
        producer.stage(&value(2)).expect("room");
        assert!(consumer.is_empty(), "nothing is seen before it is published");
        assert_eq!(producer.send_batch(&values(3, 5)), (2, Ok(())));
        for slot in [values(1, 4), values(4, 5)] {
            let batch = consumer.try_recv_owned().expect("a slot");
            assert_eq!(batch.iter().map(|view| view.get()).collect::<Vec<_>>(), slot);
        }
        // In a full ring nothing of the batch is taken, and what was staged stays.
        while producer.try_send(&value(9)).is_ok() {}
        assert_eq!(producer.stage(&value(5)), Err(SendError::Full));
        assert_eq!(producer.send_batch(&values(6, 7)), (0, Err(SendError::Full)));
        consumer.try_recv().expect("one").release();
        producer.stage(&value(5)).expect("room");
        producer.discard_staged();
        producer.stage(&value(6)).expect("room");
        producer.publish().expect("sent");
        let mut into = [value(0); 8];
        assert_eq!(consumer.recv_values(&mut into), Ok(4));
        assert_eq!(into[..4], [9, 9, 9, 6].map(value));
    });
}

#[test]
fn values_are_seen_one_by_one_in_a_batch_and_come_again_from_any_of_them() {
    on_rings(|ring| {
        let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
        producer.send_batch(&values(0, 6)).1.expect("room");
        let mut batch = consumer.try_recv_batch(5).expect("values");
        for expected in values(0, 5) {
            let view = batch.next().expect("a value");
            assert_eq!((view.get(), view.deliveries()), (expected, 1));
            assert_eq!(view.sender(), Some(producer.participant()));
            let copy = Clone::clone(&view);
            assert_eq!(copy.position(), view.position());
        }
        assert_eq!(batch.given(), 5);
        assert!(batch.next().is_none());
        batch.hand_back_after(4);
        let message = consumer.try_recv().expect("it comes again");
        assert_eq!((message.get(), message.deliveries()), (value(4), 2));
        message.release();
        assert_eq!(consumer.try_recv().expect("the last").get(), value(5));
        assert!(consumer.is_empty());
    });
}

#[test]
fn claimed_room_is_waited_for_until_the_deadline() {
    let ring = Ring::<Value>::anonymous(&OPTIONS).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    while let Ok(mut claim) = producer.claim_by(Duration::ZERO) {
        claim.write(value(7));
        claim.publish().expect("room");
    }
    assert_eq!(producer.claim_by(Duration::ZERO).map(drop), Err(SendError::TimedOut));
    assert_eq!(consumer.recv_value(), Ok(value(7)));
    let mut claim = producer.claim_by(Duration::from_secs(60)).expect("room");
    claim.write(value(8));
    claim.publish().expect("room");
    let mut into = [value(0); 8];
    assert_eq!(consumer.recv_values(&mut into), Ok(4));
    assert_eq!(into[..4], [7, 7, 7, 8].map(value));
}

/// Somebody else fills the ring behind a producer that has staged: the batch is not sent, and what
/// was staged before it is.
#[test]
fn batch_that_finds_the_ring_full_is_taken_back_alone() {
    let ring = Ring::<Value>::anonymous(&OPTIONS).expect("a ring");
    let (mut producer, mut other) = (ring.producer().expect("place"), ring.producer().expect("place"));
    producer.stage(&value(1)).expect("room");
    while other.try_send(&value(2)).is_ok() {}
    assert_eq!(producer.send_batch(&values(3, 5)), (0, Err(SendError::Full)));
    let mut consumer = ring.consumer().expect("place");
    let mut into = [value(0); 8];
    assert_eq!(consumer.recv_values(&mut into), Ok(4));
    producer.publish().expect("room");
    assert_eq!(consumer.recv_values(&mut into), Ok(1));
    assert_eq!(into[0], value(1));
}
