//! A process that takes part in a ring until it is killed.

use std::{
    fmt,
    os::fd::AsFd,
    str::FromStr,
    time::{Duration, Instant},
};

use ironring::{
    Error,
    mpmc::{self, Ring},
};
use ironring_testkit::{Args, Exit, Ledger, Role};

/// What a victim does, and goes on holding when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Receives the messages of one slot, owned.
    Owned,
    /// Receives the first message of a slot, and releases it; then a batch of two.
    Batch,
    /// Takes messages that were set aside, as far as having seen them.
    TakesAside,
}

impl Deed {
    const ALL: [Self; 3] = [Self::Owned, Self::Batch, Self::TakesAside];

    fn run(self, ring: &Ring<[u8]>, path: &str, ready: impl Fn()) {
        match self {
            Self::Owned => {
                let _held = ring.consumer().expect("a place").recv_owned().expect("messages");
                ready();
                idle();
            }
            Self::Batch => {
                let mut consumer = ring.consumer().expect("a place");
                consumer.recv().expect("a message").release();
                let mut batch = consumer.recv_batch(2).expect("messages");
                assert!(batch.next().is_some() && batch.next().is_some());
                ready();
                idle();
            }
            Self::TakesAside => {
                let keep = |_: &[Vec<u8>]| -> Result<(), Error> {
                    ready();
                    idle()
                };
                mpmc::take_set_aside(path, 0, keep).expect("a ring");
            }
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Deed {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let deed = Self::ALL.into_iter().find(|deed| deed.to_string() == name);
        deed.ok_or_else(|| format!("no deed {name}"))
    }
}

/// The role of a victim.
pub(crate) fn run(mut args: Args) {
    let ring = Ring::from_fd(args.fd("ring")).expect("a ring");
    let ledger = args.ledger();
    let deed: Deed = args.parse("deed");
    deed.run(&ring, &args.parse::<String>("path"), || ledger.set(0, 1));
}

fn idle() -> ! {
    loop {
        std::thread::park();
    }
}

/// Has a process do `deed` and kills it then; returns its process id.
pub(crate) fn kill_after(deed: Deed, ring: &Ring<[u8]>) -> u32 {
    kill_behind(deed, ring, || {})
}

/// The same, and calls `meanwhile` before the process is killed.
pub(crate) fn kill_behind(deed: Deed, ring: &Ring<[u8]>, meanwhile: impl FnOnce()) -> u32 {
    let path = ring.path().map_or("none".into(), |path| path.display().to_string());
    let ledger = Ledger::new(1).expect("a ledger");
    let role = Role::new("victim").pass_fd("ring", ring.as_fd()).ledger(&ledger).arg(deed).arg(path);
    let mut victim = role.spawn().expect("a process");
    let started = Instant::now();
    while ledger.get(0) == 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "the victim does not get ready");
        assert_eq!(victim.wait_timeout(Duration::from_millis(1)), None, "{deed}");
    }
    meanwhile();
    let pid = victim.pid() as u32;
    assert_eq!(victim.kill(), Exit::KILLED);
    pid
}
