//! Roles: one holder each, successors, deadlines.

use std::time::{Duration, Instant};

use ironring::{Deadline, Error, Options, RecvError, Role, SendError, State, spsc::Ring};

use crate::{
    both, ends, on_each_backing,
    support::{bytes, shared_memory},
};

#[test]
fn second_holder_is_told_who_the_first_is() {
    on_each_backing(&Options::bytes(4096), |ring: Ring<[u8]>| {
        let (producer, consumer) = both(&ring);
        for error in [ring.producer().map(drop), ring.consumer().map(drop)] {
            let error = error.expect_err("the role is taken");
            let pid = std::process::id();
            assert!(matches!(error, Error::Busy { holder, .. } if holder.pid == pid), "{error:?}");
            assert!(error.to_string().contains(&format!("by process {pid}, attached")), "{error}");
        }
        drop(producer);
        assert!(matches!(ring.consumer(), Err(Error::Busy { role: Role::Consumer, .. })));
        let producer = ring.producer().expect("the role is free");
        drop(consumer);
        assert!(matches!(ring.producer(), Err(Error::Busy { role: Role::Producer, .. })));
        ring.consumer().expect("the role is free");
        drop(producer);
    });
}

#[test]
fn role_is_one_also_for_those_who_opened_the_ring_elsewhere() {
    let dir = shared_memory();
    let name = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&name, &Options::bytes(4096)).expect("a ring");
    let same = Ring::<[u8]>::open(&name).expect("the same ring");
    let mut producer = ring.producer().expect("a producer");
    assert!(matches!(same.producer(), Err(Error::Busy { .. })));
    producer.try_send(b"across").expect("room");
    assert_eq!(same.consumer().expect("a consumer").try_recv().expect("it").to_vec(), b"across");
}

#[test]
fn presence_tells_what_became_of_the_last_holder() {
    on_each_backing(&Options::bytes(4096), |ring: Ring<[u8]>| {
        let state = || ring.presence(Role::Producer).expect("presence");
        assert_eq!((state().state, state().attachments), (State::Never, 0));
        for attached in 1..4 {
            let producer = ring.producer().expect("a producer");
            assert_eq!((state().state, state().attachments), (State::Attached, attached));
            assert_eq!(state().holder.pid, std::process::id());
            drop(producer);
            assert_eq!((state().state, state().attachments), (State::Detached, attached));
        }
        let consumer = ring.consumer().expect("a consumer");
        assert_eq!(consumer.producer().expect("presence").state, State::Detached);
        let producer = ring.producer().expect("a producer");
        assert_eq!(consumer.producer().expect("presence").state, State::Attached);
        assert_eq!(producer.consumer().expect("presence").state, State::Attached);
    });
}

#[test]
fn successors_go_on_where_their_predecessors_stopped() {
    on_each_backing(&Options::bytes(256), |ring: Ring<[u8]>| {
        for i in 0..200 {
            let mut producer = ring.producer().expect("a producer");
            producer.try_send(&bytes(i % 50, i as u64)).expect("room");
            producer.try_send(&bytes(i % 31, !i as u64)).expect("room");
            drop(producer);
            for expected in [bytes(i % 50, i as u64), bytes(i % 31, !i as u64)] {
                let mut consumer = ring.consumer().expect("a consumer");
                let message = consumer.try_recv().expect("a message");
                assert_eq!((message.to_vec(), message.is_redelivered()), (expected, false));
            }
        }
        assert!(ring.consumer().expect("a consumer").is_empty());
    });
}

