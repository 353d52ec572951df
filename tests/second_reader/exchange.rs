//! Exchange rings.

use std::{
    collections::VecDeque,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use ironring::{Options, SendError, mpmc::Ring};

use crate::{
    Tick, follow, hex, line_of_frame, line_of_value, message, numbered, printed, read_beside, read_now,
    refusal, refuses_each_field,
    support::{layout::exchange::Size, raw::Raw, shared_memory},
    tick,
};

const SIZE: Size = Size { capacity: 4, participants: 3, holding: 2 };

/// Where there is room for three messages of up to 100 bytes in a slot.
fn options() -> Options {
    Options::messages(SIZE.capacity as u64)
        .max_message(100)
        .batch(3)
        .participants(SIZE.participants as u32)
        .holding(SIZE.holding as u32)
        .max_deliveries(2)
}

fn ring(path: &Path) -> Ring<[u8]> {
    Ring::create(path, &options()).expect("a ring")
}

#[test]
fn what_waits_in_a_ring_of_bytes_is_decoded_on_every_lap() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = ring(&path);
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    assert!(read_now(&path).is_empty());
    // What each slot that waits is to be decoded as.
    let mut waiting = VecDeque::new();
    for position in 0..20 {
        let messages: Vec<_> = (0..=position % 3).map(|i| message(position * 3 + i)).collect();
        for (sent, tag) in &messages {
            producer.set_tag(*tag).stage(sent).expect("room");
        }
        producer.publish().expect("room");
        waiting.push_back(messages.iter().map(|(sent, tag)| line_of_frame(position, *tag, sent)).collect());
        let told: Vec<Vec<String>> = waiting.iter().cloned().collect();
        assert_eq!(read_now(&path), told.concat());
        // Several laps, with one to four slots that wait.
        while waiting.len() as u64 > (position / 5 + 1) % 4 {
            let received = consumer.try_recv_owned().expect("a slot");
            assert_eq!(received.len(), waiting.pop_front().expect("it").len());
        }
    }
}

#[test]
fn what_waits_in_a_ring_of_values_is_decoded_on_every_lap() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let options = Options::messages(4).checksums(true).batch(2).participants(2);
    let ring = Ring::<Tick>::create(&path, &options).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    let mut sent = 0;
    for position in 0..12 {
        let messages = sent..sent + 1 + position % 2;
        sent = messages.end;
        for i in messages.clone() {
            producer.stage(&tick(i)).expect("room");
        }
        producer.publish().expect("room");
        let expected: Vec<_> =
            messages.map(|i| line_of_value(position, bytemuck::bytes_of(&tick(i)))).collect();
        assert_eq!(read_now(&path), expected);
        assert_eq!(consumer.try_recv_owned().expect("a slot").len(), expected.len());
        assert!(read_now(&path).is_empty());
    }
}

