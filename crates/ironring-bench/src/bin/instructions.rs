//! A fixed number of messages through a ring in one thread, to count instructions with
//! `valgrind --tool=callgrind`, as `scripts/instructions.py` does: `instructions RING SIZE COUNT`, where
//! the ring is one of `spsc-bytes`, `spsc-typed`, `mpmc-bytes`, `mpmc-typed` and `array-queue`.

use ironring::{Options, Wait, mpmc, spsc};
use ironring_bench::transport::{Array, BackOff, Receiver, Sender, Shared};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [ring, size, count] = &args[..] else { panic!("instructions RING SIZE COUNT") };
    let (size, count) = (size.parse().expect("a size"), count.parse().expect("a count"));
    match (ring.as_str(), size) {
        ("spsc-bytes", _) => run_ring::<spsc::Ring<[u8]>>(size, count),
        ("spsc-typed", 8) => run_ring::<spsc::Ring<[u64; 1]>>(size, count),
        ("spsc-typed", 64) => run_ring::<spsc::Ring<[u64; 8]>>(size, count),
        ("mpmc-bytes", _) => run_ring::<mpmc::Ring<[u8]>>(size, count),
        ("mpmc-typed", 8) => run_ring::<mpmc::Ring<[u64; 1]>>(size, count),
        ("mpmc-typed", 64) => run_ring::<mpmc::Ring<[u64; 8]>>(size, count),
        ("array-queue", 8) => run_queue::<1>(size, count),
        ("array-queue", 64) => run_queue::<8>(size, count),
        other => panic!("no case for {other:?}"),
    }
}

fn run_ring<R: Shared>(size: usize, count: u64) {
    let ring = R::anonymous(&Options::messages(1024).max_message(size as u64)).expect("a ring");
    let mut producer = ring.producer(Wait::Spin).expect("a producer");
    run(&mut producer, &mut ring.consumer(Wait::Spin).expect("a consumer"), size, count);
}

fn run_queue<const W: usize>(size: usize, count: u64) {
    let mut queue = Array::<W>::new(1024, BackOff::Spin);
    run(&mut queue.clone(), &mut queue, size, count);
}

/// Sends and receives messages four at a time.
fn run(producer: &mut impl Sender, consumer: &mut impl Receiver, size: usize, count: u64) {
    let mut words = vec![0_u64; size.div_ceil(8)];
    let message = &mut bytemuck::cast_slice_mut(&mut words)[..size];
    for _ in 0..count / 4 {
        send_four(producer, message);
        recv_four(consumer, message);
    }
}

/// Not inlined, so that callgrind can count it by itself.
#[inline(never)]
fn send_four(producer: &mut impl Sender, message: &mut [u8]) {
    for _ in 0..4 {
        producer.send(std::hint::black_box(message)).expect("room for four");
    }
}

/// The same for the other side.
#[inline(never)]
fn recv_four(consumer: &mut impl Receiver, message: &mut [u8]) {
    for _ in 0..4 {
        consumer.recv(std::hint::black_box(message)).expect("four messages");
    }
}
