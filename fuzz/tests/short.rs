//! The targets without a fuzzer: over their corpora, and for some seconds over what comes of those
//! by chance. `FUZZ_SECONDS` says how long, for each target; `SEED` repeats a run.

#[path = "../../tests/support/watchdog.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod watchdog;

use std::{
    fs::{self, File},
    io::Write as _,
    os::fd::{AsFd, AsRawFd},
    path::Path,
    process,
    sync::Mutex,
    time::{Duration, Instant},
};

use ironring_fuzz::{TARGETS, guarded};
use ironring_testkit::rng::{fastrand::Rng, seed};

/// What is being tried.
static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry of the corpus").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file of the corpus")).collect()
}

/// Another input, made of those that are there.
fn mutated(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    const LONGEST: usize = 600;
    let mut input = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..rng.usize(1..8) {
        let at = rng.usize(..=input.len());
        match rng.u8(..6) {
            0 => input.insert(at, rng.u8(..)),
            1 if at < input.len() => drop(input.remove(at)),
            2 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
            3 if at < input.len() => input[at] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(..5)],
            4 => input.extend((0..rng.u8(..16)).map(|_| rng.u8(..))),
            _ => {
                let other = &corpus[rng.usize(..corpus.len())];
                input.truncate(at);
                input.extend_from_slice(&other[rng.usize(..=other.len())..]);
            }
        }
    }
    input.truncate(LONGEST);
    input
}

/// Standard error, as it is now: some targets say much there, and have it turned away.
fn report() -> File {
    let kept = std::io::stderr().as_fd().try_clone_to_owned().expect("standard error");
    let nowhere = File::options().write(true).open("/dev/null").expect("the null device");
    // SAFETY: both are descriptors of this process.
    assert_eq!(unsafe { libc::dup2(nowhere.as_raw_fd(), 2) }, 2);
    kept.into()
}

fn main() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let corpora: Vec<_> = TARGETS.iter().map(|(name, _)| corpus(name)).collect();
    let seed = seed();
    let mut out = report();
    let of_panics = Mutex::new(out.try_clone().expect("standard error"));
    std::panic::set_hook(Box::new(move |panic| {
        let mut out = of_panics.lock().expect("not poisoned");
        let input = INPUT.try_lock().map(|input| input.clone());
        let _ = writeln!(out, "{panic}\nSEED={seed}, after the input {input:?}");
        process::exit(101);
    }));
    watchdog::start();
    for ((name, target), corpus) in TARGETS.iter().zip(corpora) {
        let mut rng = Rng::with_seed(seed);
        let run = |input: Vec<u8>| {
            INPUT.lock().expect("not poisoned").clone_from(&input);
            target(&input);
            watchdog::progress();
        };
        corpus.iter().for_each(|input| run(input.clone()));
        let (start, mut made) = (Instant::now(), 0_u64);
        while start.elapsed() < Duration::from_secs(seconds) {
            run(mutated(&corpus, &mut rng));
            made += 1;
        }
        writeln!(out, "{name}: {} inputs of the corpus, {made} made of them", corpus.len())
            .expect("a report");
    }
    assert!(guarded() > 0, "mappings lie between guard pages");
}
