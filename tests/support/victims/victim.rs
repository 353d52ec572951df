//! The victim: it gets its place, and goes through its operation; if it is let go on, to its
//! end.

use std::{
    fs::File,
    hint::black_box,
    os::fd::{AsFd, AsRawFd},
};

use ironring::mpmc::{Consumer, Ring};
use ironring_testkit::{Args, Ledger, mark};

use super::operation::Operation::{self, *};
use crate::kills::numbered::Numbered;

/// Words of the victim's ledger: how many effects of its operation it knows to have taken
/// place, written as soon as the library has returned; and the number of the first message
/// that it received in it, plus one.
pub(crate) const ACKNOWLEDGED: usize = 0;
pub(crate) const FIRST: usize = 1;

/// How often a consumer finds the ring empty before it looks for the dead the next time:
/// `patrol.rs` counts each as nine operations, and looks at every 64th.
const POLLS: usize = 7;

/// The bytes of the first two records, in which the dead were, in rings of these tests.
const RECORDS_OF_THE_DEAD: libc::off_t = 2 * 256;
/// Where the first record lies.
const RECORDS: libc::off_t = 4096;

/// The role of a victim.
pub(crate) fn run<M: Numbered + ?Sized>(mut args: Args) {
    let ring = Ring::<M>::from_fd(args.fd("ring")).expect("a ring");
    let ledger = args.ledger();
    let operation: Operation = args.parse("operation");
    let own: u64 = args.parse("number of the first message");
    let takes: Vec<usize> = args.rest().iter().map(|count| count.parse().expect("a count")).collect();
    let messages: Vec<_> = (own..own + operation.sends()).map(M::make).collect();
    match operation.role() {
        None => bare(operation, &ring),
        Some(ironring::Role::Producer) => produce(operation, &ring, &ledger, own, &messages),
        Some(ironring::Role::Consumer) => consume(operation, &ring, &ledger, &takes),
    }
}

/// Operations of those who are not attached.
fn bare<M: Numbered + ?Sized>(operation: Operation, ring: &Ring<M>) {
    match operation {
        Recover | RecoverTwo => {
            mark::begin();
            let recovered = ring.recover();
            mark::end();
            recovered.expect("a sound ring");
        }
        ConsumerAttach | ConsumerAttachAfterKill => {
            mark::begin();
            let consumer = ring.consumer();
            mark::end();
            drop(consumer.expect("a place"));
        }
        _ => {
            mark::begin();
            let producer = ring.producer();
            mark::end();
            drop(producer.expect("a place"));
        }
    }
}

fn produce<M: Numbered + ?Sized>(
    operation: Operation,
    ring: &Ring<M>,
    ledger: &Ledger,
    own: u64,
    messages: &[M::Message],
) {
    let mut producer = ring.producer().expect("a place");
    M::label(&mut producer, own + messages.len() as u64 - 1);
    let message = M::payload(&messages[0]);
    match operation {
        Claim => {
            mark::begin();
            drop(M::claim(&mut producer, &messages[0]).expect("room"));
            mark::end();
        }
        Publish => {
            let claim = M::claim(&mut producer, &messages[0]).expect("room");
            mark::begin();
            claim.publish().expect("room");
            ledger.set(ACKNOWLEDGED, 1);
            mark::end();
        }
        Send => {
            mark::begin();
            producer.send(message).expect("sent");
            ledger.set(ACKNOWLEDGED, 1);
            mark::end();
        }
        SendFull => {
            mark::begin();
            producer.try_send(message).expect_err("no room");
            mark::end();
        }
        ForceSend => {
            mark::begin();
            black_box(producer.force_send(message)).expect("sent");
            ledger.set(ACKNOWLEDGED, 1);
            mark::end();
        }
        BatchSend => {
            mark::begin();
            let sent = M::send_batch(&mut producer, messages);
            ledger.set(ACKNOWLEDGED, 1);
            mark::end();
            assert_eq!(sent, messages.len());
        }
        ProducerDetach => {
            producer.stage(message).expect("room");
            mark::begin();
            drop(producer);
            mark::end();
        }
        _ => unreachable!("{operation} is not a producer's"),
    }
}

/// What the victim received in its operation: noted, and checked behind its end.
struct Received<M: Numbered + ?Sized> {
    number: u64,
    content: M::Message,
}

