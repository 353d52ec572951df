//! A peer that writes at random while both ends are at work.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ironring_testkit::rng::{Seeded, fastrand::Rng};

use crate::{
    byte_ends::ByteEnds,
    ends::{Ends, Told, Words},
    exchange_ends::{ExchangeEnds, Trade},
    states::Subject,
    support::layout::{AT_SESSION, HEADER_LEN},
    typed_ends::{Tick, TypedEnds},
    watchdog,
};

const OPERATIONS: u64 = 300_000;

/// Where the vandal writes: mostly where it hurts.
fn place<E: Ends>(rng: &mut Rng, len: usize) -> usize {
    match rng.u8(..8) {
        // Not the identity, which later rounds check; not the retirement, which is final, nor
        // the session: nothing is done in a closed ring.
        0 => rng.usize(AT_SESSION / 8 + 1..HEADER_LEN / 8) * 8,
        _ => E::Words::hurtful(rng, len),
    }
}

fn value(rng: &mut Rng, right: u64) -> u64 {
    match rng.u8(..8) {
        0 => 0,
        1 => u64::MAX,
        2 => rng.u64(..),
        3 => right.wrapping_add(rng.u64(..200)) & !7,
        4 => right.wrapping_sub(rng.u64(..200)),
        5 => 1 << 31 | 1 << 30,
        6 => 1 << 31 | rng.u64(..40),
        _ => right.wrapping_add(8),
    }
}

fn survives_a_vandal<E: Ends>(name: &str) {
    watchdog::start();
    let subject = Subject::<E>::new();
    let mut rng = Seeded::new();
    let vandal = Rng::with_seed(rng.u64(..));
    let over = AtomicBool::new(false);
    let mut told = [0_u64; 3];
    let writes = std::thread::scope(|scope| {
        let writes = scope.spawn(|| vandalise(vandal, &subject, &over));
        let end = EndOf(&over);
        let mut ends = E::new(&subject.ring);
        for i in 0..OPERATIONS {
            match ends.operate(rng.usize(..E::OPERATIONS)) {
                Ok(()) => continue,
                Err(Told::Producer(_)) => told[0] += 1,
                Err(Told::Consumer(_)) => told[1] += 1,
                Err(Told::Attaching | Told::NoPlace) => told[2] += 1,
            }
            // A handle that told of corruption is of no use; now and then, make it whole.
            drop(ends);
            if rng.u8(..4) == 0 {
                subject.restore(rng.usize(..subject.states.len()));
            }
            ends = E::new(&subject.ring);
            if i.is_multiple_of(64) {
                watchdog::progress();
            }
        }
        drop(end);
        writes.join().expect("the vandal")
    });
    println!("{name}: {OPERATIONS} operations beside {writes} wild writes; corruption told {told:?}");
    assert!(told.iter().all(|told| *told > 0) && writes > 0);
}

/// Tells the vandal when it is over, also by a panic.
struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn vandalise<E: Ends>(mut rng: Rng, subject: &Subject<E>, over: &AtomicBool) -> u64 {
    let mut writes = 0;
    while !over.load(Relaxed) {
        let word = subject.raw.word(place::<E>(&mut rng, subject.raw.len()));
        word.store(value(&mut rng, word.load(Relaxed)), Relaxed);
        writes += 1;
        // Rests, so that some operations find a ring that is whole for a while.
        for _ in 0..rng.u32(..2000) {
            std::hint::spin_loop();
        }
    }
    writes
}

#[test]
fn byte_ring_survives_a_peer_that_writes_at_random() {
    survives_a_vandal::<ByteEnds<256>>("256 bytes");
}

#[test]
fn typed_ring_survives_a_peer_that_writes_at_random() {
    survives_a_vandal::<TypedEnds<Tick, 4>>("4 structs");
}

#[test]
fn exchange_ring_of_bytes_survives_a_peer_that_writes_at_random() {
    survives_a_vandal::<ExchangeEnds<[u8]>>("exchange, bytes");
}

#[test]
fn exchange_ring_of_values_survives_a_peer_that_writes_at_random() {
    survives_a_vandal::<ExchangeEnds<Trade>>("exchange, values");
}
