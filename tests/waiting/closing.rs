//! Closing, and opening again.

use ironring::{Options, RecvError, Ring, SendError};
use ironring_testkit::{Args, roles::RoleFn};

use crate::{
    peer::{ALL_WAITS, Kind, Waiting, given, peer, receiver, ring, sender, until, until_asleep},
    support::shared_memory,
};

pub(crate) fn roles<A: Kind>() -> Vec<(&'static str, RoleFn)> {
    vec![("drain", drain::<A>), ("fill", fill::<A>)]
}

pub(crate) fn tests<A: Kind>() -> Vec<(&'static str, fn())> {
    vec![
        ("what_was_sent_before_a_close_is_received", what_was_sent_is_received::<A>),
        ("nothing_is_sent_in_a_closed_ring", nothing_is_sent::<A>),
        ("a_close_wakes_a_receiver", a_close_wakes_a_receiver::<A>),
        ("a_close_wakes_a_sender", a_close_wakes_a_sender::<A>),
        ("a_named_ring_stays_closed_until_it_is_opened_again", a_named_ring_stays_closed::<A>),
        ("handles_from_before_a_close_stay_out", handles_from_before_stay_out::<A>),
        ("a_removal_wakes_a_receiver", a_removal_wakes_a_receiver::<A>),
    ]
}

fn what_was_sent_is_received<A: Kind>() {
    for by_consumer in [false, true] {
        let ring = ring::<A>(4);
        let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
        assert_eq!(producer.send_batch(&[1, 2, 3]), (3, Ok(())));
        if by_consumer {
            consumer.close()
        } else {
            producer.close()
        }
        assert!(ring.is_closed() && producer.is_closed() && consumer.is_closed());
        assert_eq!(consumer.recv_value(), Ok(1));
        assert_eq!(consumer.try_recv().map(|message| message.get()), Ok(2));
        assert_eq!(consumer.recv_value_by(std::time::Duration::ZERO), Ok(3));
        assert_eq!(consumer.try_recv().map(drop), Err(RecvError::Disconnected));
        assert_eq!(consumer.recv_value(), Err(RecvError::Disconnected));
        assert_eq!(consumer.try_recv_batch(2).map(drop), Err(RecvError::Disconnected));
    }
}

fn nothing_is_sent<A: Kind>() {
    let ring = ring::<A>(4);
    let (mut producer, consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    producer.stage(&1).expect("room");
    consumer.close();
    assert_eq!(producer.publish(), Err(SendError::Disconnected), "staged before");
    assert_eq!(producer.try_send(&2), Err(SendError::Disconnected));
    assert_eq!(producer.send(&2), Err(SendError::Disconnected));
    assert_eq!(producer.stage(&2), Err(SendError::Disconnected));
    assert_eq!(producer.send_batch(&[2, 3]), (0, Err(SendError::Disconnected)));
    drop(producer);
    let mut late = ring.producer().expect("a place is given in a closed ring, too");
    assert_eq!(late.try_send(&4), Err(SendError::Disconnected));
    assert!(consumer.is_empty());
}

/// Receives until the end.
fn drain<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut consumer = receiver(&ring, wait);
    let end = loop {
        match consumer.recv_value() {
            Ok(_) => ledger.add(0, 1),
            Err(end) => break end,
        };
    };
    assert_eq!(end, if ring.is_retired() { RecvError::Retired } else { RecvError::Disconnected });
}

fn a_close_wakes_a_receiver<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(4);
        let mut producer = sender(&ring, wait);
        let (mut child, ledger) = peer("drain", &[&ring], wait);
        producer.send(&1).expect("room");
        until(&mut child, "received", || ledger.get(0) == 1);
        if ALL_WAITS[0] != wait {
            until_asleep(&mut child, &ring, Waiting::ForMessage);
        }
        ring.close();
        assert!(child.wait().success(), "{wait:?}");
    }
}

/// Sends until the end.
fn fill<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut producer = sender(&ring, wait);
    let end = loop {
        match producer.send(&1) {
            Ok(()) => ledger.add(0, 1),
            Err(end) => break end,
        };
    };
    assert_eq!(end, SendError::Disconnected);
}

fn a_close_wakes_a_sender<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(4);
        let mut consumer = receiver(&ring, wait);
        let (mut child, ledger) = peer("fill", &[&ring], wait);
        until(&mut child, "full", || ledger.get(0) == 4);
        if ALL_WAITS[0] != wait {
            until_asleep(&mut child, &ring, Waiting::ForRoom);
        }
        consumer.close();
        assert!(child.wait().success(), "{wait:?}");
        assert_eq!((0..4).map(|_| consumer.recv_value()).collect::<Vec<_>>(), [Ok(1); 4]);
        assert_eq!(consumer.recv_value(), Err(RecvError::Disconnected));
        assert_eq!(ledger.get(0), 4, "what was acknowledged");
    }
}

fn a_named_ring_stays_closed<A: Kind>() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<u64, A>::create(&path, &Options::messages(4)).expect("a ring");
    ring.producer().expect("it").send(&1).expect("room");
    ring.close();
    ring.close();
    drop(ring);

    let ring = Ring::<u64, A>::open(&path).expect("a ring that can be opened");
    assert!(ring.is_closed());
    assert_eq!(ring.producer().expect("it").send(&2), Err(SendError::Disconnected));
    ring.reopen();
    ring.reopen();
    assert!(!ring.is_closed());
    ring.producer().expect("it").send(&3).expect("room");
    let mut consumer = ring.consumer().expect("it");
    assert_eq!((consumer.recv_value(), consumer.recv_value()), (Ok(1), Ok(3)));
    assert_eq!(consumer.try_recv().map(drop), Err(RecvError::Empty));
}

fn handles_from_before_stay_out<A: Kind>() {
    let ring = ring::<A>(4);
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    producer.send(&1).expect("room");
    ring.close();
    ring.reopen();
    assert!(producer.is_closed() && consumer.is_closed() && !ring.is_closed());
    assert_eq!(producer.send(&2), Err(SendError::Disconnected));
    assert_eq!(consumer.recv_value(), Ok(1));
    assert_eq!(consumer.recv_value(), Err(RecvError::Disconnected));
    drop((producer, consumer));
    assert!(ring.producer().expect("it").send(&2).is_ok());
    assert_eq!(ring.consumer().expect("it").recv_value(), Ok(2));
}

fn a_removal_wakes_a_receiver<A: Kind>() {
    for wait in ALL_WAITS {
        let dir = shared_memory();
        let path = dir.path().join("ring");
        let ring = Ring::<u64, A>::create(&path, &Options::messages(4)).expect("a ring");
        let mut producer = sender(&ring, wait);
        let (mut child, ledger) = peer("drain", &[&ring], wait);
        producer.send(&1).expect("room");
        until(&mut child, "received", || ledger.get(0) == 1);
        ironring::remove(&path).expect("it is there");
        assert!(child.wait().success(), "{wait:?}");
    }
}
