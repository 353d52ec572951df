//! The last one on the other side is gone: died, or has let go of its place.

use std::time::{Duration, Instant};

use ironring::{Options, RecvError, Ring, SendError, Wait, WhenAlone, mpmc::Mpmc};
use ironring_testkit::{Args, Exit, roles::RoleFn};

use crate::{
    peer::{
        ALL_WAITS, Kind, SLEEPING, Waiting, given, peer, receiver, ring, sender, until, until_asleep,
        until_told,
    },
    support::shared_memory,
};

pub(crate) fn roles<A: Kind>() -> Vec<(&'static str, RoleFn)> {
    vec![("producer", produce::<A>), ("consumer", consume::<A>), ("told", told::<A>), ("holder", hold::<A>)]
}

pub(crate) fn tests<A: Kind>() -> Vec<(&'static str, fn())> {
    vec![
        ("a_receiver_learns_that_the_last_producer_has_died", a_receiver_learns_of_a_death::<A>),
        ("a_receiver_learns_that_the_last_producer_has_left", a_receiver_learns_that_all_have_left::<A>),
        ("a_sender_learns_that_the_last_consumer_has_died", a_sender_learns_of_a_death::<A>),
        ("a_receiver_that_is_to_wait_for_the_next_one_gets_its_message", the_next_one_is_waited_for::<A>),
        ("nobody_is_missed_who_never_came", nobody_is_missed_who_never_came::<A>),
        ("in_a_named_ring_the_next_one_is_waited_for_by_default", a_named_ring_waits::<A>),
    ]
}

pub(crate) const EXCHANGE_TESTS: &[(&str, fn())] = &[
    ("it_is_the_last_of_several_that_counts", it_is_the_last_of_several_that_counts),
    ("a_sleeper_gets_what_a_dead_consumer_held", a_sleeper_gets_what_a_dead_consumer_held),
    ("a_sleeper_is_woken_for_what_a_consumer_leaves", a_sleeper_is_woken_for_what_is_left),
];

const SOON: Duration = Duration::from_millis(100);

/// Sends three numbers, and stays until it is killed, or told to leave.
fn produce<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut producer = sender(&ring, wait);
    assert_eq!(producer.send_batch(&[1, 2, 3]), (3, Ok(())));
    ledger.set(0, 1);
    until_told(&ledger);
}

/// Takes the consumer's place, and stays.
fn consume<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let _consumer = receiver(&ring, wait);
    ledger.set(0, 1);
    loop {
        std::thread::park();
    }
}

/// Receives until the end, which is that it is alone.
fn told<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut consumer = receiver(&ring, wait);
    consumer.set_when_alone(WhenAlone::Disconnect);
    while let Ok(number) = consumer.recv_value() {
        ledger.set(0, number);
    }
    assert_eq!(consumer.recv_value(), Err(RecvError::Disconnected));
}

fn a_receiver_learns_of_a_death<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(4);
        let (mut waiting, got) = peer("told", &[&ring], wait);
        let (mut dying, _) = peer("producer", &[&ring], wait);
        until(&mut waiting, "received", || got.get(0) == 3);
        assert_eq!(waiting.wait_timeout(SOON), None, "the producer lives, {wait:?}");
        if wait != ALL_WAITS[0] {
            until_asleep(&mut waiting, &ring, Waiting::ForMessage);
        }
        assert_eq!(dying.kill(), Exit::KILLED);
        assert!(waiting.wait().success(), "{wait:?}");
    }
}

fn a_receiver_learns_that_all_have_left<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(4);
        let (mut waiting, got) = peer("told", &[&ring], wait);
        let (mut leaving, told) = peer("producer", &[&ring], wait);
        until(&mut waiting, "received", || got.get(0) == 3);
        told.set(1, 1);
        assert!(leaving.wait().success());
        assert!(waiting.wait().success(), "{wait:?}");
    }
}

fn a_sender_learns_of_a_death<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(2);
        let mut producer = sender(&ring, wait);
        producer.set_when_alone(WhenAlone::Disconnect);
        assert_eq!([1, 2].map(|number| producer.send(&number)), [Ok(()); 2]);
        let (mut dying, ledger) = peer("consumer", &[&ring], wait);
        until(&mut dying, "attached", || ledger.get(0) == 1);
        assert_eq!(producer.send_by(&3, SOON), Err(SendError::TimedOut), "the consumer lives, {wait:?}");
        assert_eq!(dying.kill(), Exit::KILLED);
        assert_eq!(producer.send(&3), Err(SendError::Disconnected), "{wait:?}");
    }
}

fn the_next_one_is_waited_for<A: Kind>() {
    for wait in ALL_WAITS {
        let ring = ring::<A>(4);
        let mut consumer = receiver(&ring, wait);
        consumer.set_when_alone(WhenAlone::Wait);
        for _ in 0..2 {
            let (mut dying, ledger) = peer("producer", &[&ring], wait);
            assert_eq!([(); 3].map(|()| consumer.recv_value()), [Ok(1), Ok(2), Ok(3)], "{wait:?}");
            until(&mut dying, "sent", || ledger.get(0) == 1);
            assert_eq!(dying.kill(), Exit::KILLED);
            assert_eq!(consumer.recv_value_by(SOON), Err(RecvError::TimedOut), "{wait:?}");
        }
    }
}

