//! Exchange rings that are whole.

use ironring::{Delivery, Options, SendError, fsck, mpmc::Ring};

use super::{
    ring::{AT_HEAD, AT_TAIL, Fixture, entry, turn_and_slot},
    support::shared_memory,
};

#[test]
fn ring_is_whole_at_every_fill_and_lap() {
    let fixture = Fixture::new(Delivery::AtLeastOnce);
    fixture.must_be_whole("new");
    for round in 0..20 {
        let count = round % 5;
        fixture.send(count);
        fixture.must_be_whole("filled");
        fixture.receive(count.min(3));
        fixture.must_be_whole("partly emptied");
        fixture.receive(count - count.min(3));
        fixture.must_be_whole("emptied");
    }
}

#[test]
fn ring_is_whole_while_messages_are_held_and_displaced() {
    for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
        let fixture = Fixture::new(delivery);
        let mut producer = fixture.ring.producer().expect("place");
        let mut consumer = fixture.ring.consumer().expect("place");
        for round in 0..10 {
            for n in 0..7 {
                producer.force_send(&[n; 9]).expect("sent");
            }
            fixture.must_be_whole("displaced");
            let mut batch = consumer.try_recv_batch(2).expect("messages");
            while batch.next().is_some() {
                fixture.must_be_whole("held");
            }
            if round % 2 == 0 {
                batch.hand_back();
                fixture.must_be_whole("handed back");
            }
        }
        let report = fixture.check();
        assert_eq!(report.notes().len(), 2, "{report}");
        for (note, role) in report.notes().iter().zip(["producer", "consumer"]) {
            let process = std::process::id().to_string();
            assert!(note.contains(role) && note.contains(&process) && note.contains("is attached"), "{note}");
        }
    }
}

#[test]
fn batches_and_values_are_whole() {
    let dir = shared_memory();
    let path = dir.path().join("typed");
    let ring = Ring::<[u32; 3]>::create(&path, &Options::messages(2).batch(5)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    assert_eq!(producer.send_batch(&[[1, 2, 3]; 5]).0, 5);
    let report = fsck::check(&path).expect("a ring");
    assert!(report.is_whole(), "{report}");
    let mut batch = consumer.recv_batch(2).expect("messages");
    while batch.next().is_some() {}
    drop(batch);
    let report = fsck::check(&path).expect("a ring");
    assert!(report.is_whole(), "{report}");
    drop((producer, consumer));

    let path = dir.path().join("bytes");
    let ring = Ring::<[u8]>::create(&path, &Options::messages(2).max_message(100)).expect("a ring");
    assert_eq!(ring.producer().expect("place").send_batch(["", "a", "", "bc"]).0, 4);
    let report = fsck::check(&path).expect("a ring");
    assert!(report.is_whole() && report.notes().is_empty(), "{report}");
}

/// Turns have sixty bits in this ring, and two of them are a lap of four.
#[test]
fn ring_is_whole_where_the_turns_come_round() {
    let fixture = Fixture::new(Delivery::AtLeastOnce);
    let last_lap = (1_u64 << 59) - 1;
    for index in 0..4 {
        let slot = fixture.get(entry(index));
        fixture.set(entry(index), turn_and_slot(2 * last_lap, slot));
    }
    let first = 4 * last_lap;
    for hint in [AT_TAIL, AT_HEAD] {
        fixture.set(hint, first);
    }
    fixture.must_be_whole("before");
    let mut producer = fixture.ring.producer().expect("place");
    let mut consumer = fixture.ring.consumer().expect("place");
    for n in 0..4 {
        producer.try_send(&[n]).expect("room");
    }
    for n in 0..16 {
        assert_eq!(producer.try_send(b"more"), Err(SendError::Full));
        let displaced = producer.force_send(&[2 * n + 4]).expect("the place of the oldest");
        assert_eq!(displaced.map(|displaced| displaced.position), Some(first + 2 * u64::from(n)));
        let message = consumer.try_recv().expect("a message");
        assert_eq!((message.to_vec(), message.position()), (vec![2 * n + 1], first + 2 * u64::from(n) + 1));
        drop(message);
        fixture.must_be_whole("when a message was displaced, and one received");
        producer.try_send(&[2 * n + 5]).expect("room");
    }
}
