//! Messages at a pace: how late each is received, and what its receiver takes of a processor.

use std::{
    hint::spin_loop,
    time::{Duration, Instant},
};

use ironring::{Options, Wait, mpmc, spsc};
use ironring_testkit::{Args, Ledger, Role, pin_to_core, roles::RoleFn};

use crate::{
    clock::kernel_ns,
    contender::WAITS,
    contest::Cores,
    transport::{Receiver, Sender, Shared},
};

/// A kind of ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For one producer and one consumer.
    Spsc,
    /// For any number of them.
    Mpmc,
}

/// What a receiver has met.
#[derive(Clone, Copy, Debug)]
pub struct Paced {
    /// Half of the messages were received so soon after they were sent, in nanoseconds.
    pub p50_ns: u64,
    /// All but one in a hundred.
    pub p99_ns: u64,
    /// What the receiver took of a processor, 1 for all of it.
    pub share: f64,
}

/// The roles of the receivers, for `roles::run`.
pub const ROLES: [(&str, RoleFn); 2] =
    [("spsc-paced", receive::<spsc::Ring<[u64; 1]>>), ("mpmc-paced", receive::<mpmc::Ring<[u64; 1]>>)];

/// What a receiver writes down: that it is there, and what it has met.
const READY: usize = 0;
const P50: usize = 1;
const P99: usize = 2;
const USED_NS: usize = 3;
const ELAPSED_NS: usize = 4;
const WORDS: usize = 5;

/// Of messages with so much time between them: `count` of 8 bytes, from `cores.0` to `cores.1`.
///
/// # Panics
///
/// If a message is lost, or a process cannot be started.
pub fn run(kind: Kind, wait: Wait, gap: Duration, count: u64, cores: Cores) -> Paced {
    pin_to_core(cores.0).expect("a core to run on");
    match kind {
        Kind::Spsc => send::<spsc::Ring<[u64; 1]>>("spsc-paced", wait, gap, count, cores.1),
        Kind::Mpmc => send::<mpmc::Ring<[u64; 1]>>("mpmc-paced", wait, gap, count, cores.1),
    }
}

fn send<R: Shared>(role: &str, wait: Wait, gap: Duration, count: u64, core: usize) -> Paced {
    let ring = R::anonymous(&Options::messages(1024)).expect("a ring");
    let ledger = Ledger::new(WORDS).expect("a ledger");
    let role = Role::new(role).ledger(&ledger).pass_fd("ring", &ring).pin(core);
    let index = WAITS.iter().position(|(one, _)| *one == wait).expect("one of all");
    let mut producer = ring.producer(wait).expect("a producer");
    let mut child = role.arg(index).arg(count).spawn().expect("a child");
    while ledger.get(READY) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    for number in 1..=count as u32 {
        while begun.elapsed() < gap * number {
            spin_loop();
        }
        producer.send(&kernel_ns(libc::CLOCK_MONOTONIC).to_ne_bytes()).expect("a ring in order");
    }
    assert!(child.wait().success(), "the receiver failed");
    let share = ledger.get(USED_NS) as f64 / ledger.get(ELAPSED_NS) as f64;
    Paced { p50_ns: ledger.get(P50), p99_ns: ledger.get(P99), share }
}

fn receive<R: Shared>(mut args: Args) {
    let ring = R::from_fd(args.fd("ring")).expect("a ring");
    let ledger = args.ledger();
    let mut consumer = ring.consumer(WAITS[args.parse::<usize>("wait")].0).expect("a consumer");
    let count: u64 = args.parse("count");
    let mut late = Vec::with_capacity(count as usize);
    let (used, begun) = (kernel_ns(libc::CLOCK_PROCESS_CPUTIME_ID), kernel_ns(libc::CLOCK_MONOTONIC));
    ledger.set(READY, 1);
    for _ in 0..count {
        let mut sent = [0; 8];
        consumer.recv(&mut sent).expect("a ring in order");
        late.push(kernel_ns(libc::CLOCK_MONOTONIC) - u64::from_ne_bytes(sent));
    }
    ledger.set(ELAPSED_NS, kernel_ns(libc::CLOCK_MONOTONIC) - begun);
    ledger.set(USED_NS, kernel_ns(libc::CLOCK_PROCESS_CPUTIME_ID) - used);
    late.sort_unstable();
    ledger.set(P50, late[late.len() / 2]);
    ledger.set(P99, late[late.len() * 99 / 100]);
}
