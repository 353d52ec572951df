use std::{
    collections::VecDeque,
    fs::OpenOptions,
    os::unix::fs::FileExt,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;
use crate::{Options, State, layout::HEADER_LEN, mpmc, spsc::Ring};

struct Fixture {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ring");
        Self { _dir: dir, path }
    }

    fn observer(&self) -> Observer {
        Observer::open(&self.path).expect("a ring to look at")
    }

    /// Writes `value` to the ring's file, as no participant would.
    fn spoil(&self, at: usize, value: u64) {
        let file = OpenOptions::new().write(true).open(&self.path).expect("the file");
        file.write_all_at(&value.to_ne_bytes(), at as u64).expect("written");
    }
}

fn contents(observer: &Observer) -> Vec<Vec<u8>> {
    observer.peek().map(|message| message.expect("a message").bytes).collect()
}

#[test]
fn how_often_a_ring_was_opened_again_is_counted() {
    let fixture = Fixture::new();
    let ring = Ring::<[u8]>::create(&fixture.path, &Options::bytes(512)).expect("a ring");
    let observer = fixture.observer();
    for n in 0..3 {
        assert_eq!((observer.session(), observer.is_closed()), (n, false));
        ring.close();
        assert_eq!((observer.session(), observer.is_closed()), (n, true));
        ring.reopen();
    }
}

#[test]
fn what_is_peeked_is_what_is_in_the_ring_at_every_lap() {
    let fixture = Fixture::new();
    let ring = Ring::<[u8]>::create(&fixture.path, &Options::bytes(512)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("one"), ring.consumer().expect("one"));
    let observer = fixture.observer();
    let mut expected = VecDeque::new();
    for n in 0..2000_usize {
        let message = vec![n as u8; n * 7 % 90];
        while producer.try_send(&message).is_err() {
            assert_eq!(consumer.try_recv().expect("full").to_vec(), expected.pop_front().expect("some"));
        }
        expected.push_back(message);
        assert_eq!(expected, contents(&observer));
        let usage = observer.usage().expect("whole");
        assert_eq!((usage.messages, usage.bytes), (expected.len() as u64, consumer.len()));
    }
}

#[test]
fn typed_messages_are_seen_and_which_are_held() {
    let fixture = Fixture::new();
    let ring = Ring::<[u32; 3]>::create(&fixture.path, &Options::messages(4)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("one"), ring.consumer().expect("one"));
    let observer = fixture.observer();
    assert_eq!(observer.message_layout(), Some((12, 4)));
    for n in 0..11_u32 {
        producer.try_send(&[n, 1, 2]).expect("room");
        producer.try_send(&[n, 3, 4]).expect("room");
        let held = consumer.try_recv().expect("a message");
        let seen: Vec<_> = observer.peek().map(|message| message.expect("a message")).collect();
        assert_eq!(seen.iter().map(|message| message.is_received).collect::<Vec<_>>(), [true, false]);
        assert_eq!(seen[0].bytes, bytemuck::bytes_of(&[n, 1, 2]));
        assert_eq!(seen[1].position, u64::from(2 * n + 1));
        assert_eq!(observer.usage().expect("whole"), Usage { messages: 2, bytes: 32 });
        drop(held);
        consumer.try_recv().expect("a message").release();
    }
}

#[test]
fn a_tail_that_lags_hides_nothing() {
    let fixture = Fixture::new();
    let ring = Ring::<[u8]>::create(&fixture.path, &Options::bytes(256)).expect("a ring");
    let mut producer = ring.producer().expect("one");
    producer.send_batch(["one", "two"]).1.expect("room");
    fixture.spoil(AT_TAIL, 0);
    let observer = fixture.observer();
    assert_eq!(contents(&observer), [b"one", b"two"]);
    assert_eq!(observer.usage().expect("whole"), Usage { messages: 2, bytes: 32 });
}