fn nobody_is_missed_who_never_came<A: Kind>() {
    let ring = ring::<A>(4);
    let mut consumer = ring.consumer().expect("it");
    consumer.set_when_alone(WhenAlone::Disconnect);
    assert_eq!(consumer.recv_value_by(SOON), Err(RecvError::TimedOut));
    drop(ring.producer().expect("it"));
    assert_eq!(consumer.recv_value(), Err(RecvError::Disconnected));
}

fn a_named_ring_waits<A: Kind>() {
    let dir = shared_memory();
    let named = Ring::<u64, A>::create(dir.path().join("ring"), &Options::messages(4)).expect("a ring");
    let expected = [(named, RecvError::TimedOut), (ring::<A>(4), RecvError::Disconnected)];
    for (ring, end) in expected {
        drop(ring.producer().expect("it"));
        assert_eq!(ring.consumer().expect("it").recv_value_by(SOON), Err(end), "{:?}", ring.path());
    }
}

fn it_is_the_last_of_several_that_counts() {
    for wait in ALL_WAITS {
        let ring = ring::<Mpmc>(8);
        let mut consumer = receiver(&ring, wait);
        let mut producers = [(); 2].map(|()| peer("producer", &[&ring], wait));
        for (child, ledger) in &mut producers {
            until(child, "sent", || ledger.get(0) == 1);
        }
        assert_eq!([(); 6].map(|()| consumer.recv_value()).iter().filter(|got| got.is_ok()).count(), 6);
        assert_eq!(producers[0].0.kill(), Exit::KILLED);
        assert_eq!(consumer.recv_value_by(SOON), Err(RecvError::TimedOut), "one lives, {wait:?}");
        assert_eq!(producers[1].0.kill(), Exit::KILLED);
        assert_eq!(consumer.recv_value(), Err(RecvError::Disconnected), "{wait:?}");
    }
}

/// Receives one, and holds it.
fn hold<A: Kind>(mut args: Args) {
    let (ring, wait, ledger) = given::<A>(&mut args);
    let mut consumer = receiver(&ring, wait);
    let _held = consumer.recv().expect("a message");
    ledger.set(0, 1);
    loop {
        std::thread::park();
    }
}

/// Nobody else is there who could notice the death.
fn a_sleeper_gets_what_a_dead_consumer_held() {
    for wait in SLEEPING {
        let ring = ring::<Mpmc>(4);
        let mut producer = sender(&ring, wait);
        producer.send(&7).expect("room");
        let (mut dying, held) = peer("holder", &[&ring], wait);
        until(&mut dying, "held", || held.get(0) == 1);
        let (mut waiting, got) = peer("told", &[&ring], wait);
        until_asleep(&mut waiting, &ring, Waiting::ForMessage);
        assert_eq!(dying.kill(), Exit::KILLED);
        until(&mut waiting, "redelivered", || got.get(0) == 7);
        drop(producer);
        assert!(waiting.wait().success(), "{wait:?}");
    }
}

/// Half of a sleep: whoever is not woken finds it later, nearly always.
const AT_ONCE: Duration = Duration::from_millis(20);

/// Of a message that the leaving consumer took itself, and of one that it took up from a dead one.
fn a_sleeper_is_woken_for_what_is_left() {
    const ROUNDS: u32 = 12;
    for wait in SLEEPING {
        for is_from_a_dead_one in [false, true] {
            let woken: u32 = (0..ROUNDS)
                .map(|_| u32::from(delay_of_what_is_left(wait, is_from_a_dead_one) < AT_ONCE))
                .sum();
            // Not all: the system may be slow.
            println!("{woken} of {ROUNDS} were woken at once, {wait:?}");
            assert!(woken >= ROUNDS / 3, "{woken}, {wait:?}, {is_from_a_dead_one}");
        }
    }
}

fn delay_of_what_is_left(wait: Wait, is_from_a_dead_one: bool) -> Duration {
    let ring = ring::<Mpmc>(4);
    let mut producer = sender(&ring, wait);
    producer.send(&7).expect("room");
    if is_from_a_dead_one {
        let (mut dying, held) = peer("holder", &[&ring], wait);
        until(&mut dying, "held", || held.get(0) == 1);
        assert_eq!(dying.kill(), Exit::KILLED);
    }
    let mut leaving = receiver(&ring, wait);
    let message = leaving.recv().expect("the message");
    let (mut waiting, got) = peer("told", &[&ring], wait);
    until_asleep(&mut waiting, &ring, Waiting::ForMessage);
    message.hand_back();
    let started = Instant::now();
    drop(leaving);
    until(&mut waiting, "received", || got.get(0) == 7);
    let delay = started.elapsed();
    drop(producer);
    assert!(waiting.wait().success(), "{wait:?}");
    delay
}
