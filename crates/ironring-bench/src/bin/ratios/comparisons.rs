//! Who is compared with whom, by what, and what is to be reached.

use ironring::Wait;
use ironring_bench::{
    contender::{Contender, Kernel},
    length::Length::Messages,
    measure::Measure,
    report::{Form, Sides},
    transport::BackOff,
};

/// A contender, what it is compared with, and what is to be reached.
pub(crate) struct Comparison {
    pub(crate) name: String,
    pub(crate) measure: Measure,
    pub(crate) ours: Contender,
    /// The peer's variants: its best in each round counts. None: the floor.
    pub(crate) peers: Vec<Contender>,
    pub(crate) target: Option<f64>,
}

const LATENCY_COUNT: u64 = 40_000;
const FORMS: [(Form, &str); 2] = [(Form::Bytes, "bytes"), (Form::Typed, "typed")];

pub(crate) fn all() -> Vec<Comparison> {
    let mut all = spsc();
    all.extend(mpmc());
    all
}

/// The ring for one producer and one consumer, and rtrb.
fn spsc() -> Vec<Comparison> {
    let mut all = Vec::new();
    let ours = Contender::spsc;
    let rtrb = |capacity| [0, 16, 64].map(|pauses| Contender::Rtrb { capacity, pauses }).to_vec();
    for size in [8, 48, 1024] {
        let measure = Measure::Latency { size, length: Messages(LATENCY_COUNT) };
        for (form, kind) in FORMS {
            all.push(Comparison {
                name: format!("spsc latency {kind} {size} / floor"),
                measure,
                ours: ours(form, 64 << 10),
                peers: Vec::new(),
                target: (form == Form::Bytes && size <= 48).then_some(1.10),
            });
        }
        all.push(Comparison {
            name: format!("spsc latency rtrb {size} / floor"),
            measure,
            ours: Contender::Rtrb { capacity: 64 << 10, pauses: 0 },
            peers: Vec::new(),
            target: None,
        });
    }
    for (size, batch, count) in [
        (8, 1, 4_000_000),
        (8, 32, 16_000_000),
        (64, 1, 2_000_000),
        (64, 32, 4_000_000),
        (256, 1, 1_000_000),
        (1024, 1, 400_000),
        (4096, 1, 100_000),
    ] {
        // Both a ring that lies well within the second-level cache and one that fills it;
        // ours is given one capacity, the peer the better of the two in each round.
        let capacity = if size < 1024 { 256 << 10 } else { 1 << 20 };
        for (form, kind) in FORMS {
            all.push(Comparison {
                name: format!("spsc throughput {kind} {size} x{batch} / rtrb"),
                measure: Measure::stream(size, batch, Messages(count)),
                ours: ours(form, capacity),
                peers: [256 << 10, 1 << 20].map(rtrb).concat(),
                target: Some(if size == 8 { 1.0 } else { 1.2 }),
            });
        }
    }
    all
}

/// How many messages the exchange ring and its peer hold.
const MESSAGES: u64 = 1024;

/// The exchange ring as it is measured: its messages, what its participants are, a name.
const VARIANTS: [(Form, Sides, &str); 3] = [
    (Form::Typed, Sides::Threads, "typed"),
    (Form::Typed, Sides::Processes, "typed processes"),
    (Form::Bytes, Sides::Threads, "bytes"),
];

fn array_queue(messages: u64) -> Vec<Contender> {
    [BackOff::Pauses(0), BackOff::Pauses(16), BackOff::Spin, BackOff::Snooze]
        .map(|back_off| Contender::ArrayQueue { messages, back_off })
        .to_vec()
}

