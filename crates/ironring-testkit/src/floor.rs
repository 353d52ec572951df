//! The floor probe: how fast one word in one cache line gets from a core to another and back.
//!
//! No ring can be faster than this between the same cores. On a shared machine the floor moves when
//! the hypervisor moves the cores, so a measurement probes it before and after, and is void if
//! [`moved`].

use std::hint::spin_loop;
use std::io;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::pin_to_core;

/// The time of one way between two cores, in nanoseconds: half of a round trip. Half of reading the
/// clock once, a few nanoseconds, is included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Half of the round trips took at most this long.
    pub p50_ns: f64,
    /// Nine in ten.
    pub p90_ns: f64,
    /// All but one in a hundred.
    pub p99_ns: f64,
    /// All but one in a thousand.
    pub p999_ns: f64,
}

/// How far apart two cores are.
///
/// ```
/// use ironring_testkit::floor::Placement;
/// assert_eq!(Placement::SameSocket.to_string(), "same socket");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Two hardware threads of one core, which share its first-level cache.
    Siblings,
    /// Two cores of one processor.
    SameSocket,
    /// On two processors.
    OtherSocket,
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Placement::Siblings => "siblings",
            Placement::SameSocket => "same socket",
            Placement::OtherSocket => "other socket",
        })
    }
}

/// How far apart the cores are, says /sys. A hypervisor need not tell the truth there.
///
/// ```no_run
/// println!("{}", ironring_testkit::floor::placement((0, 1))?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// If a core does not exist or /sys is not mounted.
pub fn placement(cores: (usize, usize)) -> io::Result<Placement> {
    let topology = |core: usize, what: &str| {
        std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu{core}/topology/{what}"))
    };
    let same = |what| Ok::<_, io::Error>(topology(cores.0, what)? == topology(cores.1, what)?);
    // Each list names its own core, so equal lists mean that each core is on the other's.
    Ok(if same("thread_siblings_list")? {
        Placement::Siblings
    } else if same("physical_package_id")? {
        Placement::SameSocket
    } else {
        Placement::OtherSocket
    })
}

/// The word that goes to and fro, alone in its cache line and the one that is fetched with it.
#[repr(align(128))]
struct Line(AtomicU64);

/// Sends a word to and fro between two threads on `cores`, `rounds` times.
///
/// ```no_run
/// let floor = ironring_testkit::floor::probe((0, 1), 100_000)?;
/// println!("{:.0} ns one way", floor.p50_ns);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// If the threads cannot be pinned there, or the cores are the same:
/// [`InvalidInput`](io::ErrorKind::InvalidInput).
///
/// # Panics
///
/// If `rounds` is 0.
pub fn probe(cores: (usize, usize), rounds: usize) -> io::Result<Floor> {
    assert!(rounds > 0, "a probe needs a round");
    if cores.0 == cores.1 {
        let message = "a floor lies between two different cores";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let line = Line(AtomicU64::new(0));
    let failed = AtomicBool::new(false);
    let start = Barrier::new(2);
    // Each side goes on only if both are in place: alone it would wait for ever.
    let in_place = |core| {
        let pinned = pin_to_core(core);
        failed.fetch_or(pinned.is_err(), Ordering::Relaxed);
        start.wait();
        pinned.map(|()| !failed.load(Ordering::Relaxed))
    };
    let (there, here) = std::thread::scope(|scope| {
        let there = scope.spawn(|| in_place(cores.1).map(|go| go.then(|| echo(&line, rounds))));
        let here = scope.spawn(|| in_place(cores.0).map(|go| go.then(|| round_trips(&line, rounds))));
        let here = here.join().expect("the caller does not panic");
        (there.join().expect("the echo does not panic"), here)
    });
    there?;
    let mut trips = here?.expect("both are in place, or one had an error");
    trips.sort_by(f64::total_cmp);
    // The nearest rank: `share` of all trips took at most this long.
    let one_way = |share: f64| {
        let rank = (share * rounds as f64).ceil() as usize;
        trips[rank.clamp(1, rounds) - 1] / 2.0
    };
    Ok(Floor { p50_ns: one_way(0.5), p90_ns: one_way(0.9), p99_ns: one_way(0.99), p999_ns: one_way(0.999) })
}

/// Answers each odd number with the even one behind it.
fn echo(line: &Line, rounds: usize) {
    for round in 0..rounds as u64 {
        // Relaxed throughout: the word itself is all that is passed on.
        while line.0.load(Ordering::Relaxed) < 2 * round + 1 {
            spin_loop();
        }
        line.0.store(2 * round + 2, Ordering::Relaxed);
    }
}

/// The times of `rounds` round trips, in nanoseconds.
fn round_trips(line: &Line, rounds: usize) -> Vec<f64> {
    let mut times = vec![0; rounds + 1];
    let clock = Instant::now();
    times[0] = ticks();
    for round in 0..rounds {
        let word = 2 * round as u64;
        line.0.store(word + 1, Ordering::Relaxed);
        while line.0.load(Ordering::Relaxed) < word + 2 {
            spin_loop();
        }
        times[round + 1] = ticks();
    }
    let nanos = clock.elapsed().as_nanos() as f64;
    let tick = nanos / (times[rounds] - times[0]).max(1) as f64;
    times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 * tick).collect()
}

/// A steady clock of unknown unit, cheaper than the system's: the probe's own, so that what it
/// adds to a time is the same.
///
/// ```
/// use ironring_testkit::floor::ticks;
/// assert!(ticks() <= ticks());
/// ```
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and Linux allows it by default.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
#[allow(missing_docs, reason = "see above")]
pub fn ticks() -> u64 {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Whether the cores were moved between two probes: their medians differ by more than half.
///
/// ```
/// use ironring_testkit::floor::{Floor, moved};
///
/// let near = Floor { p50_ns: 30.0, p90_ns: 35.0, p99_ns: 40.0, p999_ns: 90.0 };
/// let far = Floor { p50_ns: 120.0, ..near };
/// assert!(moved(near, far) && moved(far, near));
/// assert!(!moved(near, Floor { p50_ns: 40.0, ..near }));
/// ```
pub fn moved(before: Floor, after: Floor) -> bool {
    !are_near(before.p50_ns, after.p50_ns)
}

/// Whether two medians of floors are those of cores that are equally far apart: neither is more
/// than half as large again as the other.
///
/// ```
/// use ironring_testkit::floor::are_near;
/// assert!(are_near(200.0, 230.0) && !are_near(200.0, 40.0) && !are_near(40.0, 200.0));
/// ```
pub fn are_near(one_ns: f64, other_ns: f64) -> bool {
    (1.0 / 1.5..=1.5).contains(&(other_ns / one_ns))
}
