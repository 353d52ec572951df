//! Ends the test when a call does not return.

use std::{
    sync::{
        Once,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

static CASES: AtomicU64 = AtomicU64::new(0);
static STARTED: Once = Once::new();

/// Far longer than any case takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says that a case is done.
pub(crate) fn progress() {
    CASES.fetch_add(1, Relaxed);
}

/// Watches that [`progress`] is made from now on.
pub(crate) fn start() {
    STARTED.call_once(|| {
        std::thread::spawn(|| {
            let mut before = CASES.load(Relaxed);
            loop {
                std::thread::sleep(PATIENCE);
                let now = CASES.load(Relaxed);
                if now == before {
                    eprintln!("no case was done for {PATIENCE:?}: a call hangs, after case {now}");
                    std::process::abort();
                }
                before = now;
            }
        });
    });
}
