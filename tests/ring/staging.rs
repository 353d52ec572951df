//! Staged messages and claims: seen when published, all at once, and undone when
//! dropped.

use ironring::{Options, RecvError, SendError, spsc::Ring};

use crate::{
    both, ends,
    offsets::{advance_to, offsets},
    on_each_backing,
    support::{bytes, layout::frame_len},
};

#[test]
fn staged_messages_are_seen_when_published_all_at_once() {
    on_each_backing(&Options::bytes(256), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        // At every offset: the frame kept back is then a message's, or a padding's.
        for offset in offsets(&producer) {
            advance_to(offset, &mut producer, &mut consumer);
            for (i, len) in [30, 0, 17].into_iter().enumerate() {
                producer.set_tag(i as u32).stage(&bytes(len, offset)).expect("room");
                assert!(consumer.is_empty(), "staged at {offset}");
                assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
                assert_eq!(producer.len(), 0);
            }
            producer.publish().expect("published");
            for (i, len) in [30, 0, 17].into_iter().enumerate() {
                let message = consumer.try_recv().expect("a published message");
                assert_eq!((message.tag(), message.to_vec()), (i as u32, bytes(len, offset)));
            }
            assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
        }
    });
}

#[test]
fn sending_publishes_what_was_staged_before() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(256));
    producer.stage(b"first").expect("room");
    producer.try_send(b"second").expect("room");
    for expected in [b"first".to_vec(), b"second".to_vec()] {
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), expected);
    }
}

#[test]
fn full_keeps_what_is_staged() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(64));
    producer.stage(&bytes(20, 1)).expect("room");
    assert_eq!(producer.try_send(&bytes(24, 2)), Err(SendError::Full));
    assert!(consumer.is_empty());
    producer.publish().expect("published");
    assert_eq!(consumer.try_recv().expect("a message").to_vec(), bytes(20, 1));
    assert!(consumer.is_empty());
}

#[test]
fn discarded_messages_never_were() {
    on_each_backing(&Options::bytes(128), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        for offset in offsets(&producer) {
            advance_to(offset, &mut producer, &mut consumer);
            let before = producer.last_published();
            producer.stage(&bytes(24, 1)).expect("room");
            producer.stage(&bytes(3, 2)).expect("room");
            producer.discard_staged();
            producer.publish().expect("published");
            assert!(consumer.is_empty() && producer.is_empty());
            assert_eq!(producer.last_published(), before);
            producer.try_send(&bytes(24, 3)).expect("room");
            assert_eq!(consumer.try_recv().expect("it").to_vec(), bytes(24, 3));
            assert!(consumer.is_empty());
        }
    });
}

#[test]
fn dropped_producer_takes_its_staged_messages_along() {
    on_each_backing(&Options::bytes(128), |ring: Ring<[u8]>| {
        let mut consumer = ring.consumer().expect("a consumer");
        let mut producer = ring.producer().expect("a producer");
        producer.try_send(b"published").expect("room");
        producer.stage(b"staged").expect("room");
        drop(producer);
        let mut producer = ring.producer().expect("a successor");
        producer.publish().expect("published");
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), b"published");
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    });
}

#[test]
fn dropped_claim_never_was() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(128));
    for offset in offsets(&producer) {
        advance_to(offset, &mut producer, &mut consumer);
        let mut claim = producer.claim(40).expect("room");
        claim.write_at(0, &[0xff; 40]);
        drop(claim);
        producer.publish().expect("published");
        assert!(consumer.is_empty() && producer.is_empty());
        producer.try_send(b"after").expect("room");
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), b"after");
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    }
}

#[test]
fn claim_is_written_in_pieces_shrunk_and_published() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(256));
    for len in 0..=100 {
        for shrunk in [0, 1, 7, 8, 9, 99, 200] {
            let mut claim = producer.claim(len).expect("room");
            assert_eq!((claim.len(), claim.is_empty()), (len, len == 0));
            claim.write_at(0, &bytes(len, 5)[..len / 2]);
            claim.write_at(len / 2, &bytes(len, 5)[len / 2..]);
            claim.shrink(shrunk);
            let left = len.min(shrunk);
            assert_eq!(claim.len(), left);
            claim.publish().expect("published");
            assert_eq!(consumer.len() % 256, producer.len() % 256);
            assert_eq!(consumer.try_recv().expect("it").to_vec(), bytes(len, 5)[..left]);
            assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty), "{len} shrunk to {left}");
        }
    }
}

#[test]
fn shrunk_claim_gives_its_room_back() {
    let (mut producer, consumer) = ends::<[u8]>(&Options::bytes(128));
    let mut claim = producer.claim(50).expect("room");
    claim.shrink(3);
    claim.publish().expect("published");
    assert_eq!(consumer.len(), frame_len(3));
}

#[test]
#[should_panic(expected = "do not fit a claim of 4")]
fn writing_beyond_a_claim_panics() {
    let (mut producer, _consumer) = ends::<[u8]>(&Options::bytes(64));
    producer.claim(4).expect("room").write_at(2, b"abc");
}

#[test]
fn claims_read_from_and_messages_write_to_descriptors() {
    let (mut producer, mut consumer) = ends::<[u8]>(&Options::bytes(256));
    let dir = crate::support::shared_memory();
    std::fs::write(dir.path().join("in"), b"through descriptors").expect("a file");
    let source = std::fs::File::open(dir.path().join("in")).expect("it");
    let mut claim = producer.claim(100).expect("room");
    assert_eq!(claim.read_from(&source, 0).expect("bytes"), 19);
    claim.shrink(19);
    claim.publish().expect("published");
    let sink = std::fs::File::create(dir.path().join("out")).expect("a file");
    let message = consumer.try_recv().expect("a message");
    assert_eq!(message.view().write_to(&sink, 8).expect("written"), 11);
    assert_eq!(std::fs::read(dir.path().join("out")).expect("it"), b"descriptors");
}

#[test]
fn batch_is_published_as_far_as_there_is_room() {
    on_each_backing(&Options::bytes(64), |ring| {
        let (mut producer, mut consumer) = both::<[u8]>(&ring);
        let messages = ["one", "two", "three", "four", "five"];
        // Frames of 16 bytes: three and an empty header.
        assert_eq!(producer.send_batch(messages), (3, Err(SendError::Full)));
        for expected in &messages[..3] {
            assert_eq!(consumer.try_recv().expect("a message").to_vec(), expected.as_bytes());
        }
        assert!(consumer.is_empty());
        let (sent, why) = producer.send_batch([&b"short"[..], &[0; 25], b"never"]);
        assert_eq!((sent, why), (1, Err(SendError::TooLong { len: 25, limit: 24 })));
        assert_eq!(consumer.try_recv().expect("a message").to_vec(), b"short");
        assert_eq!(producer.send_batch([&b""[..]; 0]), (0, Ok(())));
        assert!(consumer.is_empty());
    });
}
