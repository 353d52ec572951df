//! What huge pages, population, locking and binding change, in one run: the table of docs/REGIONS.md.
//!
//! Each sample is a new ring and a new pair of processes, which have warmed up on another ring, and of
//! which each looks whether its mapping is what was asked for. The samples are interleaved and shuffled;
//! the table has medians with 95 percent intervals.

mod effect;
#[path = "../../tests/support/huge.rs"]
#[allow(dead_code, reason = "it has more than is needed here")]
mod huge;

use std::time::{Duration, Instant};

use ironring::{
    HugePages, Options, Wait, WhenAlone,
    spsc::{Consumer, Producer, Ring},
};
use ironring_bench::{
    clock::kernel_ns,
    statistics::{Estimate, estimate, median},
};
use ironring_testkit::{Args, Ledger, Role, cores, floor, rng::fastrand::Rng, roles};

use effect::{Variant, When};

/// Bytes of a message; with its header it takes [`FRAME`] of the ring.
const MESSAGE: usize = 248;
const FRAME: u64 = 256;
/// Rings: one that stays in a core's cache, and one that no cache holds.
const SIZES: [(&str, u64); 2] = [("64 KiB", 64 << 10), ("64 MiB", 64 << 20)];
/// Messages that are timed after the first lap, at least.
const STEADY: u64 = 400_000;
/// Messages before the ring that is measured.
const WARM: u32 = 500;

/// What a pair of processes measures, in nanoseconds: the ledger's words.
const ATTACH: usize = 0;
const FIRST: usize = 1;
const BEGUN: usize = 2;
const LAP: usize = 3;
const END: usize = 4;
const LATER: usize = 5;
/// Bytes.
const HUGE: usize = 6;

fn now() -> u64 {
    kernel_ns(libc::CLOCK_MONOTONIC)
}

/// One that is like no other.
const fn variant(name: &'static str, pages: HugePages) -> Variant {
    Variant { name, pages, populate: false, lock: false, node: None }
}

const SMALL: Variant = variant("4 KiB", HugePages::Never);
const ADVISED: Variant = variant("advised (THP)", HugePages::Prefer);
const RESERVED: Variant = variant("reserved (hugetlb)", HugePages::Require);

const VARIANTS: [Variant; 12] = [
    SMALL,
    Variant { name: "4 KiB, populated", populate: true, ..SMALL },
    Variant { name: "4 KiB, locked", lock: true, ..SMALL },
    Variant { name: "4 KiB, of node 0", node: Some(0), ..SMALL },
    ADVISED,
    Variant { name: "advised, populated", populate: true, ..ADVISED },
    Variant { name: "advised, locked", lock: true, ..ADVISED },
    Variant { name: "advised, of node 0", node: Some(0), ..ADVISED },
    RESERVED,
    Variant { name: "reserved, populated", populate: true, ..RESERVED },
    Variant { name: "reserved, locked", lock: true, ..RESERVED },
    Variant { name: "reserved, of node 0", node: Some(0), ..RESERVED },
];

