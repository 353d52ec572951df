//! A file is truncated under processes that use it, in every way in which they may wait.

use std::{
    fs::File,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use ironring::{Algorithm, Options, RecvError, Ring, SendError, Wait, mpmc, spsc};
use ironring_testkit::{Args, Child, Exit, Ledger, Role};

use crate::trials::Tests;

pub(crate) const TESTS: Tests = &[
    ("with the guard, who is busy gets an error", || each_gets_an_error(Traffic::Busy)),
    ("with the guard, who waits for messages gets an error", || each_gets_an_error(Traffic::Empty)),
    ("with the guard, who waits for room gets an error", || each_gets_an_error(Traffic::Full)),
    ("without the guard, a process dies", without_the_guard),
    ("a truncated ring is opened by nobody, and its place is free again", other_calls),
];

/// What goes on in the ring when it is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Traffic {
    /// Half of the processes send, and half receive.
    Busy,
    /// All wait for messages.
    Empty,
    /// All wait for room.
    Full,
}

const WAITS: [Wait; 3] = [Wait::Spin, Wait::SpinThenPark, Wait::Park];
/// Far longer than it takes: whoever has slept for long looks each second.
const SOON: Duration = Duration::from_secs(20);
/// Operations of each process, counted from the second word of the ledger on; the first counts who is there.
const DONE: usize = 1;

fn each_gets_an_error(traffic: Traffic) {
    for wait in WAITS {
        // All of it, half of its data, and its data but not its header.
        for len in [0, 32 << 10, 4096] {
            for is_exchange in [false, true] {
                let what = format!("{traffic:?}, {wait:?}, to {len} bytes, exchange: {is_exchange}");
                for (exit, number) in cut(traffic, wait, len, is_exchange, true).into_iter().zip(0..) {
                    assert_eq!(exit, Some(Exit::Exited(0)), "{what}: process {number}");
                }
            }
        }
    }
}

fn without_the_guard() {
    for is_exchange in [false, true] {
        let exits = cut(Traffic::Busy, Wait::Spin, 0, is_exchange, false);
        assert!(exits.iter().all(|exit| *exit == Some(Exit::Signalled(libc::SIGBUS))), "{exits:?}");
    }
}

/// Truncates the file of a ring that processes use, and tells how these ended.
fn cut(traffic: Traffic, wait: Wait, len: u64, is_exchange: bool, guarded: bool) -> Vec<Option<Exit>> {
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let path = directory.path().join("ring");
    // Of 64 KiB, or a few pages more.
    if is_exchange {
        mpmc::Ring::<[u8]>::create(&path, &Options::messages(512).max_message(100)).expect("a ring");
    } else {
        spsc::Ring::<[u8]>::create(&path, &Options::bytes(64 << 10)).expect("a ring");
    }
    // A stream has one of each.
    let senders = match traffic {
        Traffic::Busy if is_exchange => vec![true, false, true, false],
        Traffic::Busy => vec![true, false],
        _ => vec![traffic == Traffic::Full; if is_exchange { 4 } else { 1 }],
    };
    let ledger = Ledger::new(1 + senders.len()).expect("a ledger");
    let wait = WAITS.iter().position(|one| *one == wait).expect("one of all");
    let name = if is_exchange { "mpmc user" } else { "spsc user" };
    let mut users: Vec<Child> = senders
        .iter()
        .enumerate()
        .map(|(number, sends)| {
            let role = Role::new(name).ledger(&ledger).arg(path.display()).arg(wait).arg(guarded);
            role.arg(sends).arg(DONE + number).pipe_stderr().spawn().expect("a process")
        })
        .collect();
    let begun = Instant::now();
    let is_under_way = || match traffic {
        Traffic::Busy => (0..senders.len()).all(|number| ledger.get(DONE + number) > 1000),
        _ => ledger.get(0) == senders.len() as u64,
    };
    while !is_under_way() {
        assert!(begun.elapsed() < SOON, "nobody gets on");
        thread::sleep(Duration::from_millis(1));
    }
    // Until the ring is full, and they sleep, if they ever do.
    thread::sleep(Duration::from_millis(40));
    truncate(&path, len);
    users.iter_mut().map(|user| user.wait_timeout(SOON)).collect()
}

fn truncate(path: &Path, len: u64) {
    File::options().write(true).open(path).expect("the file").set_len(len).expect("shorter");
}

/// A process that sends or receives until it gets an error.
pub(crate) fn user<A: Algorithm + 'static>(mut args: Args) {
    let ledger = args.ledger();
    let path: String = args.parse("path");
    let wait = WAITS[args.parse::<usize>("wait")];
    if args.parse("guarded") {
        ironring::guard_against_truncation().expect("a guard");
    }
    let sends: bool = args.parse("sends");
    let done = args.parse("done");
    let ring = Ring::<[u8], A>::open(&path).expect("the ring");
    if sends {
        let mut producer = ring.producer().expect("a place");
        producer.set_wait(wait);
        ledger.add(0, 1);
        let error = loop {
            match producer.send(&[1; 90]) {
                Ok(()) => ledger.add(done, 1),
                Err(error) => break error,
            };
        };
        assert!(matches!(error, SendError::Truncated | SendError::Corrupt(_)), "{error}");
        assert_eq!(producer.send(b"more"), Err(SendError::Truncated));
        assert_eq!(producer.try_send(b"more"), Err(SendError::Truncated));
    } else {
        let mut consumer = ring.consumer().expect("a place");
        consumer.set_wait(wait);
        ledger.add(0, 1);
        let error = loop {
            match consumer.recv() {
                Ok(message) => {
                    message.release();
                    ledger.add(done, 1);
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(error, RecvError::Truncated | RecvError::Corrupt(_)), "{error}");
        assert_eq!(consumer.recv().err(), Some(RecvError::Truncated));
        assert_eq!(consumer.try_recv().err(), Some(RecvError::Truncated));
    }
}

/// Whoever has no handle yet gets an error, too, and dropping what is left touches nothing.
fn other_calls() {
    ironring::guard_against_truncation().expect("a guard");
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let path = directory.path().join("ring");
    let ring = mpmc::Ring::<[u8]>::create(&path, &Options::messages(512).max_message(100)).expect("a ring");
    let mut producer = ring.producer().expect("a place");
    truncate(&path, 0);
    assert!(ring.consumer().is_err());
    assert!(mpmc::Ring::<[u8]>::open(&path).is_err());
    // Its first call may write to what has taken the place of the file.
    let _ = producer.send(b"lost");
    assert_eq!(producer.send(b"not sent"), Err(SendError::Truncated));
    drop((producer, ring));
    // Many more than there are places at a time.
    let other = directory.path().join("other");
    let ring = spsc::Ring::<[u8]>::create(&other, &Options::bytes(4096)).expect("a ring");
    for _ in 0..10_000 {
        ring.producer().expect("a place").send(b"one").expect("sent");
        assert_eq!(ring.consumer().expect("a place").recv().expect("a message").to_vec(), b"one");
    }
}
