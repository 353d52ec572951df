//! What ends a wait.

use std::{os::fd::AsFd, time::Duration};

use ironring::{Options, RecvError, SendError, WhenAlone, asynchronous as ring, mpmc, spsc};
use ironring_testkit::{Args, Exit, Ledger, Role};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

pub(crate) fn a_close_ends_what_waits() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(2)).expect("a ring");
    let full = mpmc::Ring::<u64>::anonymous(&Options::messages(2)).expect("a ring");
    let consumer = ring::Consumer::new(ring.consumer().expect("a place")).expect("a consumer");
    let producer = ring::Producer::new(full.producer().expect("a place")).expect("a producer");
    let _others = (ring.producer().expect("a place"), full.consumer().expect("a place"));
    runtime().block_on(async {
        for number in 0..2 {
            producer.send(&number).await.expect("room");
        }
        let receives = (0..10).map(|_| {
            let consumer = consumer.clone();
            tokio::spawn(async move { consumer.recv().await })
        });
        let receives: Vec<_> = receives.collect();
        let sends = (0..10).map(|_| {
            let producer = producer.clone();
            tokio::spawn(async move { producer.send(&9).await })
        });
        let sends: Vec<_> = sends.collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        ring.close();
        full.close();
        for receive in receives {
            assert_eq!(receive.await.expect("no panic"), Err(RecvError::Disconnected));
        }
        for send in sends {
            assert_eq!(send.await.expect("no panic"), Err(SendError::Disconnected));
        }
    });
}

/// The role of a producer that is killed.
pub(crate) fn send(mut args: Args) {
    let ring = spsc::Ring::<u64>::from_fd(args.fd("ring")).expect("a ring");
    let mut producer = ring.producer().expect("a place");
    producer.send(&1).expect("room");
    args.ledger().set(0, 1);
    std::thread::sleep(Duration::MAX);
}

pub(crate) fn a_death_ends_what_waits() {
    let ring = spsc::Ring::<u64>::anonymous(&Options::messages(2)).expect("a ring");
    let ledger = Ledger::new(1).expect("a ledger");
    let mut child =
        Role::new("sender").pass_fd("ring", ring.as_fd()).ledger(&ledger).spawn().expect("a process");
    let consumer = ring::Consumer::new(ring.consumer().expect("a consumer")).expect("a consumer");
    consumer.with(|consumer| consumer.set_when_alone(WhenAlone::Disconnect).is_empty());
    runtime().block_on(async {
        assert_eq!(consumer.recv().await, Ok(1));
        let waiting = {
            let consumer = consumer.clone();
            tokio::spawn(async move { consumer.recv().await })
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        assert_eq!(child.kill(), Exit::KILLED);
        assert_eq!(waiting.await.expect("no panic"), Err(RecvError::Disconnected));
    });
}
