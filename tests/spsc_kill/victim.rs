//! The victim: it gets its place, and goes through its operation.

use std::hint::black_box;

use ironring::spsc::Ring;
use ironring_testkit::{Args, Ledger, mark};

use crate::{
    kills::numbered::Numbered,
    operation::Operation::{self, *},
};

/// Words of the victim's ledger, written as soon as the library has returned: how many
/// messages were sent or received, and how many released.
pub(crate) const DONE: usize = 0;
pub(crate) const RELEASED: usize = 1;

/// The role of a victim.
pub(crate) fn run<M: Numbered + ?Sized>(mut args: Args) {
    let ring = Ring::<M>::from_fd(args.fd("ring")).expect("a ring");
    let ledger = args.ledger();
    let operation: Operation = args.parse("operation");
    let first: u64 = args.parse("number of the first message");
    let count: u64 = args.parse("messages");
    let messages: Vec<_> = (first..first + count).map(M::make).collect();
    if operation.is_producers() {
        produce(operation, &ring, &ledger, first + count, &messages);
    } else {
        consume(operation, &ring, &ledger, count);
    }
}

fn produce<M: Numbered + ?Sized>(
    operation: Operation,
    ring: &Ring<M>,
    ledger: &Ledger,
    end: u64,
    messages: &[M::Message],
) {
    if operation.is_attach() {
        mark::begin();
        let producer = ring.producer();
        mark::end();
        drop(producer.expect("the role is free"));
        return;
    }
    let mut producer = ring.producer().expect("the role is free");
    M::label(&mut producer, end.wrapping_sub(1));
    let count = messages.len() as u64;
    let stages_before = matches!(operation, PublishStaged | ProducerDetach);
    for message in messages.iter().filter(|_| stages_before) {
        producer.stage(M::payload(message)).expect("room");
    }
    match operation {
        Claim => {
            mark::begin();
            drop(M::claim(&mut producer, &messages[0]).expect("room"));
            mark::end();
        }
        Publish => {
            let claim = M::claim(&mut producer, &messages[0]).expect("room");
            mark::begin();
            claim.publish().expect("it is this process's");
            ledger.set(DONE, count);
            mark::end();
        }
        PublishStaged => {
            mark::begin();
            producer.publish().expect("it is this process's");
            ledger.set(DONE, count);
            mark::end();
        }
        Send => {
            mark::begin();
            producer.send(M::payload(&messages[0])).expect("room");
            ledger.set(DONE, count);
            mark::end();
        }
        SendFull => {
            mark::begin();
            producer.try_send(M::payload(&messages[0])).expect_err("no room");
            mark::end();
        }
        SendBatch => {
            mark::begin();
            let sent = M::send_batch(&mut producer, messages);
            ledger.set(DONE, sent as u64);
            mark::end();
        }
        StageAndPublish => {
            mark::begin();
            for message in messages {
                producer.stage(M::payload(message)).expect("room");
            }
            producer.publish().expect("it is this process's");
            ledger.set(DONE, count);
            mark::end();
        }
        ProducerDetach => {
            mark::begin();
            drop(producer);
            mark::end();
        }
        _ => unreachable!("{operation} is not a producer's"),
    }
}

fn consume<M: Numbered + ?Sized>(operation: Operation, ring: &Ring<M>, ledger: &Ledger, count: u64) {
    if operation.is_attach() {
        mark::begin();
        let consumer = ring.consumer();
        mark::end();
        drop(consumer.expect("the role is free"));
        return;
    }
    let mut consumer = ring.consumer().expect("the role is free");
    match operation {
        Recv => {
            mark::begin();
            let message = consumer.recv().expect("a message");
            black_box(M::read(&message.view()));
            ledger.set(DONE, 1);
            mark::end();
            drop(message);
        }
        RecvEmpty => {
            mark::begin();
            assert!(consumer.try_recv().is_err());
            mark::end();
        }
        Release => {
            let message = consumer.recv().expect("a message");
            mark::begin();
            drop(message);
            ledger.set(RELEASED, 1);
            mark::end();
        }
        RecvBatch | HoldBatch => {
            mark::begin();
            let mut batch = consumer.recv_batch(count as usize).expect("a message");
            for done in 1..=count {
                black_box(M::read(&batch.next().expect("a message")));
                ledger.set(DONE, done);
            }
            if operation == RecvBatch {
                drop(batch);
                ledger.set(RELEASED, count);
                mark::end();
            } else {
                mark::end();
                drop(batch);
            }
        }
        RecvInto => {
            mark::begin();
            black_box(M::recv_copy(&mut consumer).expect("a message"));
            ledger.set(RELEASED, 1);
            mark::end();
        }
        RecvValues => {
            mark::begin();
            let received = M::recv_values(&mut consumer, count as usize);
            ledger.set(RELEASED, received as u64);
            mark::end();
        }
        HandBack => {
            let message = consumer.recv().expect("a message");
            mark::begin();
            message.hand_back();
            mark::end();
        }
        ConsumerDetach => {
            mark::begin();
            drop(consumer);
            mark::end();
        }
        _ => unreachable!("{operation} is not a consumer's"),
    }
}
