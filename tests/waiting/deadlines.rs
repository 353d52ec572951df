//! Deadlines, and signals that interrupt a wait.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use ironring::{RecvError, SendError};
use ironring_testkit::{Args, roles::RoleFn};

use crate::peer::{
    ALL_WAITS, Kind, SLEEPING, Waiting, given, peer, receiver, ring, sender, until, until_asleep,
};

pub(crate) fn roles<A: Kind>() -> Vec<(&'static str, RoleFn)> {
    vec![("interrupted", interrupted::<A>)]
}

pub(crate) fn tests<A: Kind>() -> Vec<(&'static str, fn())> {
    vec![
        ("a_deadline_ends_a_wait_and_not_before", a_deadline_ends_a_wait::<A>),
        ("signals_and_stops_end_no_wait", signals_end_no_wait::<A>),
    ]
}

/// Nothing, less than a sleep lasts at most, and more than that.
const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(10), Duration::from_millis(100)];

fn a_deadline_ends_a_wait<A: Kind>() {
    for (wait, time) in ALL_WAITS.into_iter().flat_map(|wait| TIMES.map(|time| (wait, time))) {
        let ring = ring::<A>(1);
        let (mut producer, mut consumer) = (sender(&ring, wait), receiver(&ring, wait));
        let started = Instant::now();
        assert_eq!(consumer.recv_value_by(time), Err(RecvError::TimedOut), "{wait:?}");
        assert!(started.elapsed() >= time, "{wait:?}: {:?} of {time:?}", started.elapsed());

        // What is there is received, and sent, however late it is.
        assert_eq!(producer.send_by(&1, time), Ok(()), "{wait:?}");
        let started = Instant::now();
        assert_eq!(producer.send_by(&2, time), Err(SendError::TimedOut), "{wait:?}");
        assert!(started.elapsed() >= time, "{wait:?}: {:?} of {time:?}", started.elapsed());
        assert_eq!(consumer.recv_value_by(Duration::ZERO), Ok(1), "{wait:?}");
        assert_eq!(producer.send_by(&2, Duration::ZERO), Ok(()), "{wait:?}");
    }
}

static SIGNALS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Relaxed);
}

/// Receives two numbers, and counts the signals that come meanwhile: each is noted between two
/// waits that it has interrupted.
fn interrupted<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    // SAFETY: integers and null pointers, for which zero is a value: no flags, so no restart.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count_signal as *const () as libc::sighandler_t;
    // SAFETY: both are what they are to be, and the handler only counts.
    unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    let mut consumer = receiver(&ring, wait);
    ledger.set(1, 1);
    assert_eq!(consumer.recv_value(), Ok(1));
    ledger.set(0, SIGNALS.load(Relaxed));
    assert_eq!(consumer.recv_value_by(Duration::from_secs(3600)), Ok(2));
}

fn signals_end_no_wait<A: Kind>() {
    for wait in SLEEPING {
        let ring = ring::<A>(2);
        let mut producer = sender(&ring, wait);
        let (mut child, ledger) = peer("interrupted", &[&ring], wait);
        until(&mut child, "ready", || ledger.get(1) == 1);
        for number in [1, 2] {
            for _ in 0..20 {
                until_asleep(&mut child, &ring, Waiting::ForMessage);
                child.signal(libc::SIGUSR1).expect("it lives");
                child.stop().expect("it lives");
                child.cont().expect("it lives");
            }
            until_asleep(&mut child, &ring, Waiting::ForMessage);
            producer.send(&number).expect("room");
            if number == 1 {
                until(&mut child, "received", || ledger.get(0) != 0);
            }
        }
        assert!(child.wait().success(), "{wait:?}");
        assert_eq!(ledger.get(0), 20, "each signal came in a sleep");
    }
}
