//! SPSC rings: whole in whatever state they are left, and each word that is spoilt is named.

use std::sync::atomic::Ordering::Relaxed;

use ironring::{
    Options,
    fsck::{self, At, Report},
    spsc::Ring,
};

use super::support::{
    layout::{AT_CONSUMER, AT_HEAD, AT_PRODUCER, AT_TAIL, HEADER_LEN, MARK},
    raw::Raw,
    shared_memory,
};

fn must_be_whole(report: &Report, when: &str) {
    assert!(report.is_whole(), "{when}:\n{report}");
}

#[test]
fn rings_are_whole_at_every_fill_and_lap() {
    let dir = shared_memory();
    let path = dir.path().join("bytes");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(256)).expect("a ring");
    let typed_path = dir.path().join("typed");
    let typed = Ring::<[u32; 3]>::create(&typed_path, &Options::messages(4)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    let (mut values_in, mut values_out) = (typed.producer().expect("it"), typed.consumer().expect("it"));
    let check = |when: &str| {
        for path in [&path, &typed_path] {
            let report = fsck::check(path).expect("a ring");
            must_be_whole(&report, when);
            assert_eq!(report.notes().len(), 2, "{report}");
        }
    };
    for n in 0..60_usize {
        producer.try_send(&vec![1; n * 7 % 100]).expect("room");
        producer.set_tag(n as u32).try_send(b"x").expect("room");
        values_in.try_send(&[1; 3]).expect("room");
        check("filled");
        let held = (consumer.try_recv().expect("a message"), values_out.try_recv().expect("one"));
        check("held");
        drop(held);
        consumer.try_recv().expect("a message").release();
        check("emptied");
    }
}

/// A byte ring with the messages "one", "two" and "three" behind one that was released.
fn three_messages() -> (tempfile::TempDir, std::path::PathBuf, Raw) {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<[u8]>::create(&path, &Options::bytes(256)).expect("a ring");
    let mut producer = ring.producer().expect("it");
    producer.try_send(b"zero").expect("room");
    ring.consumer().expect("it").try_recv().expect("a message").release();
    for message in ["one", "two", "three"] {
        producer.set_tag(7).try_send(message.as_bytes()).expect("room");
    }
    drop(producer);
    let raw = Raw::open(&path);
    (dir, path, raw)
}

#[test]
fn word_of_a_byte_ring_that_is_spoilt() {
    let (_dir, path, raw) = three_messages();
    for (word, at, values, place) in [
        ("tail", AT_TAIL, vec![0, 16, 32, 48, 72, 1 << 40], At::Header),
        ("tail", AT_TAIL, vec![63], At::Header),
        ("head", AT_HEAD, vec![17], At::Header),
        ("received", AT_CONSUMER + MARK, vec![24, 80], At::Header),
        ("last", AT_PRODUCER + MARK, vec![32, 0, 64], At::Header),
        ("last_tag", AT_PRODUCER + 48, vec![0], At::Header),
        ("ended", AT_CONSUMER + 40, vec![2], At::Header),
        ("state", AT_PRODUCER, vec![2], At::Header),
        ("state", AT_CONSUMER, vec![u64::MAX], At::Header),
        ("header", HEADER_LEN + 32, vec![5, 1 << 31 | 121, u64::MAX], At::Position(32)),
    ] {
        for value in values {
            let before = raw.word(at).swap(value, Relaxed);
            let report = fsck::check(&path).expect("a ring");
            assert_eq!(
                report.findings().first().map(|first| (first.word, first.at)),
                Some((word, place)),
                "{value:#x}:\n{report}"
            );
            raw.word(at).store(before, Relaxed);
            must_be_whole(&fsck::check(&path).expect("a ring"), "mended");
        }
    }
}

/// A producer killed between the header and `tail` is whole; one that went by itself is not.
#[test]
fn tail_that_lags_needs_somebody_who_died() {
    let (_dir, path, raw) = three_messages();
    raw.word(AT_TAIL).store(48, Relaxed);
    let report = fsck::check(&path).expect("a ring");
    assert_eq!(report.findings()[0].word, "tail", "{report}");
    raw.word(AT_PRODUCER).store(1, Relaxed);
    let report = fsck::check(&path).expect("a ring");
    must_be_whole(&report, "its producer died");
    assert!(report.to_string().contains("the producer, process"), "{report}");
    // In no case one that is within a message.
    raw.word(AT_TAIL).store(40, Relaxed);
    assert_eq!(fsck::check(&path).expect("a ring").findings()[0].word, "tail");
    // The consumer may have passed what was not recorded.
    raw.word(AT_HEAD).store(64, Relaxed);
    raw.word(AT_TAIL).store(48, Relaxed);
    must_be_whole(&fsck::check(&path).expect("a ring"), "the consumer went on");
}

#[test]
fn word_of_a_typed_ring_that_is_spoilt() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring = Ring::<u64>::create(&path, &Options::messages(4)).expect("a ring");
    assert_eq!(ring.producer().expect("it").send_batch(&[1, 2, 3]).0, 3);
    let raw = Raw::open(&path);
    for (word, at, value) in [("tail", AT_TAIL, 5), ("tail", AT_HEAD, 4), ("received", AT_CONSUMER + MARK, 4)]
    {
        let before = raw.word(at).swap(value, Relaxed);
        let report = fsck::check(&path).expect("a ring");
        assert_eq!(report.findings().first().map(|first| first.word), Some(word), "{report}");
        raw.word(at).store(before, Relaxed);
        must_be_whole(&fsck::check(&path).expect("a ring"), "mended");
    }
}

/// What moves meanwhile is not judged, and never found to be wrong.
#[test]
fn ring_in_use_is_not_found_spoilt() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let ring =
        ironring::mpmc::Ring::<[u8]>::create(&path, &Options::messages(8).max_message(64)).expect("a ring");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer().expect("place");
            let mut n = 0_u64;
            while !over.load(Relaxed) {
                n += 1;
                let _ = producer.try_send(&n.to_le_bytes());
            }
        });
        scope.spawn(|| {
            let mut consumer = ring.consumer().expect("place");
            while !over.load(Relaxed) {
                let _ = consumer.try_recv();
            }
        });
        let mut in_use = 0;
        for _ in 0..300 {
            let report = fsck::check(&path).expect("a ring");
            must_be_whole(&report, "in use");
            in_use += u32::from(report.notes().iter().any(|note| note.contains("in use")));
        }
        over.store(true, Relaxed);
        println!("{in_use} of 300 looks saw no instant at which nothing moved");
    });
    must_be_whole(&fsck::check(&path).expect("a ring"), "afterwards");
}
