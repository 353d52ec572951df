//! Messages between processes that are killed, over every kind of memory and in both kinds of ring.

use std::collections::BTreeMap;

use ironring::{
    Algorithm, Consumer, Options, Ring, Role as Side, State, Wait, Wary, WhenAlone, mpmc::Mpmc, spsc::Spsc,
};
use ironring_testkit::{Args, Ledger};

use crate::{
    Tests,
    support::{
        backing::{self, Made},
        bytes,
    },
};

pub(crate) const TESTS: Tests = &[
    ("killed_sender_is_followed_without_loss_or_doubles", killed_senders),
    ("what_a_killed_receiver_held_is_delivered_again", killed_receivers),
];

const MESSAGES: u64 = 2000;
/// When the sender is killed: in the middle of anything.
const KILLED_AT: [u64; 2] = [150, 900];

fn message(i: u64) -> Vec<u8> {
    bytes((i % 120) as usize, i)
}

/// Role: sends on from where its predecessor was killed.
pub(crate) fn send<A: Algorithm>(ring: Ring<[u8], A>, mut args: Args) {
    let first: u64 = args.parse("first");
    let mut producer = ring.producer().expect("a producer");
    producer.set_when_alone(WhenAlone::Wait);
    let first = match producer.last_published() {
        Some(last) if first == 0 => u64::from(last.tag) + 1,
        _ => first,
    };
    for i in first..MESSAGES {
        producer.set_tag(i as u32).send(&message(i)).expect("sent");
    }
}

/// Role: receives, and holds until it is killed.
pub(crate) fn hold<A: Algorithm>(ring: Ring<[u8], A>, mut args: Args) {
    let ledger = args.ledger();
    let mut consumer = ring.consumer().expect("a consumer");
    let held = consumer.recv().expect("a message");
    assert_eq!(held.to_vec(), message(held.tag().into()));
    ledger.set(0, 1);
    loop {
        std::thread::park();
    }
}

fn killed_senders() {
    let options = Options::bytes(2048).max_message(128);
    for backing in backing::ALL {
        let Some(made) = backing.make::<[u8], Spsc>(&options) else { continue };
        let mut consumer = awake(&made.ring);
        let mut next = 0;
        for until in KILLED_AT {
            let mut sender = made.role("spsc-send", send).arg(0).spawn().expect("a sender");
            receive(&mut consumer, &mut next, until);
            sender.kill();
        }
        let mut last = made.role("spsc-send", send).arg(0).spawn().expect("a sender");
        receive(&mut consumer, &mut next, MESSAGES);
        assert!(last.wait().success(), "{backing:?}");
        assert!(consumer.is_empty(), "{backing:?}");

        let Some(made) = backing.make::<[u8], Mpmc>(&Options::messages(32).max_message(128)) else {
            continue;
        };
        let mut consumer = awake(&made.ring);
        let mut next = 0;
        for until in KILLED_AT {
            // Of an mpmc ring a new sender does not know what another one sent: it is told.
            let mut sender = made.role("mpmc-send", send).arg(next).spawn().expect("a sender");
            receive(&mut consumer, &mut next, until);
            sender.kill();
            while let Ok(message) = consumer.try_recv() {
                assert_eq!(u64::from(message.tag()), next, "{backing:?}");
                next += 1;
            }
        }
        let mut last = made.role("mpmc-send", send).arg(next).spawn().expect("a sender");
        receive(&mut consumer, &mut next, MESSAGES);
        assert!(last.wait().success(), "{backing:?}");
    }
}

/// This process is to fork again: it does not sleep, so that it needs no thread for long waits.
fn awake<A: Algorithm>(ring: &Ring<[u8], A>) -> Consumer<[u8], Wary, A> {
    let mut consumer = ring.consumer().expect("a consumer");
    consumer.set_when_alone(WhenAlone::Wait).set_wait(Wait::Spin);
    consumer
}

/// Receives the messages from `next` on, each of which is the one that is due.
fn receive<A: Algorithm>(consumer: &mut Consumer<[u8], Wary, A>, next: &mut u64, until: u64) {
    while *next < until {
        let received = consumer.recv().expect("a message");
        assert_eq!((u64::from(received.tag()), received.to_vec()), (*next, message(*next)));
        assert!(!received.is_redelivered());
        *next += 1;
    }
}

fn killed_receivers() {
    for backing in backing::ALL {
        if let Some(made) = backing.make::<[u8], Spsc>(&Options::bytes(2048)) {
            killed_receiver(&made, "spsc-hold");
        }
        if let Some(made) = backing.make::<[u8], Mpmc>(&Options::messages(32).max_message(128)) {
            killed_receiver(&made, "mpmc-hold");
        }
    }
}

fn killed_receiver<A: Algorithm + 'static>(made: &Made<[u8], A>, role: &str) {
    let ring: &Ring<[u8], A> = &made.ring;
    let mut producer = ring.producer().expect("a producer");
    let ledger = Ledger::new(1).expect("a ledger");
    for i in 0..10 {
        producer.set_tag(i as u32).send(&message(i)).expect("sent");
    }
    let mut holder = made.role(role, hold).ledger(&ledger).spawn().expect("a receiver");
    while ledger.get(0) == 0 {
        assert_eq!(holder.wait_timeout(std::time::Duration::from_millis(1)), None);
    }
    holder.kill();
    let mut consumer = awake(ring);
    let mut came = BTreeMap::new();
    while came.len() < 10 {
        let received = consumer.recv().expect("a message");
        let tag = u64::from(received.tag());
        assert_eq!(received.to_vec(), message(tag));
        assert_eq!(came.insert(tag, received.is_redelivered()), None, "{tag} came twice");
    }
    assert!(came.iter().all(|(tag, is_redelivered)| *is_redelivered == (*tag == 0)), "{came:?}");
    if let Some(name) = made.name() {
        let seen = ironring::Observer::open(name).expect("an observer");
        if seen.kind() == ironring::Kind::Spsc {
            assert_eq!(seen.presence(Side::Consumer).expect("it").state, State::Attached);
        }
        drop(consumer);
        assert!(ironring::fsck::check(name).expect("a report").is_whole());
    }
}
