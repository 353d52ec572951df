//! The transports that are measured, by name, and how each is set up.

use ironring::Wait;

use crate::{
    contender::{Contender, Kernel, NOT_BUILT, Peer, WAITS},
    report::{About, Access, Form, Sides},
    transport::{BackOff, Idle},
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
    Peer(Peer),
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

const fn peer(name: &'static str, version: &'static str, peer: Peer, setup: &'static str) -> Transport {
    Transport { name, version, setup, carrier: Carrier::Peer(peer) }
}

/// All transports.
pub const TRANSPORTS: [Transport; 24] = [
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
    peer(
        "iceoryx2",
        "iceoryx2 0.10",
        Peer::Iceoryx2,
        "publish and subscribe of slices of bytes, aligned to 8, without history, one publisher and one subscriber; no \
         overflow: who finds a full buffer retries (RetryUntilDelivered); spin: receive() until there is a sample; \
         block: a notify() a message, and a listener's timed_wait() of 10 ms, since it misses wake-ups; as many messages as ironring-mpmc or \
         ironring-spsc, and 0, 16 or 64 pauses between two looks, whichever is best in the first repeat; it has no \
         batches",
    ),
    peer(
        "shmem-ipc",
        "shmem-ipc 0.3",
        Peer::ShmemIpc,
        "a ring of values; spin: without its signals; block: its eventfds, send_raw and receive_raw; capacity and \
         pauses as iceoryx2; batches are written and read by one call",
    ),
    peer(
        "ipc-channel",
        "ipc-channel 0.23",
        Peer::IpcChannel,
        "a channel of bytes, which is not serialised; send and recv, which wait in the kernel; it has no batches",
    ),
    peer(
        "cloudtoid",
        "cloudtoid-interprocess 3",
        Peer::Cloudtoid,
        "a queue in /dev/shm; spin: try_send and try_recv_into; block: recv, and try_send with a yield while it is full, \
         for which it has no way to wait; capacity and pauses as iceoryx2; batches are sent by try_send_batch, and \
         received singly",
    ),
    peer(
        "crossbeam-channel",
        "crossbeam-channel 0.5",
        Peer::CrossbeamChannel,
        "a reference within one process: its sides are threads; a bounded channel; spin: try_send and try_recv; block: \
         send and recv; capacity and pauses as iceoryx2; it has no batches",
    ),
    peer(
        "disruptor",
        "disruptor 4",
        Peer::Disruptor,
        "a reference within one process: its sides are threads; one producer and an event poller; capacity, a power of \
         two, and pauses as iceoryx2; batches by try_batch_publish and take",
    ),
    peer(
        "zeromq",
        "libzmq.so.5",
        Peer::ZeroMq,
        "a PUSH and a PULL socket over ipc://, connected before anything is timed, a context each, with one thread for the \
         kernel; high water marks of as many \
         messages as ironring-mpmc or ironring-spsc; it waits; it makes batches of its own",
    ),
    peer(
        "nng",
        "libnng.so.1",
        Peer::Nng,
        "a push and a pull socket over ipc://, connected before anything is timed, buffers of as many messages as zeromq, and at most 8192, where it has them; \
         it waits; it has no batches",
    ),
    peer(
        "boost-interprocess",
        match option_env!("BOOST_VERSION") {
            Some(version) => version,
            None => "Boost",
        },
        Peer::BoostQueue,
        "Boost.Interprocess's message_queue, optimised, all messages of one priority; spin: try_send and try_receive; block: \
         send and receive; capacity and pauses as iceoryx2; it has no batches",
    ),
    peer(
        "rte-ring",
        match option_env!("DPDK_VERSION") {
            Some(version) => version,
            None => "DPDK",
        },
        Peer::RteRing,
        "a ring of values in a memfd, for one producer and one consumer (RING_F_SP_ENQ, RING_F_SC_DEQ), without DPDK's \
         environment and without huge pages; spin: it has no way to wait; capacity, a power of two less one, and pauses as \
         iceoryx2; batches by bursts",
    ),
];

/// Sizes for which rings of values were built.
const VALUES: [usize; 7] = [8, 16, 48, 64, 256, 1024, 4096];
/// Why others are not sent in one.
const VALUES_ONLY: &str = "its values are of 8, 16, 48, 64, 256, 1024 or 4096 bytes here";
/// The size from which on it is measured what it gains not to copy.
const LONG: usize = 1024;

impl Transport {
    /// The transport of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TRANSPORTS.into_iter().find(|transport| transport.name == name)
    }

    /// Whether it is another crate, that is there with the feature `peers`.
    #[must_use]
    pub fn is_peer(self) -> bool {
        matches!(self.carrier, Carrier::Peer(_))
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
            Carrier::Spsc => rings(|form| Contender::spsc(form, capacity(size)), shape, size, quick),
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
            Carrier::Peer(_) if cfg!(not(feature = "peers")) => return Err(NOT_BUILT),
            Carrier::ArrayQueue | Carrier::Rtrb if !is_value => return Err(VALUES_ONLY),
            Carrier::Peer(peer) => return peers(peer, shape, size),
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

/// The ways in which another crate is measured.
fn peers(peer: Peer, shape: Shape, size: usize) -> Result<Vec<Vec<Contender>>, &'static str> {
    let is_survival = matches!(shape, Shape::Survivors { .. });
    let is_shared = matches!(peer, Peer::Cloudtoid | Peer::CrossbeamChannel | Peer::BoostQueue);
    let has_batches = matches!(peer, Peer::ShmemIpc | Peer::Cloudtoid | Peer::Disruptor | Peer::RteRing);
    match peer {
        Peer::ShmemIpc | Peer::CrossbeamChannel | Peer::Disruptor if ![8, 48, 64, 1024].contains(&size) => {
            return Err("its values are of 8, 48, 64 or 1024 bytes here");
        }
        Peer::CrossbeamChannel | Peer::Disruptor if is_survival => {
            return Err("who kills one of its threads kills all");
        }
        Peer::Iceoryx2 | Peer::Disruptor if !shape.is_pair() => {
            return Err("each of its consumers gets every message: none to share");
        }
        Peer::RteRing if !shape.is_pair() => return Err("it is measured with one producer and one consumer"),
        _ if !shape.is_pair() && !is_shared => {
            return Err("it has one consumer, and is measured with one producer");
        }
        _ if shape.batch() > 1 && !has_batches => return Err("it has no batches"),
        _ => {}
    }
    let mut room = vec![messages(size), (capacity(size) / size as u64).max(shape.batch() as u64)];
    room.dedup();
    let variants = |idle: &[Idle]| -> Vec<Contender> {
        let all = room.iter().flat_map(|messages| idle.iter().map(|idle| (*messages, *idle)));
        all.map(|(messages, idle)| Contender::Peer { peer, messages, idle }).collect()
    };
    let (spins, waits) = (variants(&[0, 16, 64].map(Idle::Pauses)), variants(&[Idle::Waits]));
    Ok(match peer {
        Peer::IpcChannel => vec![vec![waits[0]]],
        // The threads of a library have the core of their side: who spins keeps it from them.
        Peer::ZeroMq | Peer::Nng => vec![waits],
        Peer::Disruptor | Peer::RteRing => vec![spins],
        // Where more sides than cores may spin, none should.
        _ if !shape.is_pair() => vec![waits],
        _ => vec![spins, waits],
    })
}

/// Bytes of a ring for one producer and one consumer.
fn capacity(size: usize) -> u64 {
    (if size < LONG { 256 << 10 } else { 1 << 20 }).max(4 * size as u64)
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
