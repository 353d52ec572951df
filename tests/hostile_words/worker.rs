//! A process that works on the ring.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ironring::{Observer, fsck};
use ironring_testkit::{Args, rng::fastrand::Rng};

use crate::{
    ends::{self, Ends, Told},
    guard,
};

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Send,
    Receive,
    Look,
}

pub(crate) const WORKS: [Work; 3] = [Work::Send, Work::Receive, Work::Look];

/// Words of the ledger: the round that is on, and the one that is over; then for each process how
/// often it has done something, how often it was told of an error, and the last round that it
/// has left.
pub(crate) const ROUND: usize = 0;
pub(crate) const OVER: usize = 1;
pub(crate) const fn done(process: usize) -> usize {
    2 + 3 * process
}
pub(crate) const fn told(process: usize) -> usize {
    3 + 3 * process
}
pub(crate) const fn left(process: usize) -> usize {
    4 + 3 * process
}
/// The round after the last.
pub(crate) const LAST: u64 = u64::MAX;

pub(crate) fn work<E: Ends>(mut args: Args) {
    let ledger = args.ledger();
    let process: usize = args.parse("process");
    let work = WORKS[args.parse::<usize>("work")];
    let path: PathBuf = args.parse("path");
    // A wait that is not ended when it ought to be hangs.
    ends::wait_for(Duration::from_micros(500));
    let ring = Arc::new(E::open(&path));
    assert!(guard::guarded() > 0, "no guard pages");
    let mut rng = Rng::with_seed(process as u64);
    let mut round = 0;
    let mut looks = 0;
    loop {
        let next = ledger.get(ROUND);
        if next == round {
            pause(&mut looks);
            continue;
        }
        if next == LAST {
            return;
        }
        round = next;
        let mut ends = E::new(&ring);
        while ledger.get(OVER) != round {
            let done_so = match work {
                Work::Send => ends.operate(E::SENDING[rng.usize(..E::SENDING.len())]),
                Work::Receive => ends.operate(E::RECEIVING[rng.usize(..E::RECEIVING.len())]),
                Work::Look => look(&path),
            };
            if let Err(error) = done_so {
                // That happens among honest ones, too, while one of them keeps the place of another.
                if error != Told::NoPlace {
                    ledger.add(told(process), 1);
                }
                ends = E::new(&ring);
            }
            ledger.add(done(process), 1);
        }
        drop(ends);
        ledger.set(left(process), round);
    }
}

/// Lets others run.
pub(crate) fn pause(looks: &mut u32) {
    *looks += 1;
    if looks.is_multiple_of(32) {
        std::thread::sleep(Duration::from_micros(50));
    } else {
        std::thread::yield_now();
    }
}

/// What somebody sees who takes no part.
fn look(path: &Path) -> Result<(), Told> {
    let failed = |_| Told::Attaching;
    let observer = Observer::open(path).map_err(|_| Told::Attaching)?;
    // Some come while it looks.
    let peeked = observer.peek().take(1000).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    assert!(peeked.len() < 1000, "there is no end of messages");
    observer.usage().map_err(failed)?;
    let _ = observer.cursors();
    // Of a ring in use it judges little; what it says is not of interest here.
    fsck::check(path).map(|report| report.to_string()).map_err(|_| Told::Attaching)?;
    Ok(())
}
