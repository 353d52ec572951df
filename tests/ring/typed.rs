//! Typed messages: the same promises, without a header for each.

use bytemuck::{Pod, Zeroable};
use ironring::{Options, RecvError, SendError};

use crate::{both, ends, on_each_backing};

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Tick {
    price: f64,
    size: u64,
    flags: [u32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Wide([u64; 9]);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C, align(128))]
struct Aligned([u64; 16]);

/// Fills rings of several capacities with values made by `value`, and empties them, at
/// every slot.
fn goes_through<T: Pod + PartialEq + std::fmt::Debug>(value: impl Fn(u64) -> T) {
    for capacity in [1, 2, 8, 64] {
        on_each_backing(&Options::messages(capacity), |ring| {
            let (mut producer, mut consumer) = both::<T>(&ring);
            assert_eq!((ring.capacity(), ring.max_message()), (capacity, size_of::<T>()));
            let mut sent = 0;
            let mut received = 0;
            for _ in 0..2 * capacity + 1 {
                while producer.try_send(&value(sent)).is_ok() {
                    sent += 1;
                    assert_eq!(producer.last_published().map(|last| last.position), Some(sent - 1));
                }
                assert_eq!(sent - received, capacity, "it takes exactly its capacity");
                assert!(producer.is_full());
                assert_eq!(producer.try_send(&value(0)), Err(SendError::Full));
                assert_eq!((producer.len(), consumer.len()), (capacity, capacity));
                // All but one, so that the next round starts one slot on.
                while received + 1 < sent {
                    let message = consumer.try_recv().expect("a message");
                    assert_eq!((message.position(), message.get()), (received, value(received)));
                    received += 1;
                }
                if capacity == 1 {
                    assert_eq!(consumer.recv_value(), Ok(value(received)));
                    received += 1;
                }
            }
        });
    }
}

#[test]
fn bytes_go_through_as_a_type() {
    goes_through(|i| i as u8);
}

#[test]
fn words_go_through() {
    goes_through(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
}

#[test]
fn structs_go_through() {
    goes_through(|i| Tick { price: i as f64 / 3.0, size: !i, flags: [i as u32, !i as u32] });
}

#[test]
fn values_wider_than_a_line_go_through() {
    goes_through(|i| Wide([i; 9]));
}

#[test]
fn values_of_large_alignment_go_through() {
    goes_through(|i| Aligned([!i; 16]));
}

#[test]
fn values_are_written_and_read_in_place_by_those_who_trust() {
    let (producer, consumer) = ends::<Aligned>(&Options::messages(4));
    // SAFETY: the ring is this test's own.
    let mut producer = unsafe { producer.trust_peers() };
    // SAFETY: as above.
    let mut consumer = unsafe { consumer.trust_peers() };
    for i in 0..100 {
        let mut claim = producer.claim().expect("room");
        assert!(std::ptr::from_ref(&*claim).addr().is_multiple_of(128));
        claim.0 = [i; 16];
        claim.publish().expect("published");
        assert_eq!(consumer.try_recv().expect("a message").0, [i; 16]);
    }
}

#[test]
fn typed_claims_are_written_and_published_or_undone() {
    let (mut producer, mut consumer) = ends::<u64>(&Options::messages(2));
    let mut claim = producer.claim().expect("room");
    claim.write(1);
    drop(claim);
    assert!(consumer.is_empty());
    let mut claim = producer.claim().expect("room");
    claim.write(2);
    claim.stage();
    assert!(consumer.is_empty());
    let mut claim = producer.claim().expect("room");
    claim.write(3);
    claim.publish().expect("published");
    assert_eq!(producer.claim().err(), Some(SendError::Full));
    assert_eq!((consumer.recv_value(), consumer.recv_value()), (Ok(2), Ok(3)));
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
}

#[test]
fn typed_batches_are_published_at_once_and_cut_short_when_full() {
    let (mut producer, mut consumer) = ends::<u64>(&Options::messages(4));
    assert_eq!(producer.send_batch(&[1, 2, 3]), (3, Ok(())));
    assert_eq!(producer.send_batch(&[4, 5, 6]), (1, Err(SendError::Full)));
    let mut batch = consumer.try_recv_batch(10).expect("a batch");
    let mut got = Vec::new();
    while let Some(message) = batch.next() {
        got.push((message.position(), message.get(), message.is_redelivered()));
    }
    assert_eq!(got, [(0, 1, false), (1, 2, false), (2, 3, false), (3, 4, false)]);
    assert_eq!(batch.given(), 4);
    drop(batch);
    assert_eq!((producer.len(), consumer.len()), (0, 0));
}

/// Values whose slots are longer than they are, so that a run is no single copy.
#[test]
fn runs_of_values_that_do_not_fill_their_slots_go_through() {
    fn go<T: Pod + PartialEq + std::fmt::Debug>(value: impl Fn(u64) -> T) {
        on_each_backing(&Options::messages(8), |ring| {
            let (mut producer, mut consumer) = both::<T>(&ring);
            let mut sent = 0;
            for len in [3, 8, 2, 7, 5, 8, 4] {
                let run: Vec<T> = (sent..sent + len).map(&value).collect();
                sent += len;
                assert_eq!(producer.send_batch(&run), (run.len(), Ok(())));
                assert_eq!(consumer.recv_value().expect("it"), run[0]);
                let mut rest = [value(0); 8];
                let count = consumer.recv_values(&mut rest).expect("the rest");
                assert_eq!(rest[..count], run[1..]);
            }
            for run in (0..5).map(|lap| [1, 2, 3].map(|n| value(100 * lap + n))) {
                run.iter().for_each(|value| producer.send(value).expect("room"));
                let mut together = [value(0); 3];
                assert_eq!(consumer.recv_values(&mut together).expect("them"), 3);
                assert_eq!(together, run);
            }
        });
    }
    go(|n| [n as u8, 7, !n as u8]);
    go(|n| Tick { price: n as f64, size: n * 3, flags: [n as u32, 9] });
    go(|n| Wide(std::array::from_fn(|i| n * 100 + i as u64)));
}
