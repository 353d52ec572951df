//! Messages and room wake whoever waits for them.

use ironring::{RecvError, Wait, mpmc::Mpmc};
use ironring_testkit::{Args, roles::RoleFn};

use crate::peer::{
    ALL_WAITS, Kind, SLEEPING, Waiting, given, passed, peer, receiver, ring, sender, until, until_asleep,
};

pub(crate) fn roles<A: Kind>() -> Vec<(&'static str, RoleFn)> {
    vec![("echo", echo::<A>), ("count", count::<A>), ("one", one::<A>)]
}

pub(crate) fn tests<A: Kind>() -> Vec<(&'static str, fn())> {
    vec![
        ("messages_wake_receivers_in_a_conversation", conversation::<A>),
        ("room_wakes_a_sender", room_wakes_a_sender::<A>),
    ]
}

pub(crate) const EXCHANGE_TESTS: &[(&str, fn())] =
    &[("every_sleeper_gets_its_message", every_sleeper_gets_its_message)];

/// Sends back what it receives.
fn echo<A: Kind>(mut args: Args) {
    let (there, wait, _) = given::<A>(&mut args);
    let back = passed::<A>(&mut args, "back");
    let (mut consumer, mut producer) = (receiver(&there, wait), sender(&back, wait));
    loop {
        match consumer.recv_value() {
            Ok(number) => producer.send(&number).expect("room"),
            Err(end) => return assert_eq!(end, RecvError::Disconnected),
        }
    }
}

/// Now and then the other one is let fall asleep first.
fn conversation<A: Kind>() {
    for wait in ALL_WAITS {
        let (there, back) = (ring::<A>(2), ring::<A>(2));
        let (mut producer, mut consumer) = (sender(&there, wait), receiver(&back, wait));
        let (mut child, _) = peer("echo", &[&there, &back], wait);
        for number in 0..200 {
            if number % 20 == 0 && wait != Wait::Spin {
                until_asleep(&mut child, &there, Waiting::ForMessage);
            }
            producer.send(&number).expect("room");
            assert_eq!(consumer.recv_value(), Ok(number), "{wait:?}");
        }
        producer.close();
        assert!(child.wait().success(), "{wait:?}");
    }
}

const COUNT: u64 = 1000;

/// Sends numbers, as fast as there is room.
fn count<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut producer = sender(&ring, wait);
    for number in 0..COUNT {
        producer.send(&number).expect("room");
        ledger.add(0, 1);
    }
}

fn room_wakes_a_sender<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(4);
        let mut consumer = receiver(&ring, wait);
        let (mut child, ledger) = peer("count", &[&ring], wait);
        for number in 0..COUNT {
            if number % 100 == 0 {
                // One is in the ring for each place, and the next one waits.
                until(&mut child, "full", || ledger.get(0) == number + 4);
                if wait != Wait::Spin {
                    until_asleep(&mut child, &ring, Waiting::ForRoom);
                }
            }
            assert_eq!(consumer.recv_value(), Ok(number), "{wait:?}");
        }
        assert!(child.wait().success(), "{wait:?}");
    }
}

/// Receives one number.
fn one<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let number = receiver(&ring, wait).recv_value().expect("a message");
    ledger.set(0, number);
}

fn every_sleeper_gets_its_message() {
    for wait in SLEEPING {
        let ring = ring::<Mpmc>(4);
        let mut producer = sender(&ring, wait);
        let mut peers: Vec<_> = (0..3).map(|_| peer("one", &[&ring], wait)).collect();
        for (child, _) in &mut peers {
            until_asleep(child, &ring, Waiting::ForMessage);
        }
        for number in 1..=3 {
            producer.send(&number).expect("room");
        }
        assert!(peers.iter_mut().all(|(child, _)| child.wait().success()));
        let mut got: Vec<_> = peers.iter().map(|(_, ledger)| ledger.get(0)).collect();
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3], "{wait:?}");
    }
}
