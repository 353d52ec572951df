//! Messages at a pace: how late each is received, and what its receiver takes of a processor.

use std::{
    hint::spin_loop,
    mem::MaybeUninit,
    time::{Duration, Instant},
};

use ironring::{Wait, mpmc, spsc};
use ironring_testkit::{Args, Ledger, Role, pin_to_core, roles::RoleFn};

use crate::{
    contest::{Cores, Kind, WAITS, options},
    transport::{Receiver, Sender, Shared},
};

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
    let ring = R::anonymous(&options());
    let ledger = Ledger::new(WORDS).expect("a ledger");
    let role = Role::new(role).ledger(&ledger).pass_fd("ring", &ring).pin(core);
    let index = WAITS.iter().position(|one| *one == wait).expect("one of all");
    let mut producer = ring.producer(wait);
    let mut child = role.arg(index).arg(count).spawn().expect("a child");
    while ledger.get(READY) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    for number in 1..=count as u32 {
        while begun.elapsed() < gap * number {
            spin_loop();
        }
        producer.send(&clock(libc::CLOCK_MONOTONIC).to_ne_bytes());
    }
    assert!(child.wait().success(), "the receiver failed");
    let share = ledger.get(USED_NS) as f64 / ledger.get(ELAPSED_NS) as f64;
    Paced { p50_ns: ledger.get(P50), p99_ns: ledger.get(P99), share }
}

fn receive<R: Shared>(mut args: Args) {
    let ring = R::from_fd(args.fd("ring"));
    let ledger = args.ledger();
    let mut consumer = ring.consumer(WAITS[args.parse::<usize>("wait")]);
    let count: u64 = args.parse("count");
    let mut late = Vec::with_capacity(count as usize);
    let (used, begun) = (clock(libc::CLOCK_PROCESS_CPUTIME_ID), clock(libc::CLOCK_MONOTONIC));
    ledger.set(READY, 1);
    for _ in 0..count {
        let mut sent = [0; 8];
        consumer.recv(&mut sent);
        late.push(clock(libc::CLOCK_MONOTONIC) - u64::from_ne_bytes(sent));
    }
    ledger.set(ELAPSED_NS, clock(libc::CLOCK_MONOTONIC) - begun);
    ledger.set(USED_NS, clock(libc::CLOCK_PROCESS_CPUTIME_ID) - used);
    late.sort_unstable();
    ledger.set(P50, late[late.len() / 2]);
    ledger.set(P99, late[late.len() * 99 / 100]);
}

/// What `clock` says, in nanoseconds.
fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the kernel writes one timespec, for which there is room.
    let done = unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    assert_eq!(done, 0, "clock_gettime");
    // SAFETY: it was written.
    let time = unsafe { time.assume_init() };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
