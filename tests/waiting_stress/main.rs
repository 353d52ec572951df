//! Many sleeps and wake-ups, across processes, with delays at random: nobody hangs, and nothing is
//! lost.
//!
//! A round is one sleep, as the kernel counts them, and the wake-up that ended it. `WAIT_ROUNDS` says
//! how many there are in all: `just wait-stress` has ten million.

#[path = "../support/cpu.rs"]
mod cpu;
mod load;
#[path = "../support/peer.rs"]
mod peer;
mod sides;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/watchdog.rs"]
mod watchdog;

use ironring::{Role, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::roles;
use libtest_mimic::{Arguments, Trial};
use load::Load;
use sides::{receive, send};

/// Where `WAIT_ROUNDS` does not say how many.
const ROUNDS: u64 = 140_000;

const fn load(name: &'static str, producers: usize, consumers: usize, slow: Option<Role>) -> Load {
    Load { name, producers, consumers, slow }
}

/// Who is slow is waited for by all others.
const STREAM: [Load; 2] = [
    load("spsc, a consumer for messages", 1, 1, Some(Role::Producer)),
    load("spsc, a producer for room", 1, 1, Some(Role::Consumer)),
];
const EXCHANGE: [Load; 5] = [
    load("mpmc, a consumer for messages", 1, 1, Some(Role::Producer)),
    load("mpmc, a producer for room", 1, 1, Some(Role::Consumer)),
    load("mpmc, four consumers for messages", 1, 4, Some(Role::Producer)),
    load("mpmc, four producers for room", 4, 1, Some(Role::Consumer)),
    load("mpmc, three producers and three consumers for each other", 3, 3, None),
];

fn main() {
    roles::run(&[
        ("spsc::send", send::<Spsc>),
        ("spsc::receive", receive::<Spsc>),
        ("mpmc::send", send::<Mpmc>),
        ("mpmc::receive", receive::<Mpmc>),
    ]);
    let all = std::env::var("WAIT_ROUNDS").map_or(ROUNDS, |rounds| {
        rounds.parse().unwrap_or_else(|error| panic!("WAIT_ROUNDS={rounds}: {error}"))
    });
    let rounds = all.div_ceil((STREAM.len() + EXCHANGE.len()) as u64);
    let stream = STREAM.map(|load| (load.name, Box::new(move || load.run::<Spsc>(rounds)) as Box<_>));
    let exchange = EXCHANGE.map(|load| (load.name, Box::new(move || load.run::<Mpmc>(rounds)) as Box<_>));
    let trials = stream.into_iter().chain(exchange).map(|(name, run): (_, Box<dyn FnOnce() + Send>)| {
        Trial::test(name, move || {
            watchdog::start();
            run();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
