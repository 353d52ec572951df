//! A reader in another language, written from docs/LAYOUT.md alone, decodes live rings.

mod support;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use bytemuck::{Pod, Zeroable};
use ironring::{Options, SendError, spsc::Ring};
use support::{
    bytes,
    layout::{Field, IDENTITY, frame_len, padding},
    raw::Raw,
    shared_memory,
};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/read_ring.py");

fn reader(path: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(READER).arg(path).args(arguments);
    command
}

/// Everything that the reader prints of the ring at `path` as it is now.
fn read_now(path: &Path) -> Vec<String> {
    let output = reader(path, &[]).output().expect("python3, which this test needs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn line_of_frame(position: u64, tag: u32, message: &[u8]) -> String {
    format!(r#"{{"position": {position}, "tag": {tag}, "data": "{}"}}"#, hex(message))
}

fn line_of_value(position: u64, message: &[u8]) -> String {
    format!(r#"{{"position": {position}, "data": "{}"}}"#, hex(message))
}

/// Message `i` of the tests: its bytes, and its tag.
fn message(i: u64) -> (Vec<u8>, u32) {
    (bytes((i * 7 % 100) as usize, i), (i * 0x0101_0101) as u32)
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Tick([u64; 3]);

fn tick(i: u64) -> Tick {
    Tick([i, !i, i * i])
}

#[test]
fn what_waits_in_a_byte_ring_is_decoded_wherever_it_lies() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(256)).expect("a ring");
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
    let ring = Ring::<Tick>::create(&path, &Options::messages(4)).expect("a ring");
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
        let count = MESSAGES.to_string();
        let mut child = reader(&path, &["--wait", "20", "--count", &count])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3, which this test needs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut position = 0;
        for i in 0..MESSAGES {
            let (sent, tag) = message(i);
            position += padding(position, sent.len(), 1024);
            let line = lines.next().expect("a line").expect("text");
            assert_eq!(line, line_of_frame(position, tag, &sent));
            position += frame_len(sent.len());
            consumer.recv().expect("it").release();
        }
        assert!(child.wait().expect("its end").success());
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
                let sent = bytes((i * 7 % 100) as usize, i);
                match producer.set_tag(i as u32).try_send(&sent) {
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
        let read = reader(&path, &["--wait", "20", "--count", "500"]).output();
        over.store(true, Relaxed);
        let output = read.expect("python3, which this test needs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).expect("text");
        let (mut last, mut skipped) = (None, 0);
        for line in lines.lines() {
            let (_, rest) = line.split_once(r#""tag": "#).expect("a tag");
            let i: u64 = rest.split_once(',').expect("more").0.parse().expect("a number");
            let data = hex(&bytes((i * 7 % 100) as usize, i));
            assert!(line.ends_with(&format!(r#""data": "{data}"}}"#)), "{line}");
            assert!(last.is_none_or(|last| last < i), "in order: {i} after {last:?}");
            skipped += last.map_or(0, |last| i - last - 1);
            last = Some(i);
        }
        assert_eq!(lines.lines().count(), 500);
        println!("500 messages told, {skipped} between them missed");
    });
}

#[test]
fn spoilt_rings_are_refused_with_the_field() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(512)).expect("a ring");
    let raw = Raw::open(&path);
    let refusal = || {
        let output = reader(&path, &[]).output().expect("python3, which this test needs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    };
    for Field { name, at, len } in IDENTITY {
        if ["compat", "type_tag", "reserved"].contains(name) {
            continue;
        }
        let whole = raw.get(0, 256);
        raw.set(*at, &vec![0xff; *len]);
        if *name != "checksum" {
            raw.mend_checksum();
        }
        let told = refusal();
        // A type's size makes another kind of ring, in which the next field is wrong.
        let expected = if *name == "message_size" { "stride" } else { name };
        assert!(told.starts_with(&format!("read_ring.py: {expected} is ")), "{name}: {told}");
        raw.set(0, &whole);
    }
    ring.producer().expect("it").try_send(b"fine").expect("room");
    assert_eq!(read_now(&path), [line_of_frame(0, 0, b"fine")]);
    raw.word(4096).store(1, Relaxed);
    assert!(refusal().starts_with("read_ring.py: frame header is '0x1'"));
}
