//! Measurements between threads, in a process of their own.

use std::{io, thread};

use ironring::mpmc;
use ironring_testkit::{Args, Ledger};

use super::{
    Job, Running,
    side::{Result, Side},
};
use crate::{
    contender::Contender,
    fault::Fault,
    measure::Part,
    report::Form,
    transport::{Array, Receiver, Rtrb, Sender, Shared},
};
#[cfg(feature = "peers")]
use crate::{contender::Peer, transport::peers};

/// The role of a process that has all sides.
pub(super) const ROLE: &str = "bench-sides";

/// Starts the process of a measurement.
pub(super) fn start(job: Job, ledger: &Ledger) -> io::Result<Running> {
    let (role, results) = job.worker(ROLE, ledger)?;
    Ok(Running { child: role.spawn()?, results })
}

/// The role: all sides of a measurement.
pub(super) fn sides(args: Args) {
    super::work(args, |job, ledger, _| run(job, ledger));
}

fn run(job: Job, ledger: &Ledger) -> std::result::Result<Vec<Result>, Fault> {
    let size = job.measure.size();
    match job.contender {
        Contender::ArrayQueue { messages, back_off } => super::with_words!(size, W => {
            let [there, back] = [(); 2].map(|()| Array::<W>::new(messages, back_off));
            let way = |is_back| if is_back { back.clone() } else { there.clone() };
            among(job, ledger, |is_back| Ok(way(is_back)), |is_back| Ok(way(is_back)))
        }),
        Contender::Rtrb { capacity, pauses } => super::with_words!(size, W => {
            // Room for two batches at least, so that one can be written while another is read.
            let slots = (capacity as usize / size).max(2 * job.measure.batch());
            let ring = |()| {
                let (to, from) = rtrb::RingBuffer::<[u64; W]>::new(slots);
                (Rtrb { side: to, pauses }, Rtrb { side: from, pauses })
            };
            between(job, ledger, [(); 2].map(ring))
        }),
        #[cfg(feature = "peers")]
        Contender::Peer { peer: Peer::CrossbeamChannel, messages, idle } => {
            super::with_few_words!(size, W => {
                let [there, back] = [(); 2].map(|()| peers::channel::<W>(messages, idle));
                let way = |is_back| if is_back { back.clone() } else { there.clone() };
                among(job, ledger, |is_back| Ok(way(is_back).0), |is_back| Ok(way(is_back).1))
            })
        }
        #[cfg(feature = "peers")]
        Contender::Peer { peer: Peer::Disruptor, messages, idle } => super::with_few_words!(size, W => {
            between(job, ledger, [(); 2].map(|()| peers::disruptor::<W>(messages, idle)))
        }),
        Contender::Mpmc { form: Form::Bytes, .. } => rings::<mpmc::Ring<[u8]>>(job, ledger),
        Contender::Mpmc { form: Form::Typed, .. } => super::with_words!(size, W => {
            rings::<mpmc::Ring<[u64; W]>>(job, ledger)
        }),
        other => Err(Fault::Unavailable(format!("{other:?} is not measured between threads"))),
    }
}

/// Measures rings of this crate, each with further consumers that do nothing.
fn rings<R: Shared>(job: Job, ledger: &Ledger) -> std::result::Result<Vec<Result>, Fault> {
    let setup = job.contender.setup(job.measure.size(), job.measure.batch());
    let Contender::Mpmc { idle, .. } = job.contender else {
        return Err(Fault::Unavailable("only that ring is measured between threads".into()));
    };
    let rings = [R::anonymous(&setup.options)?, R::anonymous(&setup.options)?];
    let idle: io::Result<Vec<_>> = (0..idle).map(|_| rings[0].consumer(setup.wait)).collect();
    let _attached = idle?;
    among(
        job,
        ledger,
        |is_back| Ok(rings[usize::from(is_back)].producer(setup.wait)?),
        |is_back| Ok(rings[usize::from(is_back)].consumer(setup.wait)?),
    )
}

/// Runs two sides, with the ends of the ways there and back, of which there are no more.
fn between<S: Sender + Send, R: Receiver + Send>(
    job: Job,
    ledger: &Ledger,
    ways: [(S, R); 2],
) -> std::result::Result<Vec<Result>, Fault> {
    let only = || Fault::Unavailable("it has one producer and one consumer".into());
    let [there, back] = ways;
    let mut senders = [Some(there.0), Some(back.0)];
    let mut receivers = [Some(there.1), Some(back.1)];
    among(
        job,
        ledger,
        |is_back| senders[usize::from(is_back)].take().ok_or_else(only),
        |is_back| receivers[usize::from(is_back)].take().ok_or_else(only),
    )
}

/// Runs all sides, with an end of the way there or back each or of both.
fn among<S: Sender + Send, R: Receiver + Send>(
    job: Job,
    ledger: &Ledger,
    mut sender: impl FnMut(bool) -> std::result::Result<S, Fault>,
    mut receiver: impl FnMut(bool) -> std::result::Result<R, Fault>,
) -> std::result::Result<Vec<Result>, Fault> {
    let parts = job.measure.parts();
    let of = parts.len();
    let mut sides = Vec::new();
    for (number, part) in parts.into_iter().enumerate() {
        let (sender, receiver) = match part {
            Part::Send { .. } | Part::Pace { .. } => (Some(sender(false)?), None),
            Part::Receive { .. } | Part::Arrive { .. } => (None, Some(receiver(false)?)),
            Part::Ping { .. } => (Some(sender(false)?), Some(receiver(true)?)),
            Part::Pong { .. } => (Some(sender(true)?), Some(receiver(false)?)),
        };
        sides.push(Side { number, part, of, core: job.core(number), ledger, sender, receiver });
    }
    thread::scope(|scope| {
        let threads: Vec<_> = sides
            .into_iter()
            .map(|side| scope.spawn(move || side.run(libc::CLOCK_THREAD_CPUTIME_ID)))
            .collect();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| Fault::Failed("a thread panicked".into()))?);
        results.collect()
    })
}