/// One line of what `--participants` prints.
fn line_of_participant(number: usize, who: &str, counts: [u64; 6], holds: &[String]) -> String {
    let [attachments, redelivered, dropped, displaced, producers, last] = counts;
    let holds = holds.join(", ");
    format!(r#"{{"number": {number}, {who}, "attachments": {attachments}, "redelivered": {redelivered}, "#)
        + &format!(
            r#""dropped": {dropped}, "displaced": {displaced}, "producers": {producers}, "last": {last}, "#
        )
        + &format!(r#""intends": 0, "holds": [{holds}]}}"#)
}

fn line_of_held(position: u64, state: &str, deliveries: u32, messages: &[&[u8]]) -> String {
    let messages: Vec<_> = messages.iter().map(|message| format!(r#""{}""#, hex(message))).collect();
    let messages = messages.join(", ");
    format!(
        r#"{{"position": {position}, "state": "{state}", "deliveries": {deliveries}, "messages": [{messages}]}}"#
    )
}

#[test]
fn records_say_who_is_there_and_what_they_hold() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = ring(&path);
    let told = || printed(&path, &["--participants"]);
    let nobody = |number| line_of_participant(number, r#""state": "detached", "role": """#, [0; 6], &[]);
    assert_eq!(told(), [0, 1, 2].map(nobody));

    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    let producer_is = r#""state": "attached", "role": "producer""#;
    let consumer_is = r#""state": "attached", "role": "consumer""#;
    producer.try_send(b"a").expect("room");
    assert_eq!(producer.send_batch(["b", "c"]), (2, Ok(())));
    producer.try_send(b"d").expect("room");
    let first = consumer.try_recv_owned().expect("a");
    consumer.try_recv().expect("b").release();
    let holds = [line_of_held(0, "messages", 1, &[b"a"]), line_of_held(1, "messages", 1, &[b"c"])];
    let sent = line_of_participant(0, producer_is, [1, 0, 0, 0, 1, 3], &[]);
    assert_eq!(told(), [sent, line_of_participant(1, consumer_is, [1, 0, 0, 0, 0, 0], &holds), nobody(2)]);

    // Delivered twice, it is set aside; what it was among is released.
    consumer.try_recv().expect("c").hand_back();
    consumer.try_recv().expect("c again").hand_back();
    drop(first);
    assert_eq!(consumer.try_recv().expect("d").to_vec(), b"d");
    for _ in 0..SIZE.capacity {
        producer.try_send(b"e").expect("room");
    }
    assert_eq!(producer.force_send(b"f").expect("displaced").map(|displaced| displaced.position), Some(3));
    drop(producer);
    let sent = line_of_participant(0, r#""state": "detached", "role": "producer""#, [1, 0, 0, 1, 1, 8], &[]);
    let aside = [line_of_held(1, "aside", 2, &[b"c"])];
    assert_eq!(told(), [sent, line_of_participant(1, consumer_is, [1, 1, 0, 0, 0, 0], &aside), nobody(2)]);
}

/// A producer sends on and on, and each message is released when the reader has told it.
#[test]
fn live_ring_is_followed_message_by_message() {
    const MESSAGES: u64 = 3000;
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = ring(&path);
    let mut consumer = ring.consumer().expect("place");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer().expect("place");
            for i in 0..MESSAGES {
                let (sent, tag) = message(i);
                producer.set_tag(tag).send(&sent).expect("sent");
            }
        });
        let expected = |i| {
            let (sent, tag) = message(i);
            line_of_frame(i, tag, &sent)
        };
        follow(&path, MESSAGES, expected, || consumer.recv().expect("it").release());
    });
}

/// A producer and a consumer do not care about the reader, which tells only what it saw whole:
/// slots that take it long, and are soon written to again.
#[test]
fn reader_that_is_overtaken_tells_no_wrong_message() {
    const PACKED: u64 = 32;
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let options =
        Options::messages(1).max_message(100).batch(PACKED as u32).participants(2).holding(1).checksums(true);
    let ring = Ring::<[u8]>::create(&path, &options).expect("a ring");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer().expect("place");
            for i in 0_u64.. {
                // The first of a slot asks for room in the ring.
                while let Err(error) = producer.set_tag(i as u32).stage(&numbered(i)) {
                    assert_eq!(error, SendError::Full);
                    if over.load(Relaxed) {
                        return;
                    }
                    std::thread::yield_now();
                }
                if i % PACKED == PACKED - 1 {
                    producer.publish().expect("room was found, and nobody else sends");
                }
            }
        });
        scope.spawn(|| {
            let mut consumer = ring.consumer().expect("place");
            while !over.load(Relaxed) {
                match consumer.try_recv_owned() {
                    // A rest now and then, so that the reader gets some whole.
                    Ok(messages)
                        if messages.iter().next().is_some_and(|first| first.position() % 64 == 0) =>
                    {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    Ok(_) => {}
                    Err(_) => std::thread::yield_now(),
                }
            }
        });
        for (position, i) in read_beside(&path, &over) {
            assert_eq!(position, i / PACKED, "where message {i} was sent");
        }
    });
}

#[test]
fn spoilt_rings_are_refused_with_the_field() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = ring(&path);
    let raw = Raw::open(&path);
    // A type's size must be the longest message's, and slots must not be too long in all.
    refuses_each_field(&path, |name| match name {
        "message_size" => "max_message",
        "stride" => "capacity",
        name => name,
    });
    ring.producer().expect("place").try_send(b"fine").expect("room");
    assert_eq!(read_now(&path), [line_of_frame(0, 0, b"fine")]);
    let entry = raw.word(SIZE.entries());
    let right = entry.load(Relaxed);
    let no_slot = (1 << SIZE.slot_bits()) - 1;
    entry.store(right | no_slot, Relaxed);
    assert!(refusal(&path).starts_with(&format!("read_ring.py: slot is {no_slot}")));
    entry.store(right, Relaxed);
    let slot = (right & no_slot) as usize;
    let stride = raw.word(64).load(Relaxed) as usize;
    raw.word(SIZE.slots() + slot * stride + 8).store(1, Relaxed);
    assert!(refusal(&path).starts_with("read_ring.py: slot header is '0x1'"));
}