fn main() {
    roles::run(&[("send", send), ("receive", receive)]);
    let rounds: usize = std::env::var("MEMORY_ROUNDS").map_or(25, |n| n.parse().expect("a number of rounds"));
    let there = cores();
    let [from, .., to] = there[..] else { panic!("two cores are needed, this process may run on {there:?}") };
    let free = huge::free();
    assert_eq!(
        free, 0,
        "free reserved pages, which rows would have that are to be advised: sysctl vm.nr_hugepages=0"
    );
    let cases: Vec<_> = SIZES.iter().flat_map(|size| (0..VARIANTS.len()).map(move |at| (size, at))).collect();
    let mut found: Vec<Vec<Sample>> = cases.iter().map(|_| Vec::new()).collect();
    let mut floors = Vec::new();
    let mut rng = Rng::new();
    for _ in 0..rounds {
        floors.push(floor::probe((from, to), 20_000).expect("a probe").p50_ns);
        let mut order: Vec<_> = (0..cases.len()).collect();
        rng.shuffle(&mut order);
        for index in order {
            let ((_, bytes), variant) = cases[index];
            found[index].extend(sample(variant, *bytes, (from, to)));
        }
    }
    let floor = estimate(&floors);
    println!(
        "{rounds} samples a row, messages of {MESSAGE} bytes, floor between the cores {:.0} ns ({:.0} .. {:.0}):\n",
        floor.median,
        floors.iter().copied().fold(f64::INFINITY, f64::min),
        floors.iter().copied().fold(0.0, f64::max),
    );
    println!(
        "| ring | pages | of huge pages | {} |\n|---{}|",
        COLUMNS.map(|(name, _)| name).join(" | "),
        "|---".repeat(COLUMNS.len() + 2)
    );
    for (((size, _), variant), samples) in cases.iter().zip(&found).filter(|(_, samples)| !samples.is_empty())
    {
        assert_eq!(samples.len(), rounds, "some samples of a row could not be taken");
        let columns = COLUMNS.map(|(_, value)| {
            let Estimate { median, low, high } = estimate(&samples.iter().map(value).collect::<Vec<_>>());
            format!("{} ({} .. {})", short(median), short(low), short(high))
        });
        let huge = median(&samples.iter().map(|sample| sample.huge).collect::<Vec<_>>());
        println!(
            "| {size} | {} | {:.0} MiB | {} |",
            VARIANTS[*variant].name,
            huge / f64::from(1 << 20),
            columns.join(" | ")
        );
    }
}

