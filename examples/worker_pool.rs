//! A pool of worker processes, supervised: a worker that dies is replaced and its job is done by
//! another; a job that kills its workers is set aside; SIGTERM, or the end of the jobs, lets the
//! workers finish what is in the ring.
//!
//! ```text
//! seq 1000 | cargo run --release --example worker_pool -- NAME
//! ```
//!
//! Each line of the input is a job. The job `crash` kills whoever does it.

use std::{
    env,
    error::Error,
    io::{self, BufRead, Write},
    path::Path,
    process::{Command, ExitCode},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use ironring::{Error as RingError, Options, RecvError, SendError, mpmc};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const WORKERS: u32 = 4;
/// A job is tried so often.
const TRIES: u32 = 3;
/// Before a worker is replaced: one that cannot even start is not to keep the machine busy.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of the jobs.
#[derive(Debug)]
pub struct Outcome {
    /// How many workers died and were replaced.
    pub replaced: u32,
    /// Jobs that killed [`TRIES`] workers.
    pub set_aside: Vec<Vec<u8>>,
}

/// Has workers do the jobs, which `worker` starts; each line of `jobs` is one.
///
/// # Errors
///
/// Those of the ring and of the system.
pub fn supervise(ring: &Path, jobs: impl BufRead, worker: impl Fn() -> Command + Sync) -> Result<Outcome> {
    // Before anybody can send one.
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let options = Options::messages(64).max_message(1024).participants(16).max_deliveries(TRIES);
    let ring = &mpmc::Ring::<[u8]>::open_or_create(ring, &options)?;
    // It was closed when the pool ended before; what is left in it is done first.
    ring.reopen();
    let replaced = AtomicU32::new(0);
    let ends = signals.handle();
    std::thread::scope(|scope| {
        scope.spawn(move || signals.forever().next().inspect(|_| ring.close()));
        let workers = [(); WORKERS as usize].map(|()| scope.spawn(|| keep_alive(&worker, &replaced)));
        let sent = feed(ring, jobs);
        ring.close();
        for worker in workers {
            worker.join().expect("no panic")?;
        }
        ends.close();
        sent
    })?;
    // What the last of them left, who died when nobody was there any more to look.
    ring.recover()?;
    let aside = ring.set_aside()?;
    let taken = aside.iter().map(|aside| ring.take_set_aside(aside.position));
    let taken = taken.collect::<std::result::Result<Vec<_>, RingError>>()?;
    Ok(Outcome {
        replaced: replaced.into_inner(),
        set_aside: taken.into_iter().flatten().flatten().collect(),
    })
}

/// Sends the jobs, until there are no more or the ring is closed.
fn feed(ring: &mpmc::Ring<[u8]>, jobs: impl BufRead) -> Result<()> {
    let mut producer = ring.producer()?;
    for job in jobs.lines() {
        match producer.send(job?.as_bytes()) {
            Ok(()) => {}
            // The job was not sent; a real pool would say so to whoever asked for it.
            Err(SendError::Disconnected) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Starts a worker, and another one whenever one dies, until one has nothing to do any more.
fn keep_alive(worker: &impl Fn() -> Command, replaced: &AtomicU32) -> Result<()> {
    while !worker().spawn()?.wait()?.success() {
        replaced.fetch_add(1, Relaxed);
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Does jobs, until the ring is closed and nothing is left in it.
///
/// # Errors
///
/// Those of the ring and of the output.
pub fn work(ring: &Path) -> Result<()> {
    let mut consumer = mpmc::Ring::<[u8]>::open(ring)?.consumer()?;
    loop {
        let job = match consumer.recv() {
            Ok(job) => job,
            Err(RecvError::Disconnected) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let text = job.to_vec();
        if text == b"crash" {
            std::process::abort();
        }
        // In one call, so that lines of several workers stay whole.
        let line = format!("{} did {}\n", std::process::id(), String::from_utf8_lossy(&text));
        io::stdout().write_all(line.as_bytes())?;
        // From here on it is done. Were this worker killed before, another would do it again.
        job.release();
    }
}

fn run() -> Result<()> {
    let mut args = env::args_os().skip(1);
    let ring = args.next().ok_or("which ring? Give its name")?;
    if args.next().is_some() {
        return work(Path::new(&ring));
    }
    let program = env::current_exe()?;
    let worker = || {
        let mut command = Command::new(&program);
        command.arg(&ring).arg("work");
        command
    };
    let outcome = supervise(Path::new(&ring), io::stdin().lock(), worker)?;
    eprintln!("{} workers were replaced", outcome.replaced);
    for job in outcome.set_aside {
        eprintln!("set aside after {TRIES} tries: {}", String::from_utf8_lossy(&job));
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker_pool: {error}");
            ExitCode::FAILURE
        }
    }
}
