//! The transports that are measured, by name, and how each is set up.

use ironring::Wait;

use crate::{
    contender::{Contender, Kernel, WAITS},
    report::{About, Access, Form, Sides},
    transport::BackOff,
};

use super::plan::Shape;

/// Who carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Spsc,
    Mpmc,
    Kernel(Kernel),
    ArrayQueue,
    Rtrb,
}

/// A transport that can be measured.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    /// Its name in reports.
    pub name: &'static str,
    version: &'static str,
    setup: &'static str,
    carrier: Carrier,
}

const fn kernel(name: &'static str, kernel: Kernel, setup: &'static str) -> Transport {
    Transport { name, version: "the kernel", setup, carrier: Carrier::Kernel(kernel) }
}

/// All transports.
pub const TRANSPORTS: [Transport; 14] = [
    Transport {
        name: "ironring-spsc",
        version: concat!("ironring ", env!("CARGO_PKG_VERSION")),
        setup: "a ring of 256 KiB for messages below 1 KiB, else of 1 MiB, or of 4 messages if that is more",
        carrier: Carrier::Spsc,
    },
    Transport {
        name: "ironring-mpmc",
        version: concat!("ironring ", env!("CARGO_PKG_VERSION")),
        setup: "1024 messages of up to 1 KiB, or as many longer ones as are 1 MiB, at least 8; batches lie in one \
                slot; 16 places for participants; the journal and the recovery are on, as always",
        carrier: Carrier::Mpmc,
    },
    kernel("pipe", Kernel::Pipe, "1 MiB by F_SETPIPE_SZ; a write and a read a message, or a batch"),
    kernel("fifo", Kernel::Fifo, "made by mkfifo in the directory for temporary files; as pipe"),
    kernel(
        "unix-stream",
        Kernel::UnixStream,
        "a socketpair; SO_SNDBUF of 1 MiB, or as much as net.core.wmem_max grants; a write and a read a message, \
         or a batch",
    ),
    kernel(
        "unix-dgram",
        Kernel::UnixDgram,
        "a socketpair; SO_SNDBUF as unix-stream; send and recv, sendmmsg and recvmmsg for batches",
    ),
    kernel("unix-seqpacket", Kernel::UnixSeqpacket, "a socketpair; as unix-dgram"),
    kernel(
        "tcp",
        Kernel::Tcp,
        "127.0.0.1, TCP_NODELAY at both ends, buffers as the kernel tunes them; a write and a read a message, or a \
         batch",
    ),
    kernel(
        "posix-mq",
        Kernel::PosixMq,
        "1024 messages, or the largest power of two below that the kernel grants; it has no batches",
    ),
    kernel("sysv-mq", Kernel::SysvMq, "msg_qbytes of 1 MiB, or what the kernel grants; it has no batches"),
    kernel(
        "eventfd",
        Kernel::Eventfd,
        "a floor of blocking: a message of 8 bytes in shared memory, one write and one read",
    ),
    kernel(
        "futex",
        Kernel::Futex,
        "the floor of blocking: a message of 8 bytes in shared memory, and FUTEX_WAKE for each; who finds nothing sleeps",
    ),
    Transport {
        name: "crossbeam-arrayqueue",
        version: "crossbeam-queue 0.3",
        setup: "a reference within one process: its sides are threads; as many messages as ironring-mpmc; between two \
                looks none or 16 pauses, or crossbeam's spin or snooze, whichever is best in the first repeat; it has \
                no batches",
        carrier: Carrier::ArrayQueue,
    },
    Transport {
        name: "rtrb",
        version: "rtrb 0.4",
        setup: "a reference within one process: its sides are threads; 256 KiB or 1 MiB, and 0, 16 or 64 pauses \
                between two looks, whichever is best in the first repeat; batches are chunks",
        carrier: Carrier::Rtrb,
    },
];

/// Sizes for which rings of values were built.
const VALUES: [usize; 7] = [8, 16, 48, 64, 256, 1024, 4096];
/// The size from which on it is measured what it gains not to copy.
const LONG: usize = 1024;

