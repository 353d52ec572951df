//! Eight processes share one exchange ring and are killed, stopped and started again at
//! random, for `SOAK_SECONDS` (60 if not given); then every message is accounted for.
//!
//! The time is divided into rounds, each on one of four rings, which keep their files, and so
//! what earlier rounds left there, to the end. A round ends when nobody sends any more and
//! nothing is left in the ring: then its account is exact, and a failure tells of a few
//! seconds. `SEED` repeats the driver's choices; what they meet is up to the kernel.

mod account;
mod book;
mod consumer;
#[path = "../support/layout.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod layout;
mod message;
mod producer;
#[path = "../support/raw.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod raw;
mod round;
mod setting;
mod victim;

use std::time::{Duration, Instant};

use ironring_testkit::{rng::Seeded, roles};

use account::Account;
use setting::{Setting, Soaked};

/// Seconds where `SOAK_SECONDS` does not say how many.
const SECONDS: u64 = 60;
/// The longest that a round goes on before its account is made.
const ROUND: Duration = Duration::from_secs(5);
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);

fn main() {
    roles::run(&[("producer", producer::run), ("consumer", consumer::run)]);
    // The flags of test harnesses say nothing about the one test that this is.
    if std::env::args().any(|arg| arg == "--list") {
        println!("kill_soak: test");
        return;
    }
    soak(Duration::from_secs(std::env::var("SOAK_SECONDS").map_or(SECONDS, |seconds| {
        seconds.parse().unwrap_or_else(|error| panic!("SOAK_SECONDS={seconds}: {error}"))
    })));
}

fn soak(whole: Duration) {
    let mut rng = Seeded::new();
    println!("soak of {whole:?}, SEED={}", rng.seed());
    let dir = tempfile::tempdir_in("/dev/shm").expect("a directory in shared memory");
    let mut rings = Setting::ALL.map(|setting| (Soaked::new(dir.path(), setting), Account::default()));
    let length = ROUND.min(whole / rings.len() as u32);
    let start = Instant::now();
    let mut told = start;
    for number in 0.. {
        if number >= rings.len() && start.elapsed() + length / 2 > whole {
            break;
        }
        let (ring, total) = &mut rings[number % Setting::ALL.len()];
        let account = round::run(ring, number as u64 + 1, length, &mut rng);
        total.add(&account);
        assert_eq!(account.unexplained(), 0, "round {}, {}: {account}", number + 1, ring.setting);
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            println!(
                "{:>5} s: {}",
                start.elapsed().as_secs(),
                Account::sum(rings.iter().map(|(_, total)| total))
            );
        }
    }
    for (ring, total) in &rings {
        println!("{}: {total}", ring.setting);
        assert!(total.kills > 0 && total.sent > 0 && total.delivered > 0, "nothing was shown");
    }
    let total = Account::sum(rings.iter().map(|(_, total)| total));
    println!("in all, in {} s: {total}", start.elapsed().as_secs());
    assert_eq!(total.unexplained(), 0);
}
