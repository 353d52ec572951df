//! What waiting costs, and how many rings one thread can wait for.

use std::time::Duration;

use ironring::{Options, asynchronous as ring, mpmc, spsc};
use ironring_testkit::{Args, Ledger, Role};

use crate::cpu;

const RINGS: usize = 100;
const SECONDS: u64 = 2;

/// The role of a process that waits for many rings, and writes what that cost, in microseconds.
pub(crate) fn be_idle(mut args: Args) {
    let ledger = args.ledger();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let rings = (0..RINGS).map(|_| mpmc::Ring::<u64>::anonymous(&Options::messages(8)).expect("a ring"));
        let rings: Vec<_> = rings.collect();
        let producers: Vec<_> = rings.iter().map(|ring| ring.producer().expect("a place")).collect();
        let waiting = rings.iter().map(|ring| {
            let consumer = ring::Consumer::new(ring.consumer().expect("a place")).expect("a consumer");
            tokio::spawn(async move { consumer.recv().await })
        });
        let waiting: Vec<_> = waiting.collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let before = cpu::used(libc::CLOCK_PROCESS_CPUTIME_ID);
        tokio::time::sleep(Duration::from_secs(SECONDS)).await;
        ledger.set(0, (cpu::used(libc::CLOCK_PROCESS_CPUTIME_ID) - before).as_micros() as u64);
        for (number, (mut producer, waiting)) in producers.into_iter().zip(waiting).enumerate() {
            producer.send(&(number as u64)).expect("room");
            assert_eq!(waiting.await.expect("no panic"), Ok(number as u64));
        }
    });
}

/// Less than one part in fifty of a core; what it really is, docs/WAITING.md says.
pub(crate) fn a_hundred_rings_cost_nothing() {
    let ledger = Ledger::new(1).expect("a ledger");
    let mut child = Role::new("idle").ledger(&ledger).spawn().expect("a process");
    assert!(child.wait().success());
    let parts = ledger.get(0) as f64 / (SECONDS * 1_000_000) as f64;
    println!("{RINGS} idle rings: {:.3} percent of a core", parts * 100.0);
    assert!(parts > 0.0 && parts < 0.02, "{parts} of a core");
}

/// The kernel lets a thread sleep on 128 words.
pub(crate) fn more_rings_than_one_sleep_takes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let rings = (0..300).map(|_| spsc::Ring::<u64>::anonymous(&Options::messages(2)).expect("a ring"));
        let rings: Vec<_> = rings.collect();
        let waiting = rings.iter().map(|ring| {
            let consumer = ring::Consumer::new(ring.consumer().expect("a consumer")).expect("a consumer");
            tokio::spawn(async move { consumer.recv().await })
        });
        let waiting: Vec<_> = waiting.collect();
        tokio::time::sleep(Duration::from_millis(10)).await;
        for (number, (ring, waiting)) in rings.iter().zip(waiting).enumerate().rev() {
            ring.producer().expect("a producer").send(&(number as u64)).expect("room");
            assert_eq!(waiting.await.expect("no panic"), Ok(number as u64));
        }
    });
}