impl Transport {
    /// The transport of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TRANSPORTS.into_iter().find(|transport| transport.name == name)
    }

    /// How it is set up.
    #[must_use]
    pub fn about(self) -> About {
        let Self { name, version, setup, .. } = self;
        About { transport: name.into(), version: version.into(), setup: setup.into() }
    }

    /// The ways in which it is measured: variants of each, of which the best counts. Else why it
    /// is not.
    pub(super) fn ways(
        self,
        shape: Shape,
        size: usize,
        quick: bool,
    ) -> Result<Vec<Vec<Contender>>, &'static str> {
        let is_value = VALUES.contains(&size);
        let is_stream = !matches!(shape, Shape::Latency);
        let is_pair = shape.is_pair();
        let is_survival = matches!(shape, Shape::Survivors { .. });
        let is_crowd = !is_pair && !is_survival;
        let batch = shape.batch();
        Ok(match self.carrier {
            Carrier::Spsc if !is_pair => return Err("it has one producer and one consumer"),
            Carrier::Spsc => {
                let capacity = (if size < LONG { 256 << 10 } else { 1 << 20 }).max(4 * size as u64);
                rings(|form| Contender::spsc(form, capacity), shape, size, quick)
            }
            Carrier::Mpmc => {
                rings(|form| Contender::mpmc(form, Sides::Processes, messages(size)), shape, size, quick)
            }
            Carrier::Kernel(Kernel::Futex | Kernel::Eventfd) if is_stream || size != 8 => {
                return Err("it is a floor: a ping-pong of 8 bytes");
            }
            Carrier::Kernel(Kernel::PosixMq | Kernel::SysvMq) if batch > 1 => {
                return Err("it has no batches");
            }
            Carrier::Kernel(Kernel::Pipe | Kernel::Fifo | Kernel::UnixStream | Kernel::Tcp) if is_crowd => {
                return Err("a stream of bytes has no messages for several to share");
            }
            Carrier::Kernel(kernel) => vec![vec![Contender::Kernel(kernel)]],
            Carrier::ArrayQueue | Carrier::Rtrb if !is_value => {
                return Err("its values are of 8, 16, 48, 64, 256, 1024 or 4096 bytes here");
            }
            Carrier::ArrayQueue if is_survival => return Err("who kills one of its threads kills all"),
            Carrier::ArrayQueue if batch > 1 => return Err("it has no batches"),
            Carrier::ArrayQueue => {
                let messages = messages(size);
                let all = [BackOff::Pauses(0), BackOff::Pauses(16), BackOff::Spin, BackOff::Snooze];
                vec![all.map(|back_off| Contender::ArrayQueue { messages, back_off }).to_vec()]
            }
            Carrier::Rtrb if !is_pair => return Err("it has one producer and one consumer"),
            Carrier::Rtrb => {
                let all = [256 << 10, 1 << 20]
                    .map(|capacity| [0, 16, 64].map(|pauses| Contender::Rtrb { capacity, pauses }));
                vec![all.concat()]
            }
        })
    }
}

/// How many messages of a size the exchange ring and its peer hold.
fn messages(size: usize) -> u64 {
    ((1 << 20) / size as u64).clamp(8, 1024)
}

/// The ways in which a ring is measured.
fn rings(ring: impl Fn(Form) -> Contender, shape: Shape, size: usize, quick: bool) -> Vec<Vec<Contender>> {
    let (bytes, typed) = (ring(Form::Bytes), ring(Form::Typed));
    let in_place = bytes.accessed(Access::InPlace);
    let waits = WAITS.map(|(wait, _)| bytes.waiting(wait));
    let is_value = VALUES.contains(&size) && !quick;
    let mut all = match shape {
        // Where more sides than cores may spin, none should.
        _ if !shape.is_pair() => {
            let best = Wait::SpinThenPark;
            let is_typed = is_value && !matches!(shape, Shape::Survivors { .. });
            let typed = is_typed.then(|| typed.waiting(best));
            return [bytes.waiting(best)].into_iter().chain(typed).map(|way| vec![way]).collect();
        }
        Shape::Throughput { batch, .. } if batch > 1 => vec![bytes.waiting(Wait::Spin)],
        Shape::OpenLoop { .. } => return waits.map(|way| vec![way]).to_vec(),
        _ => waits.to_vec(),
    };
    all.extend(is_value.then(|| typed.waiting(Wait::Spin)));
    let has_place = shape.batch() == 1 && size >= LONG;
    all.extend(has_place.then(|| in_place.waiting(Wait::Spin)));
    all.into_iter().map(|way| vec![way]).collect()
}
