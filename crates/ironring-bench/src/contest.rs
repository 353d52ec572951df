//! Who is measured, and how one measurement of each is run.

use std::{sync::Barrier, thread, time::Instant};

use ironring::{Options, Wait, mpmc, spsc};
use ironring_testkit::{Args, Ledger, Role, pin_to_core, roles::RoleFn};

use crate::{
    loops,
    transport::{Array, BackOff, Futex, Receiver, Rtrb, Sender, Shared},
};

/// Evaluates `$run` with the constant `$words`, the number of words that `$size` bytes are.
macro_rules! with_words {
    ($size:expr, $words:ident => $run:expr) => {
        with_words!($size, $words => $run, 8, 16, 48, 64, 256, 1024, 4096)
    };
    ($size:expr, $words:ident => $run:expr, $($known:literal),*) => {
        match $size {
            $($known => {
                const $words: usize = $known / 8;
                $run
            })*
            other => panic!("no measurement of {other} bytes: {:?}", [$($known),*]),
        }
    };
}

/// The cores of the sending and the receiving side.
pub type Cores = (usize, usize);

/// What is measured of a contender: sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// One-way nanoseconds of a ping-pong, the median of the run.
    Latency {
        /// Bytes of a message.
        size: usize,
        /// Messages to and fro.
        count: u64,
    },
    /// Nanoseconds a message in a stream.
    Throughput {
        /// Bytes of a message.
        size: usize,
        /// Messages that are sent together.
        batch: usize,
        /// Messages in all.
        count: u64,
    },
    /// Nanoseconds a message, of all messages, where several threads send and as many receive.
    Crowd {
        /// Bytes of a message.
        size: usize,
        /// How many threads send, and how many receive: half of each on each core.
        pairs: usize,
        /// Messages in all.
        count: u64,
    },
}

/// What the messages of a ring are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Bytes of any length.
    Bytes,
    /// Values of one size.
    Typed,
}

/// What the two sides of a ring are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Two processes.
    Processes,
    /// Threads of one process.
    Threads,
}

/// A kind of ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For one producer and one consumer.
    Spsc,
    /// For any number of them.
    Mpmc,
}

/// All ways to wait.
pub const WAITS: [Wait; 3] = [Wait::Spin, Wait::SpinThenPark, Wait::Park];

/// The ring in which ways to wait are compared.
#[must_use]
pub fn options() -> Options {
    Options::messages(1024)
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// A ring of values between two processes that wait so.
    Waiting {
        /// Which ring.
        kind: Kind,
        /// How both wait.
        wait: Wait,
    },
    /// A bare futex between two processes, for messages of 8 bytes.
    Futex,
    /// The ring for one producer and one consumer, in two processes.
    Spsc {
        /// What its messages are.
        form: Form,
        /// Bytes of its data area, about.
        capacity: u64,
    },
    /// The ring for any number of them.
    Mpmc {
        /// What its messages are.
        form: Form,
        /// What its participants are.
        sides: Sides,
        /// How many messages it holds.
        messages: u64,
        /// Places for participants.
        participants: u32,
        /// How many are attached, and do nothing, beside those that are measured.
        idle: u32,
    },
    /// rtrb between two threads.
    Rtrb {
        /// Bytes of its values, about.
        capacity: u64,
        /// Pauses between two looks at a ring that is empty or full.
        pauses: u32,
    },
    /// crossbeam's ArrayQueue between threads.
    ArrayQueue {
        /// How many messages it holds.
        messages: u64,
        /// What passes between two looks at a queue that is empty or full.
        back_off: BackOff,
    },
}

/// The roles of the processes that a measurement starts, for `roles::run`.
pub const ROLES: [(&str, RoleFn); 5] = [
    ("spsc-bytes", |mut args| far_side::<spsc::Ring<[u8]>>(Measure::from_args(&mut args), &mut args)),
    ("spsc-typed", |mut args| {
        let measure = Measure::from_args(&mut args);
        with_words!(measure.size(), W => far_side::<spsc::Ring<[u64; W]>>(measure, &mut args));
    }),
    ("mpmc-bytes", |mut args| far_side::<mpmc::Ring<[u8]>>(Measure::from_args(&mut args), &mut args)),
    ("mpmc-typed", |mut args| {
        let measure = Measure::from_args(&mut args);
        with_words!(measure.size(), W => far_side::<mpmc::Ring<[u64; W]>>(measure, &mut args));
    }),
    ("futex", |mut args| {
        let (measure, words) = (Measure::from_args(&mut args), args.ledger());
        measure.far(&mut Futex::new(&words, true), &mut Futex::new(&words, false));
    }),
];

