//! Ends the test when a call does not return.

use std::{
    sync::{
        Mutex, Once,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

static CASES: AtomicU64 = AtomicU64::new(0);
static STARTED: Once = Once::new();
/// What the cases are about, where that was said.
static ABOUT: Mutex<String> = Mutex::new(String::new());

/// Far longer than any case takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Says that a case is done.
pub(crate) fn progress() {
    CASES.fetch_add(1, Relaxed);
}

/// Says what the cases are about from now on.
pub(crate) fn about(cases: String) {
    *ABOUT.lock().expect("not poisoned") = cases;
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
                    let about = ABOUT.lock().expect("not poisoned");
                    eprintln!("no case was done for {PATIENCE:?}: a call hangs, after case {now} {about}");
                    std::process::abort();
                }
                before = now;
            }
        });
    });
}