/// What is in the table, with its unit, and where it comes from.
type Column = (&'static str, fn(&Sample) -> f64);

const COLUMNS: [Column; 6] = [
    ("create, µs", |sample| sample.create / 1e3),
    ("attach, µs", |sample| sample.attach / 1e3),
    ("first message, µs", |sample| sample.first / 1e3),
    ("a later one, µs", |sample| sample.later / 1e3),
    ("first lap, ns a message", |sample| sample.lap),
    ("then, ns a message", |sample| sample.steady),
];

/// Three digits of it.
fn short(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// One ring and one pair of processes, in nanoseconds; the laps a message.
struct Sample {
    create: f64,
    attach: f64,
    first: f64,
    later: f64,
    lap: f64,
    steady: f64,
    /// Bytes of it that the sender has by huge pages.
    huge: f64,
}

fn sample(variant: usize, bytes: u64, (from, to): (usize, usize)) -> Option<Sample> {
    let Variant { pages, populate, lock, node, .. } = VARIANTS[variant];
    let [there, back] =
        [(); 2].map(|()| Ring::<[u8]>::anonymous(&Options::bytes(64 << 10)).expect("a ring to warm up on"));
    let options = Options::bytes(bytes).huge_pages(pages).populate(populate).lock(lock);
    let options = node.map_or(options, |node| options.node(node));
    // Until the sample is taken: what handles map later is by the setting of then.
    let _setting = match pages {
        HugePages::Require => Some(huge::reserve(bytes.div_ceil(2 << 20) + 2)?),
        HugePages::Prefer => Some(huge::advise()?),
        HugePages::Never => None,
    };
    let begun = Instant::now();
    let ring = Ring::<[u8]>::anonymous(&options).expect("a ring");
    let create = begun.elapsed().as_nanos() as f64;
    let ledger = Ledger::new(7).expect("a ledger");
    let start = |role: &str, core| {
        let role = Role::new(role).ledger(&ledger).pin(core).pass_fd("ring", &ring).arg(variant);
        role.pass_fd("there", &there).pass_fd("back", &back).spawn().expect("a process")
    };
    let mut ends = [start("receive", to), start("send", from)];
    for end in &mut ends {
        let ended = end.wait_timeout(Duration::from_secs(60)).expect("it ends within a minute");
        assert!(ended.success(), "{ended}");
    }
    let ns = |word: usize| ledger.get(word) as f64;
    let lap = ring.capacity() / FRAME;
    Some(Sample {
        create,
        attach: ns(ATTACH),
        first: ns(FIRST),
        later: ns(LATER),
        lap: (ns(LAP) - ns(BEGUN)) / lap as f64,
        steady: (ns(END) - ns(LAP)) / steady(lap) as f64,
        huge: ns(HUGE),
    })
}

/// Messages after the first lap: whole laps.
fn steady(lap: u64) -> u64 {
    STEADY.next_multiple_of(lap)
}

/// The end of a ring that neither sleeps nor gives up.
fn producer(ring: &Ring<[u8]>) -> Producer<[u8]> {
    let mut producer = ring.producer().expect("a producer");
    producer.set_wait(Wait::Spin).set_when_alone(WhenAlone::Wait);
    producer
}

fn consumer(ring: &Ring<[u8]>) -> Consumer<[u8]> {
    let mut consumer = ring.consumer().expect("a consumer");
    consumer.set_wait(Wait::Spin).set_when_alone(WhenAlone::Wait);
    consumer
}

fn passed(args: &mut Args, name: &str) -> Ring<[u8]> {
    Ring::from_fd(args.fd(name)).expect("a ring")
}

fn stream(producer: &mut Producer<[u8]>, messages: u64) {
    for _ in 0..messages {
        producer.send(&[7; MESSAGE]).expect("sent");
    }
}

fn drain(consumer: &mut Consumer<[u8]>, messages: u64) {
    let mut message = [0; MESSAGE];
    for _ in 0..messages {
        consumer.recv_into(&mut message).expect("a message");
        std::hint::black_box(&message);
    }
}

/// Sends the time, once the other side waits for it.
fn send_time(to: &mut Producer<[u8]>, from: &mut Consumer<[u8]>) {
    drain(from, 1);
    let begun = now();
    while now() < begun + 20_000 {
        std::hint::spin_loop();
    }
    let mut message = [0; MESSAGE];
    message[..8].copy_from_slice(&now().to_ne_bytes());
    to.send(&message).expect("sent");
}

/// Says that it waits, and receives the time: how long ago that was.
fn receive_time(from: &mut Consumer<[u8]>, to: &mut Producer<[u8]>) -> u64 {
    stream(to, 1);
    let mut message = [0; MESSAGE];
    from.recv_into(&mut message).expect("a message");
    let received = now();
    received - u64::from_ne_bytes(message[..8].try_into().expect("eight bytes"))
}

/// Role: sends, on a ring that it has not touched yet.
fn send(mut args: Args) {
    let ledger = args.ledger();
    let variant = &VARIANTS[args.parse::<usize>("variant")];
    let mut there = producer(&passed(&mut args, "there"));
    let mut back = consumer(&passed(&mut args, "back"));
    for _ in 0..WARM {
        send_time(&mut there, &mut back);
    }
    stream(&mut there, STEADY / 10);
    let ring = passed(&mut args, "ring");
    let begun = now();
    let mut producer = producer(&ring);
    ledger.set(ATTACH, now() - begun);
    variant.must_be_in_effect(&ring, When::Attached);
    send_time(&mut producer, &mut back);

    let lap = ring.capacity() / FRAME;
    drain(&mut back, 1);
    ledger.set(BEGUN, now());
    stream(&mut producer, lap + steady(lap));
    send_time(&mut producer, &mut back);
    ledger.set(HUGE, variant.must_be_in_effect(&ring, When::AfterALap));
}

/// Role: receives.
fn receive(mut args: Args) {
    let ledger = args.ledger();
    let variant = &VARIANTS[args.parse::<usize>("variant")];
    let mut there = consumer(&passed(&mut args, "there"));
    let mut back = producer(&passed(&mut args, "back"));
    for _ in 0..WARM {
        receive_time(&mut there, &mut back);
    }
    drain(&mut there, STEADY / 10);
    let ring = passed(&mut args, "ring");
    let mut consumer = consumer(&ring);
    variant.must_be_in_effect(&ring, When::Attached);
    ledger.set(FIRST, receive_time(&mut consumer, &mut back));

    let lap = ring.capacity() / FRAME;
    stream(&mut back, 1);
    drain(&mut consumer, lap);
    ledger.set(LAP, now());
    drain(&mut consumer, steady(lap));
    ledger.set(END, now());
    ledger.set(LATER, receive_time(&mut consumer, &mut back));
    variant.must_be_in_effect(&ring, When::AfterALap);
}