impl Measure {
    /// Bytes of a message.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Latency { size, .. } | Self::Throughput { size, .. } | Self::Crowd { size, .. } => size,
        }
    }

    /// Messages that are sent together.
    const fn batch(self) -> usize {
        match self {
            Self::Throughput { batch, .. } => batch,
            Self::Latency { .. } | Self::Crowd { .. } => 1,
        }
    }

    fn to_args(self) -> [String; 3] {
        match self {
            Self::Latency { size, count } => [size.to_string(), "0".into(), count.to_string()],
            Self::Throughput { size, batch, count } => {
                [size.to_string(), batch.to_string(), count.to_string()]
            }
            Self::Crowd { .. } => panic!("a crowd is of threads"),
        }
    }

    fn from_args(args: &mut Args) -> Self {
        let (size, batch, count) = (args.parse("size"), args.parse("batch"), args.parse("count"));
        match batch {
            0 => Self::Latency { size, count },
            batch => Self::Throughput { size, batch, count },
        }
    }

    /// The near side: receives the stream, or starts the ping-pong. Nanoseconds a message.
    fn near(self, to: &mut impl Sender, from: &mut impl Receiver) -> f64 {
        match self {
            Self::Latency { size, count } => crate::statistics::median(&loops::ping(to, from, size, count)),
            Self::Throughput { size, batch, count } => loops::drain(from, size, batch, count),
            Self::Crowd { .. } => panic!("a crowd has more than two sides"),
        }
    }

    /// The far side.
    fn far(self, from: &mut impl Receiver, to: &mut impl Sender) {
        match self {
            Self::Latency { size, count } => loops::pong(from, to, size, count),
            Self::Throughput { size, batch, count } => loops::stream(to, size, batch, count),
            Self::Crowd { .. } => panic!("a crowd has more than two sides"),
        }
    }
}

/// Runs one measurement: nanoseconds a message. The calling thread is pinned.
///
/// # Panics
///
/// If a message is lost, spoilt or out of order, or a process cannot be started.
pub fn run(contender: Contender, measure: Measure, cores: Cores) -> f64 {
    pin_to_core(cores.1).expect("a core to run on");
    let size = measure.size();
    let processes = (Sides::Processes, 0, Wait::default());
    match contender {
        Contender::Waiting { kind: Kind::Spsc, wait } => with_words!(size, W => {
            ours::<spsc::Ring<[u64; W]>>("spsc-typed", &options(), (Sides::Processes, 0, wait), measure, cores)
        }),
        Contender::Waiting { kind: Kind::Mpmc, wait } => with_words!(size, W => {
            ours::<mpmc::Ring<[u64; W]>>("mpmc-typed", &options(), (Sides::Processes, 0, wait), measure, cores)
        }),
        Contender::Futex => {
            let words = Ledger::new(Futex::WORDS).expect("a ledger");
            let role = Role::new("futex").args(measure.to_args()).ledger(&words);
            let (mut to, mut from) = (Futex::new(&words, true), Futex::new(&words, false));
            beside(role, measure, &mut to, &mut from, cores.0)
        }
        Contender::Spsc { form, capacity } => {
            let options = Options::bytes(capacity);
            match form {
                Form::Bytes => ours::<spsc::Ring<[u8]>>("spsc-bytes", &options, processes, measure, cores),
                Form::Typed => with_words!(size, W => {
                    ours::<spsc::Ring<[u64; W]>>("spsc-typed", &options, processes, measure, cores)
                }),
            }
        }
        Contender::Mpmc { form, sides, messages, participants, idle } => {
            let batch = measure.batch() as u32;
            let options = Options::messages(messages / u64::from(batch))
                .max_message(size as u64)
                .batch(batch)
                .participants(participants);
            match form {
                Form::Bytes => ours::<mpmc::Ring<[u8]>>(
                    "mpmc-bytes",
                    &options,
                    (sides, idle, Wait::default()),
                    measure,
                    cores,
                ),
                Form::Typed => with_words!(size, W => {
                    ours::<mpmc::Ring<[u64; W]>>("mpmc-typed", &options, (sides, idle, Wait::default()), measure, cores)
                }),
            }
        }
        Contender::Rtrb { capacity, pauses } => with_words!(size, W => {
            let queue = || {
                let (to, from) = rtrb::RingBuffer::<[u64; W]>::new(capacity as usize / size);
                (Rtrb { side: to, pauses }, Rtrb { side: from, pauses })
            };
            between_threads(queue(), queue(), measure, cores.0)
        }),
        Contender::ArrayQueue { messages, back_off } => with_words!(size, W => {
            let queue = || {
                let queue = Array::<W>::new(messages, back_off);
                (queue.clone(), queue)
            };
            match measure {
                Measure::Crowd { .. } => {
                    let (to, from) = queue();
                    among_threads(|| to.clone(), || from.clone(), measure, cores)
                }
                _ => between_threads(queue(), queue(), measure, cores.0),
            }
        }),
    }
}

