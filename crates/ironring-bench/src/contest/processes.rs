//! Measurements between processes, a side each.

use std::io;

use ironring::{mpmc, spsc};
use ironring_testkit::{Args, Ledger, Role};

use super::{
    Job, Running,
    side::Side,
    victims::{self, Victims},
};
#[cfg(all(feature = "peers", not(has_boost)))]
use crate::contender::NO_BOOST;
#[cfg(all(feature = "peers", not(has_rte_ring)))]
use crate::contender::NO_RTE_RING;
#[cfg(not(feature = "peers"))]
use crate::contender::NOT_BUILT;
#[cfg(feature = "peers")]
use crate::{contender::Peer, transport::peers};
use crate::{
    contender::{Contender, Kernel},
    fault::Fault,
    loops,
    measure::Part,
    report::{Access, Form, Victim},
    transport::{
        Broken, Defect, End, Eventfd, Fifo, Futex, InPlace, Link, Pipe, PosixMq, SysvMq, Tcp, UnixDgram,
        UnixSeqpacket, UnixStream,
    },
};

/// The role of a side.
pub(super) const ROLE: &str = "bench-side";

const FOR_THREADS: &str = "it is for threads of one process";

/// Evaluates `$run` with the type `$link`, that of the job's contender.
macro_rules! with_link {
    ($job:expr, $link:ident => $run:expr) => {
        match $job.contender {
            Contender::Spsc { access: Access::InPlace, .. } => {
                with_link!(@ InPlace<spsc::Ring<[u8]>>, $link => $run)
            }
            Contender::Spsc { form: Form::Bytes, .. } => with_link!(@ spsc::Ring<[u8]>, $link => $run),
            Contender::Spsc { form: Form::Typed, .. } => super::with_words!($job.measure.size(), W => {
                with_link!(@ spsc::Ring<[u64; W]>, $link => $run)
            }),
            Contender::Mpmc { access: Access::InPlace, .. } => {
                with_link!(@ InPlace<mpmc::Ring<[u8]>>, $link => $run)
            }
            Contender::Mpmc { form: Form::Bytes, .. } => with_link!(@ mpmc::Ring<[u8]>, $link => $run),
            Contender::Mpmc { form: Form::Typed, .. } => super::with_words!($job.measure.size(), W => {
                with_link!(@ mpmc::Ring<[u64; W]>, $link => $run)
            }),
            Contender::Kernel(Kernel::Pipe) => with_link!(@ Pipe, $link => $run),
            Contender::Kernel(Kernel::Fifo) => with_link!(@ Fifo, $link => $run),
            Contender::Kernel(Kernel::UnixStream) => with_link!(@ UnixStream, $link => $run),
            Contender::Kernel(Kernel::UnixDgram) => with_link!(@ UnixDgram, $link => $run),
            Contender::Kernel(Kernel::UnixSeqpacket) => with_link!(@ UnixSeqpacket, $link => $run),
            Contender::Kernel(Kernel::Tcp) => with_link!(@ Tcp, $link => $run),
            Contender::Kernel(Kernel::PosixMq) => with_link!(@ PosixMq, $link => $run),
            Contender::Kernel(Kernel::SysvMq) => with_link!(@ SysvMq, $link => $run),
            Contender::Kernel(Kernel::Eventfd) => with_link!(@ Eventfd, $link => $run),
            Contender::Kernel(Kernel::Futex) => with_link!(@ Futex, $link => $run),
            Contender::Broken(Defect::Loses) => with_link!(@ Broken<0>, $link => $run),
            Contender::Broken(Defect::Duplicates) => with_link!(@ Broken<1>, $link => $run),
            Contender::Broken(Defect::Reorders) => with_link!(@ Broken<2>, $link => $run),
            Contender::Broken(Defect::Corrupts) => with_link!(@ Broken<3>, $link => $run),
            #[cfg(feature = "peers")]
            Contender::Peer { peer: Peer::Iceoryx2, .. } => with_link!(@ peers::Iceoryx2, $link => $run),
            #[cfg(feature = "peers")]
            Contender::Peer { peer: Peer::IpcChannel, .. } => with_link!(@ peers::IpcChannel, $link => $run),
            #[cfg(feature = "peers")]
            Contender::Peer { peer: Peer::Cloudtoid, .. } => with_link!(@ peers::Cloudtoid, $link => $run),
            #[cfg(feature = "peers")]
            Contender::Peer { peer: Peer::ZeroMq, .. } => with_link!(@ peers::ZeroMq, $link => $run),
            #[cfg(feature = "peers")]
            Contender::Peer { peer: Peer::Nng, .. } => with_link!(@ peers::NanoNext, $link => $run),
            #[cfg(has_boost)]
            Contender::Peer { peer: Peer::BoostQueue, .. } => with_link!(@ peers::BoostQueue, $link => $run),
            #[cfg(all(feature = "peers", not(has_boost)))]
            Contender::Peer { peer: Peer::BoostQueue, .. } => Err(Fault::Unavailable(NO_BOOST.into())),
            #[cfg(has_rte_ring)]
            Contender::Peer { peer: Peer::RteRing, .. } => with_link!(@ peers::RteRing, $link => $run),
            #[cfg(all(feature = "peers", not(has_rte_ring)))]
            Contender::Peer { peer: Peer::RteRing, .. } => Err(Fault::Unavailable(NO_RTE_RING.into())),
            #[cfg(feature = "peers")]
            Contender::Peer { peer: Peer::ShmemIpc, .. } => super::with_few_words!($job.measure.size(), W => {
                with_link!(@ peers::ShmemIpc<W>, $link => $run)
            }),
            #[cfg(not(feature = "peers"))]
            Contender::Peer { .. } => Err(Fault::Unavailable(NOT_BUILT.into())),
            #[cfg(feature = "peers")]
            Contender::Peer { .. } => Err(Fault::Unavailable(FOR_THREADS.into())),
            Contender::Rtrb { .. } | Contender::ArrayQueue { .. } => {
                Err(Fault::Unavailable(FOR_THREADS.into()))
            }
        }
    };
    (@ $type:ty, $link:ident => $run:expr) => {{
        type $link = $type;
        $run
    }};
}