#[test]
fn impossible_words_are_errors_and_never_a_panic_or_a_hang() {
    let values =
        [0, 1, 7, 8, 9, 64, 100, 1 << 30, 1 << 31, u64::from(u32::MAX), 1 << 63, u64::MAX - 7, u64::MAX];
    for at in [AT_HEAD, AT_TAIL, AT_CONSUMER + AT_RECORD_MARK, HEADER_LEN, HEADER_LEN + 16] {
        for value in values {
            let bytes = Fixture::new();
            let ring = Ring::<[u8]>::create(&bytes.path, &Options::bytes(64)).expect("a ring");
            ring.producer().expect("one").send_batch(["12345678", "2"]).1.expect("room");
            let typed = Fixture::new();
            let ring = Ring::<u64>::create(&typed.path, &Options::messages(4)).expect("a ring");
            ring.producer().expect("one").send_batch(&[1, 2]).1.expect("room");
            for fixture in [&bytes, &typed] {
                fixture.spoil(at, value);
                let observer = fixture.observer();
                assert!(observer.peek().count() <= 8, "{at}: {value:#x}");
                let _ = observer.usage();
            }
        }
    }
    let fixture = Fixture::new();
    Ring::<[u8]>::create(&fixture.path, &Options::bytes(64)).expect("a ring");
    fixture.spoil(HEADER_LEN, 5);
    let mut peek = fixture.observer();
    assert_eq!(peek.peek().next().map(|found| found.map_err(|c| c.found)), Some(Err(5)));
    fixture.spoil(AT_HEAD, 4);
    peek = fixture.observer();
    assert_eq!(peek.usage().map_err(|corrupt| corrupt.word), Err("head"));
}

#[test]
fn no_message_is_seen_torn_while_the_ring_is_in_use() {
    let fixture = Fixture::new();
    let ring = Ring::<[u8]>::create(&fixture.path, &Options::bytes(1024)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("one"), ring.consumer().expect("one"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                let _ = producer.try_send(&vec![n as u8; n * 13 % 200]);
                if n.is_multiple_of(3) {
                    let _ = consumer.try_recv();
                }
            }
        });
        let observer = fixture.observer();
        let mut seen = 0;
        while seen < 20_000 {
            for message in observer.peek() {
                let bytes = message.expect("a message").bytes;
                assert!(bytes.iter().all(|byte| *byte == bytes[0]), "torn: {bytes:?}");
                seen += 1;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn an_exchange_ring_shows_its_messages_and_who_holds_some() {
    let fixture = Fixture::new();
    let options = Options::messages(4).max_message(40).participants(3).max_deliveries(5);
    let ring = mpmc::Ring::<[u8]>::create(&fixture.path, &options).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    let observer = fixture.observer();
    assert_eq!((observer.holding(), observer.max_deliveries()), (Some(3), Some(5)));
    for round in 0..9_u8 {
        producer.set_tag(7).send_batch([&[round; 3][..], &[], &[1; 9]]).1.expect("room");
        producer.set_tag(0).try_send(&[round; 20]).expect("room");
        let seen: Vec<_> = observer.peek().map(|message| message.expect("a message")).collect();
        let first = u64::from(round) * 2;
        assert_eq!(
            seen.iter().map(|m| (m.position, m.tag, m.bytes.len())).collect::<Vec<_>>(),
            [(first, 7, 3), (first, 7, 0), (first, 7, 9), (first + 1, 0, 20)]
        );
        let slot = observer.data_len() / (4 + 3 * 4);
        assert_eq!(observer.usage().expect("whole"), Usage { messages: 4, bytes: 2 * slot });

        let held = consumer.recv_batch(2).expect("messages");
        let statuses = observer.participants().expect("them");
        assert_eq!(statuses.iter().map(|status| status.messages).collect::<Vec<_>>(), [0, 3, 0]);
        assert_eq!(statuses[0].presence.role, Some(Role::Producer));
        assert_eq!(statuses[1].presence.role, Some(Role::Consumer));
        assert_eq!(
            statuses.iter().map(|status| status.presence.state).collect::<Vec<_>>(),
            [State::Attached, State::Attached, State::Never]
        );
        drop(held);
        while consumer.try_recv().is_ok() {}
    }
    // Hints that lag hide nothing.
    producer.try_send(b"x").expect("room");
    fixture.spoil(AT_HEAD, 0);
    assert_eq!(contents(&observer), [b"x"]);
    // Nor do messages that were displaced, which nobody moves a hint past.
    for n in 0..20 {
        producer.force_send(&[n]).expect("in place of another");
        let last: Vec<_> = (n.saturating_sub(3)..=n).map(|n| vec![n]).collect();
        assert!(contents(&observer).ends_with(&last), "behind {n}");
    }
}

#[test]
fn no_message_of_an_exchange_ring_is_seen_torn_while_it_is_in_use() {
    let fixture = Fixture::new();
    let options = Options::messages(8).max_message(200);
    let ring = mpmc::Ring::<[u8]>::create(&fixture.path, &options).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("place"), ring.consumer().expect("place"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                let _ = producer.try_send(&vec![n as u8; n * 13 % 200]);
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = consumer.try_recv();
            }
        });
        let observer = fixture.observer();
        let mut seen = 0;
        while seen < 20_000 {
            for message in observer.peek() {
                let bytes = message.expect("a message").bytes;
                assert!(bytes.iter().all(|byte| *byte == bytes[0]), "torn: {bytes:?}");
                seen += 1;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
