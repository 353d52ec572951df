//! Releasing, handing back, and copying out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ironring::{Delivery, Options, RecvError};

use crate::{both, ends, on_each_backing, support::bytes};

#[test]
fn message_handed_back_comes_again_marked_until_it_is_released() {
    on_each_backing(&Options::bytes(128), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        for i in 0..50 {
            producer.set_tag(i).try_send(&bytes(21, i.into())).expect("room");
            producer.set_tag(!i).try_send(b"next").expect("room");
            for time in 0..3 {
                let message = consumer.try_recv().expect("a message");
                assert_eq!((message.is_redelivered(), message.tag()), (time > 0, i));
                assert_eq!(message.to_vec(), bytes(21, i.into()));
                message.hand_back();
            }
            consumer.try_recv().expect("a message").release();
            let next = consumer.try_recv().expect("the next");
            assert_eq!((next.is_redelivered(), next.tag()), (false, !i));
        }
    });
}

#[test]
fn room_is_given_back_by_release_and_not_by_receipt_or_handing_back() {
    let (mut producer, mut consumer) = ends::<u64>(&Options::messages(1));
    producer.try_send(&1).expect("room");
    let message = consumer.try_recv().expect("a message");
    assert!(producer.try_send(&2).is_err(), "received, not released");
    message.hand_back();
    assert!(producer.try_send(&2).is_err(), "handed back");
    consumer.try_recv().expect("a message").release();
    producer.try_send(&2).expect("released");
}

#[test]
fn message_dropped_by_a_panic_comes_again() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(128));
    producer.try_send(b"poison?").expect("room");
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let message = consumer.try_recv().expect("a message");
        assert_eq!(message.to_vec(), b"this panics");
    }));
    assert!(panicked.is_err());
    let message = consumer.try_recv().expect("it again");
    assert!(message.is_redelivered());
    assert_eq!(message.to_vec(), b"poison?");
}

#[test]
fn batch_dropped_by_a_panic_comes_again_as_a_whole() {
    let (mut producer, mut consumer) = ends::<u64>(&Options::messages(8));
    assert_eq!(producer.send_batch(&[1, 2, 3]), (3, Ok(())));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut batch = consumer.try_recv_batch(8).expect("a batch");
        while let Some(message) = batch.next() {
            assert_ne!(message.get(), 2, "the second panics");
        }
    }));
    assert!(panicked.is_err());
    let mut batch = consumer.try_recv_batch(8).expect("a batch");
    let mut got = Vec::new();
    while let Some(message) = batch.next() {
        got.push((message.get(), message.is_redelivered()));
    }
    assert_eq!(got, [(1, true), (2, true), (3, false)]);
}

#[test]
fn batch_handed_back_comes_again_as_a_whole() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(256));
    assert_eq!(producer.send_batch(["a", "b", "c"]), (3, Ok(())));
    let mut batch = consumer.try_recv_batch(2).expect("a batch");
    assert_eq!(batch.next().expect("the first").to_vec(), b"a");
    assert_eq!(batch.next().expect("the second").to_vec(), b"b");
    assert!(batch.next().is_none(), "two were asked for");
    batch.hand_back();
    for (expected, redelivered) in [(b"a", true), (b"b", true), (b"c", false)] {
        let message = consumer.try_recv().expect("a message");
        assert_eq!((message.to_vec(), message.is_redelivered()), (expected.to_vec(), redelivered));
    }
}

#[test]
fn batch_handed_back_in_part_releases_what_was_done_with() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(256));
    assert_eq!(producer.send_batch(["a", "b", "c"]), (3, Ok(())));
    let before = consumer.len();
    let mut batch = consumer.try_recv_batch(3).expect("a batch");
    while batch.next().is_some() {}
    batch.hand_back_after(1);
    assert_eq!(consumer.len(), before * 2 / 3, "the first is released");
    assert_eq!(consumer.try_recv().expect("the second").to_vec(), b"b");
    let mut batch = consumer.try_recv_batch(3).expect("a batch");
    assert!(batch.next().is_some());
    batch.hand_back_after(1);
    assert_eq!(consumer.len(), 0);
}