/// The names under which the way there and the way back are passed on.
const THERE: &str = "there";
const BACK: &str = "back";

/// By what a side sends, and by what it receives.
const fn ways(part: Part) -> (Option<&'static str>, Option<&'static str>) {
    match part {
        Part::Send { .. } | Part::Pace { .. } => (Some(THERE), None),
        Part::Receive { .. } | Part::Arrive { .. } => (None, Some(THERE)),
        Part::Ping { .. } => (Some(THERE), Some(BACK)),
        Part::Pong { .. } => (Some(BACK), Some(THERE)),
    }
}

/// Starts the processes of a measurement, and keeps what they need until `collect` is done.
pub(super) fn run(
    job: Job,
    ledger: &Ledger,
    collect: impl FnOnce(Vec<Running>, Victims) -> Result<(), Fault>,
) -> Result<(), Fault> {
    with_link!(job, L => {
        let setup = job.contender.setup(job.measure.size(), job.measure.batch());
        let link = || L::new(&setup).map_err(|error| Fault::Unavailable(error.to_string()));
        // A victim that has nothing to do with the messages has the way back, where nothing comes.
        let links = [(THERE, link()?), (BACK, link()?)];
        let victims = Victims::start(job, |role, victim| {
            let way = if victim == Victim::Peer { THERE } else { BACK };
            pass(role, &links, Some(way), End::Receiving).arg(way)
        })?;
        let start = |(number, part): (usize, Part)| -> io::Result<Running> {
            let (mut role, results) = job.worker(ROLE, ledger)?;
            let (to, from) = ways(part);
            for (way, end) in [(to, End::Sending), (from, End::Receiving)] {
                role = pass(role, &links, way, end);
            }
            Ok(Running { child: role.pin(job.core(number)).arg(number).spawn()?, results })
        };
        let running: io::Result<Vec<Running>> = job.measure.parts().into_iter().enumerate().map(start).collect();
        collect(running?, victims)
    })
}

fn pass<L: Link>(role: Role, links: &[(&str, L)], way: Option<&str>, end: End) -> Role {
    let link = links.iter().find(|(name, _)| Some(*name) == way);
    link.into_iter().fold(role, |role, (name, link)| link.pass(role, name, end))
}

/// The role: a side of a measurement.
pub(super) fn side(args: Args) {
    super::work(args, |job, ledger, args| {
        let number = args.parse("side");
        with_link!(job, L => run_side::<L>(job, number, ledger, args)).map(|result| vec![result])
    });
}

/// The role: a process that awaits its turn, receives a message, and is killed.
pub(super) fn victim(mut args: Args) {
    let job = Job::told(&mut args);
    let number: usize = args.parse("victim");
    let way: String = args.parse("way");
    let held = args.ledger();
    let setup = job.contender.setup(job.measure.size(), job.measure.batch());
    victims::await_turn(args.fd(victims::TURN));
    let done = with_link!(job, L => L::receiver(&mut args, &way, &setup).map_err(Fault::from).and_then(
        |mut receiver| loops::hold(&mut receiver, job.measure.size(), |message| held.set(number, message + 1)),
    ));
    // Who is not killed has failed.
    panic!("a victim has survived: {done:?}");
}

fn run_side<L: Link>(
    job: Job,
    number: usize,
    ledger: &Ledger,
    args: &mut Args,
) -> Result<super::side::Result, Fault> {
    let setup = job.contender.setup(job.measure.size(), job.measure.batch());
    let parts = job.measure.parts();
    let (to, from) = ways(parts[number]);
    // A sender may have to be told where its receiver is.
    let receiver = from.map(|way| L::receiver(args, way, &setup)).transpose()?;
    let sender = to.map(|way| L::sender(args, way, &setup)).transpose()?;
    let side = Side {
        number,
        part: parts[number],
        of: parts.len(),
        core: job.core(number),
        ledger,
        sender,
        receiver,
    };
    side.run(libc::CLOCK_PROCESS_CPUTIME_ID)
}
