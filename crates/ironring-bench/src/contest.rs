//! Who is measured, and how one measurement of each is run.

use std::thread;

use bytemuck::Pod;
use ironring::{Options, Payload, spsc};
use ironring_testkit::{Args, Role, pin_to_core, roles::RoleFn};

use crate::{
    loops,
    transport::{Receiver, Rtrb, Sender},
};

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
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// A byte ring between two processes.
    Bytes {
        /// Bytes of its data area.
        capacity: u64,
    },
    /// A ring of values between two processes.
    Typed {
        /// Bytes of its data area, about.
        capacity: u64,
    },
    /// rtrb between two threads.
    Rtrb {
        /// Bytes of its values, about.
        capacity: u64,
        /// Pauses between two looks at a ring that is empty or full.
        pauses: u32,
    },
}

/// The roles of the processes that a measurement starts, for `roles::run`.
pub const ROLES: [(&str, RoleFn); 2] = [("bytes", child_bytes), ("typed", child_typed)];

/// Calls `$run::<W>($args)` with the number of words that `$size` bytes are.
macro_rules! with_words {
    ($size:expr, $run:ident ( $($arg:expr),* )) => {
        match $size {
            8 => $run::<1>($($arg),*),
            48 => $run::<6>($($arg),*),
            64 => $run::<8>($($arg),*),
            256 => $run::<32>($($arg),*),
            1024 => $run::<128>($($arg),*),
            4096 => $run::<512>($($arg),*),
            other => panic!("no measurement of {other} bytes: 8, 48, 64, 256, 1024 or 4096"),
        }
    };
}

impl Measure {
    const fn size(self) -> usize {
        match self {
            Self::Latency { size, .. } | Self::Throughput { size, .. } => size,
        }
    }

    fn to_args(self) -> [String; 3] {
        match self {
            Self::Latency { size, count } => [size.to_string(), "0".into(), count.to_string()],
            Self::Throughput { size, batch, count } => {
                [size.to_string(), batch.to_string(), count.to_string()]
            }
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
        }
    }

    /// The far side.
    fn far(self, from: &mut impl Receiver, to: &mut impl Sender) {
        match self {
            Self::Latency { size, count } => loops::pong(from, to, size, count),
            Self::Throughput { size, batch, count } => loops::stream(to, size, batch, count),
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
    match contender {
        Contender::Bytes { capacity } => {
            let there = spsc::Ring::<[u8]>::anonymous(&Options::bytes(capacity)).expect("a ring");
            let back = spsc::Ring::<[u8]>::anonymous(&Options::bytes(capacity)).expect("a ring");
            between_processes("bytes", &there, &back, measure, cores.0)
        }
        Contender::Typed { capacity } => with_words!(measure.size(), typed(capacity, measure, cores.0)),
        Contender::Rtrb { capacity, pauses } => {
            with_words!(measure.size(), between_threads(capacity, pauses, measure, cores.0))
        }
    }
}

fn typed<const W: usize>(capacity: u64, measure: Measure, far_core: usize) -> f64
where
    [u64; W]: Pod,
{
    let make = || spsc::Ring::<[u64; W]>::anonymous(&Options::bytes(capacity)).expect("a ring");
    between_processes("typed", &make(), &make(), measure, far_core)
}

/// Measures between this process and a child on `far_core`.
fn between_processes<M: Payload + ?Sized>(
    role: &str,
    there: &spsc::Ring<M>,
    back: &spsc::Ring<M>,
    measure: Measure,
    far_core: usize,
) -> f64
where
    spsc::Producer<M>: Sender,
    spsc::Consumer<M>: Receiver,
{
    let mut child = Role::new(role)
        .args(measure.to_args())
        .pass_fd("there", there)
        .pass_fd("back", back)
        .pin(far_core)
        .spawn()
        .expect("a child");
    let (mut to, mut from) = (there.producer().expect("a producer"), back.consumer().expect("a consumer"));
    let nanoseconds = measure.near(&mut to, &mut from);
    assert!(child.wait().success(), "the other side failed");
    nanoseconds
}

fn child_bytes(mut args: Args) {
    let measure = Measure::from_args(&mut args);
    far_side::<[u8]>(measure, &mut args);
}

fn child_typed(mut args: Args) {
    fn sized<const W: usize>(measure: Measure, args: &mut Args)
    where
        [u64; W]: Pod,
    {
        far_side::<[u64; W]>(measure, args);
    }
    let measure = Measure::from_args(&mut args);
    with_words!(measure.size(), sized(measure, &mut args));
}

fn far_side<M: Payload + ?Sized>(measure: Measure, args: &mut Args)
where
    spsc::Producer<M>: Sender,
    spsc::Consumer<M>: Receiver,
{
    let there = spsc::Ring::<M>::from_fd(args.fd("there")).expect("the ring there");
    let back = spsc::Ring::<M>::from_fd(args.fd("back")).expect("the ring back");
    let (mut from, mut to) = (there.consumer().expect("a consumer"), back.producer().expect("a producer"));
    measure.far(&mut from, &mut to);
}

/// Measures between this thread and another one on `far_core`.
fn between_threads<const W: usize>(capacity: u64, pauses: u32, measure: Measure, far_core: usize) -> f64
where
    [u64; W]: Pod,
{
    let slots = capacity as usize / (W * 8);
    let (to, far_from) = rtrb::RingBuffer::<[u64; W]>::new(slots);
    let (far_to, from) = rtrb::RingBuffer::<[u64; W]>::new(slots);
    let [mut to, mut far_to] = [to, far_to].map(|side| Rtrb { side, pauses });
    let [mut from, mut far_from] = [from, far_from].map(|side| Rtrb { side, pauses });
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
