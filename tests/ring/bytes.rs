//! Byte messages: order, contents, tags, positions, wrapping, limits.

use ironring::{Options, RecvError, SendError};

use crate::{
    both, ends,
    offsets::{advance_to, offsets},
    on_each_backing,
    support::{
        bytes,
        layout::{WORD, frame_len, padding},
    },
};

#[test]
fn messages_come_in_order_with_their_bytes_tags_and_positions() {
    on_each_backing(&Options::bytes(4096), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        let mut expected = std::collections::VecDeque::new();
        let mut next_position = 0;
        for i in 0..10_000_u64 {
            let message = bytes((i * 37 % 500) as usize, i);
            while producer.set_tag(i as u32).try_send(&message) == Err(SendError::Full) {
                let (tag, position, sent) = expected.pop_front().expect("a full ring has messages");
                let received = consumer.try_recv().expect("a message");
                assert_eq!((received.tag(), received.position(), received.to_vec()), (tag, position, sent));
            }
            next_position += padding(next_position, message.len(), 4096);
            expected.push_back((i as u32, next_position, message.clone()));
            next_position += frame_len(message.len());
        }
        for (tag, position, sent) in expected {
            let received = consumer.try_recv().expect("a message");
            assert_eq!((received.tag(), received.position(), received.to_vec()), (tag, position, sent));
        }
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    });
}

#[test]
fn every_length_up_to_the_limit_goes_through() {
    on_each_backing(&Options::bytes(4096), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        assert_eq!(ring.max_message(), 4096 / 2 - WORD as usize);
        for len in 0..=ring.max_message() {
            let message = bytes(len, len as u64);
            producer.try_send(&message).expect("room in an empty ring");
            let received = consumer.try_recv().expect("a message");
            assert_eq!((received.len(), received.is_empty(), received.to_vec()), (len, len == 0, message));
        }
    });
}

#[test]
fn every_length_fits_an_empty_ring_at_every_offset() {
    for capacity in [64, 128, 256] {
        let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(capacity));
        for len in 0..=producer.max_message() {
            for offset in offsets(&producer) {
                advance_to(offset, &mut producer, &mut consumer);
                let message = bytes(len, offset);
                producer.try_send(&message).unwrap_or_else(|e| panic!("{len} bytes at {offset}: {e}"));
                let used = padding(offset, len, capacity) + frame_len(len);
                assert_eq!((producer.len(), consumer.len()), (used, used), "{len} bytes at {offset}");
                let received = consumer.try_recv().expect("a message");
                let starts = (offset + padding(offset, len, capacity)) % capacity;
                assert_eq!(received.position() % capacity, starts, "{len} bytes at {offset}");
                assert_eq!(received.to_vec(), message, "{len} bytes at {offset}");
                drop(received);
                assert!(consumer.is_empty() && producer.is_empty());
            }
        }
    }
}

#[test]
fn full_ring_keeps_what_it_has_and_takes_the_message_later() {
    on_each_backing(&Options::bytes(256), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        // Every offset of the ring's front, so that every way to be full is met.
        for start in offsets(&producer) {
            advance_to(start, &mut producer, &mut consumer);
            let mut sent = 0;
            while producer.try_send(&bytes(20, sent)).is_ok() {
                sent += 1;
            }
            let full = (producer.len(), consumer.len());
            assert_eq!(producer.try_send(&bytes(20, sent)), Err(SendError::Full));
            assert_eq!((producer.len(), consumer.len()), full, "a refused message changes nothing");
            for i in 0..sent {
                assert_eq!(consumer.try_recv().expect("a message").to_vec(), bytes(20, i));
            }
            assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
            producer.try_send(&bytes(20, sent)).expect("room by now");
            assert_eq!(consumer.try_recv().expect("it").to_vec(), bytes(20, sent));
        }
    });
}

#[test]
fn full_says_the_same_as_sending_an_empty_message() {
    for capacity in [64, 128, 256] {
        for step in 0..40 {
            let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(capacity));
            loop {
                let full = producer.is_full();
                let sent = producer.try_send(b"");
                assert_eq!(full, sent == Err(SendError::Full), "{sent:?} at {}", producer.len());
                if full {
                    break;
                }
                let _ = producer.try_send(&bytes(step, 0));
            }
            assert_eq!(producer.len(), consumer.len());
            consumer.try_recv().expect("a message").release();
            assert!(!producer.is_full());
        }
    }
}

#[test]
fn too_long_names_the_limit_and_leaves_the_ring_as_it_was() {
    on_each_backing(&Options::bytes(4096), |ring| {
        let (mut producer, consumer) = both::<[u8]>(&ring);
        let limit = ring.max_message();
        let error = producer.try_send(&vec![0; limit + 1]).expect_err("too long");
        assert_eq!(error, SendError::TooLong { len: limit + 1, limit });
        assert_eq!(error.to_string(), "a message of 2041 bytes is too long: this ring takes up to 2040");
        assert!(matches!(producer.claim(limit + 1).err(), Some(SendError::TooLong { .. })));
        assert!(consumer.is_empty() && producer.is_empty());
    });
    let (mut producer, _consumer) = ends::<[u8]>(&Options::bytes(4096).max_message(100));
    assert_eq!(producer.max_message(), 100);
    assert_eq!(producer.try_send(&[0; 101]), Err(SendError::TooLong { len: 101, limit: 100 }));
    producer.try_send(&[0; 100]).expect("at the limit");
}

#[test]
fn empty_message_differs_from_no_message() {
    on_each_backing(&Options::bytes(64), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        assert!(consumer.is_empty());
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
        producer.try_send(b"").expect("room");
        assert!(!consumer.is_empty() && !producer.is_empty());
        let received = consumer.try_recv().expect("a message");
        assert!(received.is_empty() && received.to_vec().is_empty());
        received.release();
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    });
}

#[test]
fn capacity_is_the_next_power_of_two_and_at_least_64() {
    for (asked, capacity) in [(1, 64), (64, 64), (65, 128), (4096, 4096), (5000, 8192)] {
        let (producer, consumer) = ends::<[u8]>(&Options::bytes(asked));
        assert_eq!((producer.capacity(), consumer.capacity()), (capacity, capacity), "{asked} bytes");
    }
}

#[test]
fn as_many_messages_as_asked_for_fit_at_every_offset() {
    for (messages, len) in [(1, 0), (1, 100), (3, 56), (7, 13), (64, 8)] {
        let options = Options::messages(messages).max_message(len);
        let (mut producer, mut consumer) = ends::<[u8]>(&options);
        for offset in offsets(&producer) {
            advance_to(offset, &mut producer, &mut consumer);
            for i in 0..messages {
                let sent = producer.try_send(&bytes(len as usize, i));
                assert_eq!(sent, Ok(()), "message {i} of {messages} with {len} bytes at {offset}");
            }
            for i in 0..messages {
                assert_eq!(consumer.try_recv().expect("a message").to_vec(), bytes(len as usize, i));
            }
        }
    }
}

#[test]
fn messages_are_written_and_read_in_place_by_those_who_trust() {
    let (producer, consumer) = ends::<[u8]>(&Options::bytes(64));
    // SAFETY: the ring is this test's own.
    let mut producer = unsafe { producer.trust_peers() };
    // SAFETY: as above.
    let mut consumer = unsafe { consumer.trust_peers() };
    for i in 0..100_u8 {
        let mut claim = producer.claim(13).expect("room");
        claim.fill(i);
        assert_eq!(claim[12], i);
        claim.publish().expect("published");
        assert_eq!(*consumer.try_recv().expect("a message"), [i; 13]);
    }
}