/// The ring for any number of producers and consumers, and crossbeam's ArrayQueue.
fn mpmc() -> Vec<Comparison> {
    let mut all = Vec::new();
    for (form, sides, kind) in VARIANTS {
        for (size, target) in [(8, 0.65), (48, 0.65), (1024, 0.9)] {
            let measure = Measure::Latency { size, length: Messages(LATENCY_COUNT) };
            all.push(Comparison {
                name: format!("mpmc latency {kind} {size} / ArrayQueue"),
                measure,
                ours: Contender::mpmc(form, sides, MESSAGES),
                peers: array_queue(MESSAGES),
                target: Some(target),
            });
            if size == 48 {
                all.push(Comparison {
                    name: format!("mpmc latency {kind} {size} / floor"),
                    measure,
                    ours: Contender::mpmc(form, sides, MESSAGES),
                    peers: Vec::new(),
                    target: Some(1.5),
                });
            }
        }
        for (size, batch, count, target) in [
            (8, 1, 1_000_000, 1.5),
            (64, 1, 1_000_000, 1.5),
            (1024, 1, 200_000, 1.5),
            (8, 32, 4_000_000, 5.0),
            (64, 32, 2_000_000, 3.0),
        ] {
            all.push(Comparison {
                name: format!("mpmc throughput {kind} {size} x{batch} / ArrayQueue"),
                measure: Measure::stream(size, batch, Messages(count)),
                ours: Contender::mpmc(form, sides, MESSAGES),
                peers: array_queue(MESSAGES),
                target: Some(target),
            });
        }
        // Several processes a side are what the kill tests are about; here the peer has none.
        for pairs in if sides == Sides::Threads { &[2, 4][..] } else { &[] } {
            for (size, count, target) in [(8, 1_000_000, 1.0), (64, 1_000_000, 1.3), (1024, 200_000, 1.3)] {
                all.push(Comparison {
                    name: format!("mpmc crowd {kind} {size} {pairs}P+{pairs}C / ArrayQueue"),
                    measure: Measure::crowd(size, *pairs, Messages(count / *pairs as u64)),
                    ours: Contender::mpmc(form, sides, MESSAGES),
                    peers: array_queue(MESSAGES),
                    target: Some(target),
                });
            }
        }
    }
    all
}

/// The exchange ring's throughput, one message an operation, against its capacity, the size of
/// its messages, and how many participants are attached and idle.
pub(crate) fn sweeps() -> Vec<Comparison> {
    const SIZE: usize = 64;
    let compare = |name, size, ours, messages| Comparison {
        name,
        measure: Measure::stream(size, 1, Messages(if size < 1024 { 2_000_000 } else { 200_000 })),
        ours,
        peers: array_queue(messages),
        target: None,
    };
    let typed = |messages| Contender::mpmc(Form::Typed, Sides::Threads, messages);
    let capacities = (4..=20).step_by(2).map(|bits| {
        compare(format!("mpmc capacity 2^{bits} / ArrayQueue"), SIZE, typed(1 << bits), 1 << bits)
    });
    let sizes = [8, 16, 48, 64, 256, 1024, 4096]
        .map(|size| compare(format!("mpmc size {size} / ArrayQueue"), size, typed(MESSAGES), MESSAGES));
    let attached = [2, 4, 8, 16, 64, 256].map(|participants| {
        let ours = typed(MESSAGES).crowded(participants);
        compare(format!("mpmc attached {participants} / ArrayQueue"), SIZE, ours, MESSAGES)
    });
    capacities.chain(sizes).chain(attached).collect()
}

/// Messages to and fro of which each wakes a sleeper.
const SLEEPS: u64 = 8_000;

/// Ways to wait against each other, and sleeping against what the kernel makes of it.
pub(crate) fn waiting() -> Vec<Comparison> {
    let mut all = Vec::new();
    let rings = [
        ("spsc", Contender::spsc(Form::Typed, 64 << 10)),
        ("mpmc", Contender::mpmc(Form::Typed, Sides::Processes, MESSAGES)),
    ];
    for (name, ring) in rings {
        let waiting = |wait| ring.waiting(wait);
        let mut compare = |what, measure, wait, peer, target| {
            let (ours, name) = (waiting(wait), format!("{name} {what}"));
            all.push(Comparison { name, measure, ours, peers: vec![peer], target: Some(target) });
        };
        let asleep = Measure::Latency { size: 8, length: Messages(SLEEPS) };
        compare("latency Park 8 / bare futex", asleep, Wait::Park, Contender::Kernel(Kernel::Futex), 1.05);
        let awake = Measure::Latency { size: 8, length: Messages(LATENCY_COUNT) };
        compare("latency SpinThenPark 8 / Spin", awake, Wait::SpinThenPark, waiting(Wait::Spin), 1.10);
        for (what, size, count) in [
            ("throughput SpinThenPark 8 x1 / Spin", 8, 4_000_000),
            ("throughput SpinThenPark 64 x1 / Spin", 64, 2_000_000),
        ] {
            let stream = Measure::stream(size, 1, Messages(count));
            compare(what, stream, Wait::SpinThenPark, waiting(Wait::Spin), 0.95);
        }
    }
    all
}
