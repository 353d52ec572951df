//! Senders and receivers in processes of their own on one exchange ring, one of each killed, over every
//! kind of memory.

use std::{
    thread,
    time::{Duration, Instant},
};

use ironring::{Options, RecvError, Ring, WhenAlone, mpmc::Mpmc};
use ironring_testkit::{Args, Child, Ledger};

use crate::{
    Tests,
    support::backing::{self, Made},
};

pub(crate) const TESTS: Tests =
    &[("crowd_of_which_two_are_killed_passes_each_message_once_or_marked", crowds)];

/// One is killed, one lives, one comes when the first is dead.
const SENDERS: u64 = 3;
const EACH: u64 = 5000;
/// When the first sender is killed, and a receiver.
const KILLED_AT: u64 = 100;

/// The ledger's words: how often each message came unmarked; how often marked; how many each
/// sender is sure to have sent.
const MARKED: usize = (SENDERS * EACH) as usize;
const SENT: usize = 2 * MARKED;

/// Role: sends the messages of a sender, and waits until it is wanted no more.
pub(crate) fn send(ring: Ring<u64, Mpmc>, mut args: Args) {
    let (sender, ledger) = (args.parse::<u64>("sender"), args.ledger());
    let mut producer = ring.producer().expect("a place");
    producer.set_when_alone(WhenAlone::Wait);
    for n in 0..EACH {
        producer.send(&(sender * EACH + n)).expect("sent");
        ledger.set(SENT + sender as usize, n + 1);
    }
    if sender == 0 {
        thread::park();
    }
}

/// Role: notes each message before it is released, until the ring is closed and empty.
pub(crate) fn receive(ring: Ring<u64, Mpmc>, mut args: Args) {
    let ledger = args.ledger();
    let mut consumer = ring.consumer().expect("a place");
    consumer.set_when_alone(WhenAlone::Wait);
    let mut next = [0; SENDERS as usize];
    loop {
        match consumer.recv() {
            Ok(message) => {
                let number = message.get();
                if message.is_redelivered() {
                    ledger.add(MARKED + number as usize, 1);
                } else {
                    let next = &mut next[(number / EACH) as usize];
                    assert!(number >= *next, "{number} out of order");
                    *next = number + 1;
                    ledger.add(number as usize, 1);
                }
                message.release();
            }
            Err(error) => return assert_eq!(error, RecvError::Disconnected),
        }
    }
}

fn crowds() {
    for backing in backing::ALL {
        if let Some(made) = backing.make(&Options::messages(16).participants(8)) {
            crowd(&made, &format!("{backing:?}"));
        }
    }
}

fn crowd(made: &Made<u64, Mpmc>, backing: &str) {
    let ledger = Ledger::new(SENT + SENDERS as usize).expect("a ledger");
    let start = |role: ironring_testkit::Role| role.ledger(&ledger).spawn().expect("a process");
    let receiver = || start(made.role("crowd-receive", receive));
    let sender = |number: u64| start(made.role("crowd-send", send).arg(number));
    let ends_well = |mut child: Child| {
        let ended = child.wait_timeout(Duration::from_secs(60));
        assert!(ended.is_some_and(ironring_testkit::Exit::success), "{backing}: {ended:?}");
    };

    let (mut dying_receiver, living_receiver) = (receiver(), receiver());
    let (mut dying_sender, living_sender) = (sender(0), sender(1));
    let begun = Instant::now();
    while ledger.get(SENT) < KILLED_AT {
        assert!(begun.elapsed() < Duration::from_secs(60), "{backing}: nothing goes through");
        thread::yield_now();
    }
    dying_receiver.kill();
    dying_sender.kill();
    let successors = [receiver(), sender(2)];
    let [next_receiver, next_sender] = successors;
    ends_well(living_sender);
    ends_well(next_sender);
    made.ring.close();
    ends_well(living_receiver);
    ends_well(next_receiver);

    let mut marked = 0;
    for number in 0..SENDERS * EACH {
        let (sender, n) = (number / EACH, number % EACH);
        let (once, again) = (ledger.get(number as usize), ledger.get(MARKED + number as usize));
        let sent = ledger.get(SENT + sender as usize);
        // Of a send that was cut off nobody knows whether it took place.
        assert!(n >= sent || once + again > 0, "{backing}: {n} of {sender} is lost");
        assert!(n <= sent || once + again == 0, "{backing}: {n} of {sender} was not sent");
        assert!(once <= 1, "{backing}: {n} of {sender} came twice");
        marked += again;
    }
    assert!(marked <= 1, "{backing}: {marked} marked, but the dead receiver held one at most");
}
