//! What becomes of a ring with checksums when the machine is restarted, or crashes: it is opened as
//! it is if every message is as it was sent, and refused if one is not.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use ironring::{
    Algorithm, Error, Options, Ring, Salvaged, fsck,
    mpmc::{self, Mpmc},
    spsc::Spsc,
};

use crate::{Tests, life::restart, support::bytes};

pub(crate) const TESTS: Tests = &[
    ("messages_with_checksums_outlive_a_restart_however_they_were_sent", outlive),
    ("each_byte_of_a_message_that_is_torn_is_found_by_its_checksum", torn),
    ("message_of_an_earlier_lap_is_not_taken_for_one_that_was_sent", earlier_laps),
    ("displaced_and_held_messages_are_as_they_were_sent", displaced_and_held),
    ("ring_with_checksums_is_no_ring_without", not_alike),
];

type Value = [u64; 3];

fn options() -> Options {
    Options::messages(16).max_message(200).batch(4).checksums(true)
}

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self { path: dir.path().join("ring"), _dir: dir }
    }

    fn make<M: ironring::Payload + ?Sized, A: Algorithm>(&self, options: &Options) -> Ring<M, A> {
        let _ = fs::remove_file(&self.path);
        Ring::create(&self.path, options).expect("a ring")
    }

    fn must_be_whole(&self) {
        let report = fsck::check(&self.path).expect("a ring");
        assert!(report.is_whole(), "{report}");
    }

    fn file(&self) -> fs::File {
        fs::File::options().read(true).write(true).open(&self.path).expect("it")
    }
}

/// Sends messages in every way that there is, for some laps, and leaves the last; what is left.
fn send_bytes<A: Algorithm>(place: &Place, ring: &Ring<[u8], A>) -> Vec<Vec<u8>> {
    // SAFETY: the ring is this process's own.
    let mut producer = unsafe { ring.producer().expect("one").trust_peers() };
    let mut consumer = ring.consumer().expect("one");
    let mut left = Vec::new();
    for n in 0..40_u64 {
        let of = |k: u64| bytes((n * 37 + k * 11) as usize % 90, n * 10 + k);
        let batch = [of(0), of(1), of(2)];
        match n % 4 {
            0 => batch.iter().for_each(|message| producer.set_tag(n as u32).send(message).expect("room")),
            1 => producer.send_batch(&batch).1.expect("room"),
            2 => {
                batch.iter().for_each(|message| producer.stage(message).expect("room"));
                producer.publish().expect("room");
            }
            _ => {
                for message in &batch {
                    let mut claim = producer.claim(message.len() + 9).expect("room");
                    claim[..message.len()].copy_from_slice(message);
                    claim.shrink(message.len());
                    claim.publish().expect("room");
                }
            }
        }
        left = batch.to_vec();
        place.must_be_whole();
        if n < 39 {
            for message in &left {
                assert_eq!(consumer.try_recv().expect("it").to_vec(), *message);
            }
        }
    }
    left
}

fn send_values<A: Algorithm>(place: &Place, ring: &Ring<Value, A>) -> Vec<Value> {
    // SAFETY: the ring is this process's own.
    let mut producer = unsafe { ring.producer().expect("one").trust_peers() };
    let mut consumer = ring.consumer().expect("one");
    let mut left = Vec::new();
    for n in 0..40_u64 {
        let batch = [0, 1, 2].map(|k| [n, k, n * k]);
        match n % 3 {
            0 => batch.iter().for_each(|value| producer.send(value).expect("room")),
            1 => producer.send_batch(&batch).1.expect("room"),
            _ => {
                for value in &batch {
                    let mut claim = producer.claim().expect("room");
                    *claim = *value;
                    claim.publish().expect("room");
                }
            }
        }
        left = batch.to_vec();
        place.must_be_whole();
        if n < 39 {
            for value in &left {
                assert_eq!(consumer.recv_value().expect("it"), *value);
            }
        }
    }
    left
}

