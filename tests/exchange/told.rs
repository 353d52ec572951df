//! What a ring and its handles say of themselves.

use std::fmt::Debug;

use ironring::{
    Deadline, Delivery, Error, Options, Wait, WhenAlone,
    mpmc::{self, Ring},
    spsc,
};

use crate::support::shared_memory;

fn shown(value: &impl Debug, parts: &[&str]) {
    let text = format!("{value:?}");
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn handles_tell_what_they_are_and_what_is_in_the_ring() {
    let options = Options::messages(4).max_message(100).participants(3);
    let ring = Ring::<[u8]>::anonymous(&options).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    assert_ne!(producer.participant(), consumer.participant());
    assert_eq!((producer.capacity(), consumer.capacity()), (4, 4));
    assert_eq!((producer.max_message(), consumer.max_message()), (ring.max_message(), ring.max_message()));
    assert_eq!((producer.wait(), consumer.wait()), (Wait::default(), Wait::default()));
    producer.set_wait(Wait::Park).set_when_alone(WhenAlone::Wait);
    consumer.set_wait(Wait::Spin);
    assert_eq!((producer.wait(), consumer.wait()), (Wait::Park, Wait::Spin));

    assert!(producer.is_empty() && consumer.is_empty() && producer.last_published().is_none());
    producer.set_tag(3).send_by(b"one", Deadline::NEVER).expect("room");
    producer.set_tag(4).send(b"two").expect("room");
    let last = producer.last_published().expect("one");
    assert_eq!((last.position, last.tag), (1, 4));
    assert_eq!((producer.len(), consumer.len(), producer.is_empty()), (2, 2, false));

    let message = consumer.recv().expect("it");
    assert_eq!((message.len(), message.is_empty(), message.tag()), (3, false, 3));
    assert_eq!((message.sender(), message.deliveries()), (Some(producer.participant()), 1));
    drop(message);
    shown(&producer, &["Producer", "Tail", "participant", "count"]);
    shown(&consumer, &["Consumer", "Head", "cursor", "back"]);
    shown(&ring, &["Ring"]);

    assert!(!producer.is_closed() && !consumer.is_closed());
    consumer.close();
    assert!(producer.is_closed() && consumer.is_closed() && ring.is_closed());
    ring.reopen();
    producer.close();
    assert!(ring.is_closed() && producer.is_closed() && !producer.is_retired());
}

/// The end of producers is news to the first consumer that sees it, and to no later one.
#[test]
fn ends_of_producers_are_told_once() {
    let ring = Ring::<u64>::anonymous(&Options::messages(8).participants(4)).expect("a ring");
    let came = |ring: &Ring<u64>| -> u64 {
        ring.participants().expect("told").iter().map(|place| place.producers).sum()
    };
    drop(ring.producer().expect("place"));
    drop(ring.producer().expect("place"));
    let (mut first, second) = (ring.consumer().expect("place"), ring.consumer().expect("place"));
    assert_eq!((came(&ring), first.ended(), second.ended()), (2, 0, 0));
    first.acknowledge_end(2);
    assert_eq!((first.ended(), second.ended()), (2, 2), "whoever acknowledged it");
    drop((first, second));
    let third = ring.consumer().expect("place");
    assert_eq!((came(&ring), third.ended()), (2, 2));
    drop(ring.producer().expect("place"));
    assert!(came(&ring) > third.ended(), "another one is news");
}

#[test]
fn nobody_is_told_to_be_recovered_where_nobody_died() {
    let ring = Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    producer.send(&1).expect("room");
    assert_eq!(consumer.recv_value(), Ok(1));
    assert!(producer.take_recovered().is_empty() && consumer.take_recovered().is_empty());
    assert!(ring.recover().expect("looked").is_empty());
    let dir = shared_memory();
    let (exchange, stream) = (dir.path().join("exchange"), dir.path().join("stream"));
    let options = Options::messages(8);
    let _ring = Ring::<u64>::create(&exchange, &options).expect("a ring");
    assert!(mpmc::recover(&exchange).expect("looked").is_empty());
    let _stream = spsc::Ring::<u64>::create(&stream, &options).expect("a ring");
    let error = mpmc::recover(&stream).expect_err("whoever attaches to it recovers it");
    assert!(matches!(error, Error::Mismatch { field: "kind", .. }), "{error}");
}

#[test]
fn ring_that_is_opened_is_the_one_that_was_made() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let options = Options::messages(8).max_message(100).delivery(Delivery::AtMostOnce).type_tag(9);
    let made = Ring::<[u8]>::create(&path, &options).expect("a ring");
    let opened = Ring::<[u8]>::open_like(&path, &options).expect("the same");
    assert_eq!((opened.path(), opened.delivery()), (Some(path), Delivery::AtMostOnce));
    made.producer().expect("place").send(b"it").expect("room");
    assert_eq!(opened.consumer().expect("place").recv().expect("it").to_vec(), b"it");
}

/// References into the ring, for who trusts all that have it.
#[test]
fn trusting_handles_write_and_read_in_place() {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(4).max_message(64)).expect("a ring");
    // SAFETY: all participants are this test's, which writes no message that was sent.
    let mut producer = unsafe { ring.producer().expect("place").trust_peers() };
    // SAFETY: as above.
    let mut consumer = unsafe { ring.consumer().expect("place").trust_peers() };
    let mut claim = producer.claim(5).expect("room");
    claim.copy_from_slice(b"hello");
    assert_eq!((&claim[..], claim.len(), claim.is_empty()), (&b"hello"[..], 5, false));
    claim.publish().expect("room");
    producer.send_batch(["", "again"]).1.expect("room");
    assert_eq!(&*consumer.recv().expect("it"), b"hello");
    let mut batch = consumer.recv_batch(2).expect("them");
    let view = batch.next().expect("a message");
    assert_eq!((&*view, view.is_empty()), (&b""[..], true));
    assert_eq!(&*batch.next().expect("a message"), b"again");
}
