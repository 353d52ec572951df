//! SPSC rings.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ironring::{Options, SendError, spsc::Ring};

use crate::{
    Tick, follow, line_of_frame, line_of_value, message, numbered, read_beside, read_now, refusal,
    refuses_each_field,
    support::{
        layout::{frame_len, padding},
        raw::Raw,
        shared_memory,
    },
    tick,
};

#[test]
fn what_waits_in_a_byte_ring_is_decoded_wherever_it_lies() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(256).checksums(true)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    assert!(read_now(&path).is_empty());
    let (mut next, mut paddings) = (0, 0);
    for i in 0..40 {
        let (sent, tag) = message(i);
        let mut expected = Vec::new();
        for (sent, tag) in [(sent, tag), (Vec::new(), !tag), (vec![0xff; 3], 0)] {
            producer.set_tag(tag).try_send(&sent).expect("room");
            let skipped = padding(next, sent.len(), 256);
            paddings += u32::from(skipped > 0);
            expected.push(line_of_frame(next + skipped, tag, &sent));
            next += skipped + frame_len(sent.len());
        }
        producer.stage(b"not to be seen").expect("room");
        assert_eq!(read_now(&path), expected);
        producer.discard_staged();
        for _ in 0..3 {
            consumer.try_recv().expect("it").release();
        }
    }
    println!("120 messages in {} laps with {paddings} paddings", next / 256);
    assert!(paddings > 3);
}

#[test]
fn what_waits_in_a_typed_ring_is_decoded_wherever_it_lies() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<Tick>::create(&path, &Options::messages(4).checksums(true)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    let mut sent = 0;
    for messages in [0, 1, 4, 3, 2, 4, 4, 1, 3] {
        let round = sent..sent + messages;
        sent = round.end;
        for i in round.clone() {
            producer.try_send(&tick(i)).expect("room");
        }
        producer.stage(&tick(99)).unwrap_or_default();
        let expected: Vec<_> = round.map(|i| line_of_value(i, bytemuck::bytes_of(&tick(i)))).collect();
        assert_eq!(read_now(&path), expected);
        producer.discard_staged();
        while consumer.try_recv().is_ok() {}
    }
}

/// A producer sends on and on, and each message is released when the reader has told it.
#[test]
fn live_byte_ring_is_followed_message_by_message() {
    const MESSAGES: u64 = 3000;
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(1024)).expect("a ring");
    let mut consumer = ring.consumer().expect("it");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer().expect("it");
            for i in 0..MESSAGES {
                let (sent, tag) = message(i);
                producer.set_tag(tag).send(&sent).expect("sent");
            }
        });
        let mut position = 0;
        let expected = |i| {
            let (sent, tag) = message(i);
            position += padding(position, sent.len(), 1024);
            let line = line_of_frame(position, tag, &sent);
            position += frame_len(sent.len());
            line
        };
        follow(&path, MESSAGES, expected, || consumer.recv().expect("it").release());
        println!("{MESSAGES} messages followed through {} laps", position / 1024);
    });
}

/// The consumer does not care about the reader, which tells only what it saw whole.
#[test]
fn reader_that_is_overtaken_tells_no_wrong_message() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(1024)).expect("a ring");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer().expect("it");
            let mut i = 0_u64;
            while !over.load(Relaxed) {
                match producer.set_tag(i as u32).try_send(&numbered(i)) {
                    Ok(()) => i += 1,
                    Err(SendError::Full) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        });
        scope.spawn(|| {
            let mut consumer = ring.consumer().expect("it");
            while !over.load(Relaxed) {
                if consumer.try_recv().is_err() {
                    std::thread::yield_now();
                }
            }
        });
        read_beside(&path, &over);
    });
}

#[test]
fn spoilt_rings_are_refused_with_the_field() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(512)).expect("a ring");
    // A type's size makes another kind of ring, in which the next field is wrong.
    refuses_each_field(&path, |name| if name == "message_size" { "stride" } else { name });
    ring.producer().expect("it").try_send(b"fine").expect("room");
    assert_eq!(read_now(&path), [line_of_frame(0, 0, b"fine")]);
    Raw::open(&path).word(4096).store(1, Relaxed);
    assert!(refusal(&path).starts_with("read_ring.py: frame header is '0x1'"));
}