#[test]
fn batch_releases_what_it_gave_and_no_more() {
    let (mut producer, mut consumer) = ends::<u64>(&Options::messages(8));
    assert_eq!(producer.send_batch(&[1, 2, 3]), (3, Ok(())));
    drop(consumer.try_recv_batch(8).expect("a batch of which nothing is taken"));
    assert_eq!(consumer.len(), 3);
    let mut batch = consumer.try_recv_batch(8).expect("a batch");
    assert_eq!(batch.next().expect("the first").get(), 1);
    drop(batch);
    assert_eq!(consumer.len(), 2);
    assert!(consumer.try_recv_batch(0).expect("a batch of none").next().is_none());
    assert_eq!(consumer.recv_value(), Ok(2));
}

#[test]
fn at_most_once_releases_what_is_handed_back() {
    let options = Options::bytes(128).delivery(Delivery::AtMostOnce);
    let (mut producer, mut consumer) = ends::<[u8]>(&options);
    producer.try_send(b"once").expect("room");
    producer.try_send(b"next").expect("room");
    consumer.try_recv().expect("a message").hand_back();
    let message = consumer.try_recv().expect("the next");
    assert_eq!((message.to_vec(), message.is_redelivered()), (b"next".to_vec(), false));
}

#[test]
fn unreleased_messages_come_again_to_a_successor_or_not_as_chosen() {
    for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
        on_each_backing(&Options::bytes(128).delivery(delivery), |ring| {
            assert_eq!(ring.delivery(), delivery);
            let (mut producer, mut consumer) = both::<[u8]>(&ring);
            assert_eq!(producer.send_batch(["released", "held", "waiting"]), (3, Ok(())));
            consumer.try_recv().expect("a message").release();
            // As if the consumer had died while it held it.
            std::mem::forget(consumer.try_recv().expect("a message"));
            drop(consumer);
            let mut consumer = ring.consumer().expect("a successor");
            let mut next = || {
                let message = consumer.try_recv().ok()?;
                Some((message.to_vec(), message.is_redelivered()))
            };
            if delivery == Delivery::AtLeastOnce {
                assert_eq!(next(), Some((b"held".to_vec(), true)));
            }
            assert_eq!(next(), Some((b"waiting".to_vec(), false)));
            assert_eq!(next(), None);
        });
    }
}

#[test]
fn buffer_too_short_leaves_the_message_unreceived() {
    on_each_backing(&Options::bytes(128), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        producer.try_send(b"eleven byte").expect("room");
        let mut buf = [0xaa; 10];
        let error = consumer.recv_into(&mut buf).expect_err("too short");
        assert_eq!(error, RecvError::BufferTooShort { len: 11, room: 10 });
        assert_eq!(buf, [0xaa; 10]);
        let mut buf = [0xaa; 13];
        assert_eq!(consumer.recv_into(&mut buf), Ok(11));
        assert_eq!(&buf, b"eleven byte\xaa\xaa");
        assert!(consumer.is_empty() && producer.is_empty(), "released when recv_into returns");

        producer.try_send(b"again").expect("room");
        assert!(consumer.recv_into(&mut []).is_err());
        assert!(!consumer.try_recv().expect("it").is_redelivered(), "it was never received");
    });
}

#[test]
fn copies_stop_at_the_shorter_of_buffer_and_message() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(256));
    for len in 0..40 {
        for room in 0..45 {
            producer.try_send(&bytes(len, 3)).expect("room");
            let message = consumer.try_recv().expect("a message");
            let mut buf = vec![0xaa; room];
            let copied = message.copy_to(&mut buf);
            assert_eq!(copied, len.min(room));
            assert_eq!(buf[..copied], bytes(len, 3)[..copied]);
            assert!(buf[copied..].iter().all(|byte| *byte == 0xaa));
        }
    }
}