#[test]
fn producer_learns_what_its_predecessor_last_published() {
    on_each_backing(&Options::bytes(256), |ring: Ring<[u8]>| {
        let mut consumer = ring.consumer().expect("a consumer");
        assert_eq!(ring.producer().expect("a producer").last_published(), None);
        for i in 0..100_u32 {
            let mut producer = ring.producer().expect("a producer");
            producer.set_tag(i).try_send(&bytes(i as usize % 60, 0)).expect("room");
            let published = producer.last_published().expect("the message just sent");
            producer.set_tag(!i).stage(b"not published").expect("room");
            drop(producer);
            assert_eq!(consumer.try_recv().expect("it").position(), published.position);
            assert_eq!(published.tag, i);
            let after = ring.producer().expect("a successor").last_published();
            assert_eq!(after, Some(published));
        }
    });
}

/// What is staged or claimed may lie where the last message's header lay.
#[test]
fn last_published_is_not_touched_by_what_is_written_over_the_message() {
    for before in 0..16 {
        for len in 0..=24 {
            let ring = Ring::<[u8]>::anonymous(&Options::bytes(64)).expect("a ring");
            let (mut producer, mut consumer) = both(&ring);
            for i in 0..=before {
                producer.set_tag(i).try_send(&bytes((i * 5 % 25) as usize, 0)).expect("room");
                consumer.try_recv().expect("it").release();
            }
            let published = producer.last_published().expect("a message");
            assert_eq!(published.tag, before);
            if let Ok(mut claim) = producer.claim(len) {
                claim.write_at(0, &vec![0x80; len]);
            }
            assert_eq!(producer.last_published(), Some(published), "{len} bytes claimed");
            producer.set_tag(99);
            while producer.stage(&vec![0x80; len]).is_ok() {}
            assert_eq!(producer.last_published(), Some(published), "{len} bytes staged");
            drop(producer);
            let successor = ring.producer().expect("a successor");
            assert_eq!(successor.last_published(), Some(published), "{len} bytes, to a successor");
        }
    }
}

#[test]
fn deadline_ends_a_wait_and_leaves_the_ring_as_it_was() {
    let time = Duration::from_millis(3);
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(64));
    let started = Instant::now();
    assert_eq!(consumer.recv_by(time).err(), Some(RecvError::TimedOut));
    assert_eq!(consumer.recv_into_by(&mut [0; 9], time).err(), Some(RecvError::TimedOut));
    assert_eq!(consumer.recv_batch_by(3, Deadline::after(time)).err(), Some(RecvError::TimedOut));
    assert!(started.elapsed() >= 3 * time);

    while producer.try_send(b"12345678").is_ok() {}
    let full = producer.len();
    let started = Instant::now();
    assert_eq!(producer.send_by(b"12345678", time), Err(SendError::TimedOut));
    assert_eq!(producer.claim_by(8, started + 2 * time).err(), Some(SendError::TimedOut));
    assert!(started.elapsed() >= 2 * time);
    assert_eq!((producer.len(), consumer.len()), (full, full));
    assert_eq!(producer.send_by(&[0; 99], time), Err(SendError::TooLong { len: 99, limit: 24 }));
}

#[test]
fn deadline_that_is_over_still_takes_what_is_there() {
    let (mut producer, mut consumer) = ends::<u64>(&Options::messages(2));
    producer.send_by(&1, Duration::ZERO).expect("room");
    assert_eq!(consumer.recv_by(Duration::ZERO).map(|message| message.get()), Ok(1));
}

#[test]
fn waiting_ends_when_the_other_side_acts() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(64));
    const MESSAGES: u64 = 20_000;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for i in 0..MESSAGES {
                producer.send(&bytes(i as usize % 25, i)).expect("sent");
            }
        });
        for i in 0..MESSAGES {
            assert_eq!(consumer.recv().expect("a message").to_vec(), bytes(i as usize % 25, i));
        }
    });
    assert!(consumer.is_empty());
}

#[test]
fn waiting_for_room_publishes_what_is_staged() {
    let (mut producer, mut consumer) = ends::<u64>(&Options::messages(1));
    producer.stage(&1).expect("room");
    assert_eq!(producer.send_by(&2, Duration::ZERO), Err(SendError::TimedOut));
    assert_eq!(consumer.recv_value(), Ok(1), "else both would wait for ever");
}
