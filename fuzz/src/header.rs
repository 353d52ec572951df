//! Files that are no rings, or not those that were made: opened in every way, and used where that
//! succeeds.
//!
//! The first byte chooses a whole ring, the second what else is done to it; then come pieces: where
//! they go, how long they are, and what they say.

use std::{fs, path::Path};

use ironring::{Algorithm, Observer, Options, Payload, Ring, fsck, mpmc, spsc};

use crate::{
    exchange_ends::Trade,
    input::Input,
    support::{layout::HEADER_LEN, raw::Raw, shared_memory},
    typed_ends::Tick,
};

struct Bases {
    dir: tempfile::TempDir,
    regions: Vec<Vec<u8>>,
}

impl Bases {
    fn new() -> Self {
        let dir = shared_memory();
        let path = dir.path().join("ring");
        let mut regions = Vec::new();
        let mut keep = || {
            regions.push(fs::read(&path).expect("a ring"));
            fs::remove_file(&path).expect("a ring");
        };
        let bytes = spsc::Ring::<[u8]>::create(&path, &Options::bytes(256)).expect("a ring");
        bytes.producer().expect("a producer").send(b"five!").expect("room");
        keep();
        let words = spsc::Ring::<u64>::create(&path, &Options::messages(8)).expect("a ring");
        words.producer().expect("a producer").send(&1).expect("room");
        keep();
        let options = Options::messages(2).max_message(16).participants(3).holding(2).batch(2);
        let bytes = mpmc::Ring::<[u8]>::create(&path, &options).expect("a ring");
        bytes.producer().expect("a producer").send(b"five!").expect("room");
        keep();
        let options = Options::messages(4).participants(2).max_deliveries(3);
        let values = mpmc::Ring::<u64>::create(&path, &options).expect("a ring");
        values.producer().expect("a producer").send(&1).expect("room");
        keep();
        Self { dir, regions }
    }
}

/// A file that is no ring, or not the one that it was.
pub fn header(data: &[u8]) {
    thread_local!(static BASES: Bases = Bases::new());
    BASES.with(|bases| {
        let mut input = Input::new(data);
        let mut region = bases.regions[input.byte() as usize % bases.regions.len()].clone();
        let also = input.byte();
        if also & 1 != 0 {
            region.resize(input.below(4 * HEADER_LEN), 0xff);
        }
        while !input.is_over() {
            // Mostly the identity, which lies in the first bytes.
            let at =
                if input.byte() & 3 == 0 { input.below(region.len().max(1)) } else { input.byte().into() };
            let len = usize::from(input.byte() % 17);
            let piece = input.bytes(len);
            if let Some(place) = region.get_mut(at..at + piece.len()) {
                place.copy_from_slice(piece);
            }
        }
        let path = bases.dir.path().join("ring");
        fs::write(&path, &region).expect("a file");
        if also & 2 == 0 && region.len() >= HEADER_LEN {
            Raw::open(&path).mend_checksum();
        }
        look(&path);
        open::<[u8], spsc::Spsc>(&path, b"sent");
        open::<u64, spsc::Spsc>(&path, &1);
        open::<Tick, spsc::Spsc>(&path, &bytemuck::Zeroable::zeroed());
        open::<[u8], mpmc::Mpmc>(&path, b"sent");
        open::<u64, mpmc::Mpmc>(&path, &1);
        open::<Trade, mpmc::Mpmc>(&path, &bytemuck::Zeroable::zeroed());
        look(&path);
        if let Ok(repaired) = fsck::repair(&path) {
            let _ = repaired.report.to_string();
        }
        let _ = ironring::close(&path);
        let _ = ironring::reopen(&path);
        let _ = ironring::remove(&path);
        let _ = fs::remove_file(&path);
    });
}

fn look(path: &Path) {
    if let Ok(report) = fsck::check(path) {
        let _ = report.to_string();
    }
    let Ok(observer) = Observer::open(path) else { return };
    let _ = (observer.kind(), observer.capacity(), observer.max_message(), observer.message_layout());
    let _ = (observer.usage(), observer.cursors(), observer.set_aside().map(|aside| aside.len()));
    let _ = observer.participants().map(|all| all.len());
    // More than the longest of these files has room for.
    assert!(observer.peek().take(1 << 12).count() < 1 << 12, "there is no end of messages");
}

fn open<M: Payload + ?Sized, A: Algorithm>(path: &Path, message: &M) {
    if let Ok(ring) = Ring::<M, A>::open(path) {
        use_ring(&ring, message);
    }
}

/// Sends and receives, as far as that succeeds.
pub(crate) fn use_ring<M: Payload + ?Sized, A: Algorithm>(ring: &Ring<M, A>, message: &M) {
    let _ = (ring.capacity(), ring.max_message(), ring.delivery(), ring.is_closed());
    let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
    for _ in 0..3 {
        if let Ok(producer) = &mut producer {
            let _ = (producer.try_send(message), producer.stage(message), producer.publish());
            let _ = (producer.len(), producer.last_published());
        }
        if let Ok(consumer) = &mut consumer {
            let _ = (consumer.len(), consumer.is_empty());
            let _ = consumer.try_recv().map(|message| message.is_redelivered());
        }
    }
}
