//! Messages at a pace: how late each is received, and what its receiver takes of a processor.
//!
//! Beside the open loop of [`loops`](crate::loops), which compares transports by how late messages come
//! at a load: here ways to wait are compared, by what they cost while little comes and by any number
//! of rings at once, so the sender sleeps where the other spins, and the receiver uses
//! [`WaitAny`].

use std::{
    hint::spin_loop,
    time::{Duration, Instant},
};

use ironring::{Deadline, Options, Receives, Wait, WaitAny, mpmc, spsc};
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

/// The rings that a receiver waits for: all at once, by [`WaitAny`] where there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Among {
    /// Of which kind they are.
    pub kind: Kind,
    /// How many there are.
    pub rings: usize,
    /// The place of the one that messages come by.
    pub busy: usize,
}

/// Of messages with so much time between them: `count` of 8 bytes, from `cores.0` to `cores.1`.
///
/// # Panics
///
/// If a message is lost, or a process cannot be started.
pub fn run(among: Among, wait: Wait, gap: Duration, count: u64, cores: Cores) -> Paced {
    pin_to_core(cores.0).expect("a core to run on");
    match among.kind {
        Kind::Spsc => send::<spsc::Ring<[u64; 1]>>("spsc-paced", among, wait, gap, count, cores.1),
        Kind::Mpmc => send::<mpmc::Ring<[u64; 1]>>("mpmc-paced", among, wait, gap, count, cores.1),
    }
}

/// Where there is more time than this between messages, the sender sleeps but for so much of it.
const AWAKE: Duration = Duration::from_millis(2);

fn send<R: Shared>(role: &str, among: Among, wait: Wait, gap: Duration, count: u64, core: usize) -> Paced {
    let rings: Vec<_> =
        (0..among.rings).map(|_| R::anonymous(&Options::messages(1024)).expect("a ring")).collect();
    let ledger = Ledger::new(WORDS).expect("a ledger");
    let index = WAITS.iter().position(|(one, _)| *one == wait).expect("one of all");
    let role = Role::new(role).ledger(&ledger).pin(core).arg(index).arg(count).arg(among.rings);
    let passed = |role: Role, (number, ring)| role.pass_fd(&format!("ring{number}"), ring);
    let role = rings.iter().enumerate().fold(role, passed);
    let mut producer = rings[among.busy].producer(wait).expect("a producer");
    let mut child = role.spawn().expect("a child");
    while ledger.get(READY) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    for number in 1..=count as u32 {
        let due = gap * number;
        std::thread::sleep(due.saturating_sub(begun.elapsed() + AWAKE));
        while begun.elapsed() < due {
            spin_loop();
        }
        producer.send(&kernel_ns(libc::CLOCK_MONOTONIC).to_ne_bytes()).expect("a ring in order");
    }
    assert!(child.wait().success(), "the receiver failed");
    let share = ledger.get(USED_NS) as f64 / ledger.get(ELAPSED_NS) as f64;
    Paced { p50_ns: ledger.get(P50), p99_ns: ledger.get(P99), share }
}

fn receive<R: Shared<Consumer: Receives>>(mut args: Args) {
    let (wait, _) = WAITS[args.parse::<usize>("wait")];
    let count: u64 = args.parse("count");
    let rings = 0..args.parse::<usize>("rings");
    let rings: Vec<_> =
        rings.map(|number| R::from_fd(args.fd(&format!("ring{number}"))).expect("a ring")).collect();
    let ledger = args.ledger();
    let mut consumers: Vec<_> = rings.iter().map(|ring| ring.consumer(wait).expect("a consumer")).collect();
    let mut any = WaitAny::new();
    any.set_strategy(wait);
    let mut late = Vec::with_capacity(count as usize);
    let (used, begun) = (kernel_ns(libc::CLOCK_PROCESS_CPUTIME_ID), kernel_ns(libc::CLOCK_MONOTONIC));
    ledger.set(READY, 1);
    for _ in 0..count {
        let mut sent = [0; 8];
        let from = match consumers.len() {
            1 => 0,
            _ => any.wait(&mut consumers, Deadline::NEVER).expect("a ring in order"),
        };
        consumers[from].recv(&mut sent).expect("a ring in order");
        late.push(kernel_ns(libc::CLOCK_MONOTONIC) - u64::from_ne_bytes(sent));
    }
    ledger.set(ELAPSED_NS, kernel_ns(libc::CLOCK_MONOTONIC) - begun);
    ledger.set(USED_NS, kernel_ns(libc::CLOCK_PROCESS_CPUTIME_ID) - used);
    late.sort_unstable();
    ledger.set(P50, late[late.len() / 2]);
    ledger.set(P99, late[late.len() * 99 / 100]);
}