fn outlive() {
    fn of_bytes<A: Algorithm>() {
        let place = Place::new();
        let left = send_bytes(&place, &place.make::<[u8], A>(&options()));
        restart(&place.path);
        let ring = Ring::<[u8], A>::open(&place.path).expect("proved to be whole");
        let mut consumer = ring.consumer().expect("one");
        for message in left {
            assert_eq!(consumer.try_recv().expect("it").to_vec(), message);
        }
        assert!(consumer.is_empty());
        assert!(matches!(ironring::salvage(&place.path).expect("looked at"), Salvaged::OfThisBoot));
    }
    fn of_values<A: Algorithm>() {
        let place = Place::new();
        let left = send_values(&place, &place.make::<Value, A>(&options()));
        restart(&place.path);
        let ring = Ring::<Value, A>::open(&place.path).expect("proved to be whole");
        let mut consumer = ring.consumer().expect("one");
        for value in left {
            assert_eq!(consumer.recv_value().expect("it"), value);
        }
        assert!(consumer.is_empty());
    }
    of_bytes::<Spsc>();
    of_bytes::<Mpmc>();
    of_values::<Spsc>();
    of_values::<Mpmc>();
}

/// Where in the ring's file `pattern` lies.
fn find(place: &Place, pattern: &[u8]) -> u64 {
    let all = fs::read(&place.path).expect("it");
    all.windows(pattern.len()).position(|window| window == pattern).expect("the message") as u64
}

/// The ring of another boot is not opened, and not salvaged, for its messages' sake.
fn must_be_refused<M: ironring::Payload + ?Sized, A: Algorithm>(path: &Path) {
    let Err(error) = Ring::<M, A>::open(path) else { panic!("torn") };
    let told = error.to_string();
    assert!(matches!(error, Error::Invalid { .. }) && told.contains("message checksum"), "{told}");
    let Salvaged::Spoilt(report) = ironring::salvage(path).expect("looked at") else { panic!("torn") };
    assert!(report.findings().iter().all(|finding| finding.word == "message checksum"), "{report}");
    assert_eq!(report.findings().len(), 1, "{report}");
}

fn torn() {
    fn of<A: Algorithm>() {
        let place = Place::new();
        let message = *b"thirty-one bytes, none of them 0";
        for with in [true, false] {
            let ring = place.make::<[u8], A>(&options().checksums(with));
            ring.producer().expect("one").send_batch(["before", "and"]).1.expect("room");
            ring.producer().expect("one").send(&message).expect("room");
            drop(ring);
            restart(&place.path);
            if !with {
                // Nobody can tell.
                place.file().write_all_at(&[0; 4], find(&place, &message)).expect("written");
                assert!(matches!(ironring::salvage(&place.path).expect("salvaged"), Salvaged::Whole));
                continue;
            }
            let at = find(&place, &message);
            for (n, byte) in (at..).zip(message) {
                place.file().write_all_at(&[byte ^ 1 << (n % 8)], n).expect("written");
                must_be_refused::<[u8], A>(&place.path);
                place.file().write_all_at(&[byte], n).expect("written");
            }
            Ring::<[u8], A>::open(&place.path).expect("mended");
        }
    }
    of::<Spsc>();
    of::<Mpmc>();
}

