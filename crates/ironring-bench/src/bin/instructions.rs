//! A fixed number of messages through a ring in one thread, to count instructions with
//! `valgrind --tool=callgrind`: `instructions bytes|typed SIZE COUNT`.

use ironring::{Options, Payload, spsc};
use ironring_bench::transport::{Receiver, Sender};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, size, count] = &args[..] else { panic!("instructions bytes|typed SIZE COUNT") };
    let count: u64 = count.parse().expect("a count");
    match (kind.as_str(), size.as_str()) {
        ("bytes", size) => run::<[u8]>(size.parse().expect("a size"), count),
        ("typed", "8") => run::<[u64; 1]>(8, count),
        ("typed", "64") => run::<[u64; 8]>(64, count),
        other => panic!("no case for {other:?}"),
    }
}

/// Sends and receives messages four at a time.
fn run<M: Payload + ?Sized>(size: usize, count: u64)
where
    spsc::Producer<M>: Sender,
    spsc::Consumer<M>: Receiver,
{
    let ring = spsc::Ring::<M>::anonymous(&Options::bytes(64 << 10)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("it"), ring.consumer().expect("it"));
    let mut words = vec![0_u64; size.div_ceil(8)];
    let message = &mut bytemuck::cast_slice_mut(&mut words)[..size];
    for _ in 0..count / 4 {
        for _ in 0..4 {
            Sender::send(&mut producer, std::hint::black_box(message));
        }
        for _ in 0..4 {
            Receiver::recv(&mut consumer, std::hint::black_box(message));
        }
    }
}