/// Measures rings of this crate, whose sides wait so, with `idle` further consumers attached to each.
fn ours<R: Shared>(
    role: &str,
    options: &Options,
    (sides, idle, wait): (Sides, u32, Wait),
    measure: Measure,
    cores: Cores,
) -> f64 {
    let mut attached = Vec::new();
    let mut ring = || {
        let ring = R::anonymous(options);
        attached.extend((0..idle).map(|_| ring.consumer(wait)));
        ring
    };
    match (measure, sides) {
        (Measure::Crowd { .. }, Sides::Threads) => {
            let ring = ring();
            among_threads(|| ring.producer(wait), || ring.consumer(wait), measure, cores)
        }
        (_, Sides::Threads) => {
            let mut queue = || {
                let ring = ring();
                (ring.producer(wait), ring.consumer(wait))
            };
            between_threads(queue(), queue(), measure, cores.0)
        }
        (_, Sides::Processes) => between_processes(role, &[ring(), ring()], wait, measure, cores.0),
    }
}

/// Measures between this process and a child on `far_core`, by a ring there and one back.
fn between_processes<R: Shared>(
    role: &str,
    [there, back]: &[R; 2],
    wait: Wait,
    measure: Measure,
    far_core: usize,
) -> f64 {
    let index = WAITS.iter().position(|one| *one == wait).expect("one of all");
    let role = Role::new(role).args(measure.to_args()).arg(index);
    let role = role.pass_fd("there", there).pass_fd("back", back);
    // The near side of a stream is a consumer there, and the far side of it a producer.
    beside(role, measure, &mut back.producer(wait), &mut there.consumer(wait), far_core)
}

/// Measures by these two ends, whose others are those of a child on `far_core`.
fn beside(
    role: Role,
    measure: Measure,
    to: &mut impl Sender,
    from: &mut impl Receiver,
    far_core: usize,
) -> f64 {
    let mut child = role.pin(far_core).spawn().expect("a child");
    let nanoseconds = measure.near(to, from);
    assert!(child.wait().success(), "the other side failed");
    nanoseconds
}

fn far_side<R: Shared>(measure: Measure, args: &mut Args) {
    let wait = WAITS[args.parse::<usize>("wait")];
    let there = R::from_fd(args.fd("there"));
    let back = R::from_fd(args.fd("back"));
    measure.far(&mut back.consumer(wait), &mut there.producer(wait));
}

/// Measures between this thread and another one on `far_core`, by the two sides of one queue
/// and those of another one for the way back.
fn between_threads<S: Sender + Send, R: Receiver + Send>(
    (mut far_to, mut from): (S, R),
    (mut to, mut far_from): (S, R),
    measure: Measure,
    far_core: usize,
) -> f64 {
    thread::scope(|scope| {
        let other = scope.spawn(move || {
            pin_to_core(far_core).expect("a core to run on");
            measure.far(&mut far_from, &mut far_to);
        });
        let nanoseconds = measure.near(&mut to, &mut from);
        other.join().expect("the other side");
        nanoseconds
    })
}

/// Measures among threads that all use one queue.
fn among_threads<S: Sender + Send, R: Receiver + Send>(
    sender: impl Fn() -> S,
    receiver: impl Fn() -> R,
    measure: Measure,
    cores: Cores,
) -> f64 {
    let Measure::Crowd { size, pairs, count } = measure else { panic!("{measure:?} is of two sides") };
    let each = count / pairs as u64;
    let core = |number: usize| if number.is_multiple_of(2) { cores.0 } else { cores.1 };
    let start = Barrier::new(2 * pairs + 1);
    let start = &start;
    thread::scope(|scope| {
        let receivers: Vec<_> = (0..pairs)
            .map(|number| {
                let mut from = receiver();
                scope.spawn(move || {
                    pin_to_core(core(number)).expect("a core to run on");
                    start.wait();
                    loops::drain_share(&mut from, size, pairs)
                })
            })
            .collect();
        for number in 0..pairs {
            let mut to = sender();
            scope.spawn(move || {
                pin_to_core(core(number)).expect("a core to run on");
                start.wait();
                loops::stream_share(&mut to, size, number, pairs, each);
            });
        }
        start.wait();
        let begun = Instant::now();
        let received: u64 = receivers.into_iter().map(|receiver| receiver.join().expect("a receiver")).sum();
        let nanoseconds = begun.elapsed().as_nanos() as f64;
        assert_eq!(received, each * pairs as u64, "messages were lost, or came twice");
        nanoseconds / received as f64
    })
}