fn earlier_laps() {
    fn of<A: Algorithm>(of_a_lap: u64) {
        let place = Place::new();
        let ring = place.make::<Value, A>(&Options::messages(4).participants(2).holding(1).checksums(true));
        let (mut producer, mut consumer) = (ring.producer().expect("one"), ring.consumer().expect("one"));
        let mut pass = |n: u64| {
            producer.send(&[0xface, n, n]).expect("room");
            place.file().sync_all().expect("on disk");
            let all = fs::read(&place.path).expect("it");
            assert_eq!(consumer.recv_value().expect("it"), [0xface, n, n]);
            all
        };
        let before = pass(1);
        for n in 2..=of_a_lap {
            pass(n);
        }
        drop(consumer);
        producer.send(&[0xface, 99, 99]).expect("room");
        drop((producer, ring));
        // As if the pages with the message and with its checksum had not reached the disk, and all
        // others had.
        let message = |all: &[u8]| -> Vec<usize> {
            let pattern: Vec<u8> = 0xface_u64.to_ne_bytes().to_vec();
            (0..all.len() - 8).step_by(8).filter(|at| all[*at..*at + 8] == pattern[..]).collect()
        };
        let now = fs::read(&place.path).expect("it");
        let at = find(&place, bytemuck::bytes_of(&[0xface_u64, 99, 99])) as usize;
        assert!(message(&before).contains(&at), "the same slot");
        assert_ne!(now[at..at + 24], before[at..at + 24]);
        place.file().write_all_at(&before[at..at + 24], at as u64).expect("written");
        // Behind the data: the checksums' pages.
        let checksums = now.len() / 4096 * 4096;
        place.file().write_all_at(&before[checksums..], checksums as u64).expect("written");
        restart(&place.path);
        must_be_refused::<Value, A>(&place.path);
    }
    // The same slot comes again: of an SPSC ring by laps; of an exchange ring, whose one free slot goes
    // round with it, when that many have passed.
    of::<Spsc>(4);
    of::<Mpmc>(slots_until_the_same());
}

/// How many messages one producer and one consumer pass until the same slot is written again.
fn slots_until_the_same() -> u64 {
    let place = Place::new();
    let ring: Ring<Value, Mpmc> =
        place.make(&Options::messages(4).participants(2).holding(1).checksums(true));
    let (mut producer, mut consumer) = (ring.producer().expect("one"), ring.consumer().expect("one"));
    let mut at = |n: u64| {
        producer.send(&[0xface, n, n]).expect("room");
        let at = find(&place, bytemuck::bytes_of(&[0xface_u64, n, n]));
        consumer.recv_value().expect("it");
        at
    };
    let first = at(1);
    (2..100).find(|n| at(*n) == first).expect("the same again") - 1
}

fn displaced_and_held() {
    let place = Place::new();
    let ring: mpmc::Ring<[u8]> = place.make(&Options::messages(2).max_message(64).checksums(true));
    let [mut producer, mut other] = [ring.producer().expect("one"), ring.producer().expect("another")];
    let mut consumer = ring.consumer().expect("one");
    producer.send(b"held").expect("room");
    std::mem::forget(consumer.recv().expect("it"));
    for n in 0..5_u8 {
        other.force_send(&[0xee; 3]).expect("sent");
        producer.force_send(&[n; 9]).expect("sent");
        place.must_be_whole();
    }
    drop((producer, other, ring));
    // The consumer is as good as dead: its place is not released.
    std::mem::forget(consumer);
    let copy = place.path.with_extension("copy");
    fs::copy(&place.path, &copy).expect("copied");
    restart(&copy);
    let ring = mpmc::Ring::<[u8]>::open(&copy).expect("whole");
    let mut consumer = ring.consumer().expect("one");
    let first = consumer.recv().expect("it");
    assert_eq!((first.to_vec(), first.is_redelivered()), (b"held".to_vec(), true));
    drop(first);
    assert_eq!(consumer.recv().expect("it").to_vec(), [0xee; 3]);
    assert_eq!(consumer.recv().expect("it").to_vec(), [4; 9]);
    // Torn while it was held.
    drop((consumer, ring));
    fs::copy(&place.path, &copy).expect("copied");
    let at = find(&Place { _dir: tempfile::tempdir().expect("one"), path: copy.clone() }, b"held");
    let file = fs::File::options().write(true).open(&copy).expect("it");
    file.write_all_at(b"HELD", at).expect("written");
    restart(&copy);
    must_be_refused::<[u8], Mpmc>(&copy);
}

fn not_alike() {
    let place = Place::new();
    place.make::<[u8], Spsc>(&options());
    let error = Ring::<[u8], Spsc>::open_or_create(&place.path, &options().checksums(false));
    let error = error.expect_err("it has checksums").to_string();
    assert!(error.contains("checksums"), "{error}");
}