impl<M: Numbered + ?Sized> Received<M> {
    fn check(self, ledger: &Ledger) {
        assert_eq!(self.content, M::make(self.number), "message {:#x}", self.number);
        ledger.set(FIRST, self.number + 1);
    }
}

fn consume<M: Numbered + ?Sized>(operation: Operation, ring: &Ring<M>, ledger: &Ledger, takes: &[usize]) {
    let dead = (operation == RecvAfterKill).then(|| keep_locked(ring));
    let mut consumer = ring.consumer().expect("a place");
    drop(dead);
    match operation {
        Recv => recv(&mut consumer, ledger),
        RecvAfterKill => {
            for _ in 0..POLLS {
                assert!(consumer.try_recv().is_err(), "the ring is empty");
            }
            recv(&mut consumer, ledger);
        }
        RecvEmpty => {
            mark::begin();
            assert!(consumer.try_recv().is_err(), "the ring is empty");
            mark::end();
        }
        RecvInto => {
            mark::begin();
            black_box(M::recv_copy(&mut consumer)).expect("a message");
            ledger.set(ACKNOWLEDGED, 3);
            mark::end();
        }
        Release | ReleasePart => {
            let message = consumer.recv().expect("a message");
            mark::begin();
            drop(message);
            ledger.set(ACKNOWLEDGED, 1);
            mark::end();
        }
        HandBack => {
            let message = consumer.recv().expect("a message");
            mark::begin();
            message.hand_back();
            ledger.set(ACKNOWLEDGED, 1);
            mark::end();
        }
        BatchRecv => recv_batch(&mut consumer, ledger, takes),
        OwnedRecv => {
            mark::begin();
            let messages = consumer.recv_owned().expect("a message");
            messages.iter().for_each(|view| drop(black_box(M::read(&view))));
            ledger.set(ACKNOWLEDGED, 2);
            mark::end();
            drop(messages);
        }
        OwnedRelease => {
            let mut held: Vec<_> = takes.iter().map(|_| consumer.recv_owned().expect("a message")).collect();
            mark::begin();
            let mut released = 0;
            while let Some(messages) = held.pop() {
                drop(messages);
                released += 1;
                ledger.set(ACKNOWLEDGED, released);
            }
            mark::end();
        }
        ConsumerDetach => {
            consumer.recv().expect("a message").hand_back();
            mark::begin();
            drop(consumer);
            mark::end();
        }
        _ => unreachable!("{operation} is not a consumer's"),
    }
}

fn recv<M: Numbered + ?Sized>(consumer: &mut Consumer<M>, ledger: &Ledger) {
    mark::begin();
    let message = consumer.recv().expect("a message");
    let received = Received::<M> { number: M::number(&message.view()), content: M::read(&message.view()) };
    ledger.set(ACKNOWLEDGED, 2);
    mark::end();
    received.check(ledger);
    message.release();
}

/// Acknowledges each slot that it takes, each message, and the release.
fn recv_batch<M: Numbered + ?Sized>(consumer: &mut Consumer<M>, ledger: &Ledger, takes: &[usize]) {
    mark::begin();
    let mut batch = consumer.recv_batch(takes.iter().sum()).expect("a message");
    let mut acknowledged = 0;
    for count in takes {
        acknowledged += 1;
        for _ in 0..*count {
            black_box(M::read(&batch.next().expect("a message")));
            acknowledged += 1;
            ledger.set(ACKNOWLEDGED, acknowledged);
        }
    }
    drop(batch);
    ledger.set(ACKNOWLEDGED, acknowledged + takes.len() as u64);
    mark::end();
}

/// Keeps the places of the dead from whoever attaches, who would repair what those left, until
/// the file is closed.
fn keep_locked<M: Numbered + ?Sized>(ring: &Ring<M>) -> File {
    let path = format!("/proc/self/fd/{}", ring.as_fd().as_raw_fd());
    let file = File::options().read(true).write(true).open(path).expect("the ring's file, once more");
    // SAFETY: `flock` is plain integers, for which zero is a value.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::F_WRLCK as libc::c_short;
    range.l_start = RECORDS;
    range.l_len = RECORDS_OF_THE_DEAD;
    // SAFETY: the descriptor is open, and the call reads a valid `flock`.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    file
}
