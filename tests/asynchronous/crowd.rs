//! A thousand tasks, half of them in each of two processes, on one ring, whose calls are given
//! up at random.

use std::{collections::BTreeSet, os::fd::AsFd, sync::Arc, time::Duration};

use ironring::{Options, RecvError, SendError, asynchronous as ring, mpmc};
use ironring_testkit::{Args, Ledger, Role, rng::Seeded};
use tokio::{sync::Mutex, time::timeout};

const TASKS: u64 = 500;
const EACH: u64 = 100;
/// The longest that a call is waited for, in microseconds: some end before, some do not.
const PATIENCE_MICROS: u64 = 400;

/// Words of the ledger: messages received, and calls given up in each process.
const RECEIVED: usize = 0;
const RECEIVES_GIVEN_UP: usize = 1;

fn patience(rng: &mut Seeded) -> Duration {
    Duration::from_micros(rng.u64(1..PATIENCE_MICROS))
}

pub(crate) fn a_thousand_tasks_lose_nothing() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(64)).expect("a ring");
    let ledger = Ledger::new(2).expect("a ledger");
    let child = Role::new("crowd").pass_fd("ring", ring.as_fd()).ledger(&ledger);
    let mut child = child.spawn().expect("a process");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let given_up = runtime.expect("a runtime").block_on(async {
        let producer = ring::Producer::new(ring.producer().expect("a place")).expect("a producer");
        producer.with(|producer| producer.set_when_alone(ironring::WhenAlone::Wait).is_full());
        let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(send_all(producer.clone(), task))).collect();
        let mut given_up = 0;
        for task in tasks {
            given_up += task.await.expect("no panic");
        }
        given_up
    });
    ring.close();
    assert!(child.wait().success());
    assert_eq!(ledger.get(RECEIVED), TASKS * EACH);
    assert!(given_up > 0 && ledger.get(RECEIVES_GIVEN_UP) > 0, "nothing was given up");
}

/// Sends the messages of one task, each until it is sent; how often it was given up.
async fn send_all(producer: ring::Producer<u64, mpmc::Mpmc>, task: u64) -> u64 {
    let mut rng = Seeded::with_seed(task);
    let mut given_up = 0;
    for number in task * EACH..(task + 1) * EACH {
        loop {
            match timeout(patience(&mut rng), producer.send(&number)).await {
                Ok(Ok(())) => break,
                Ok(Err(error @ SendError::Full)) => panic!("{error}: a future waits"),
                Ok(Err(error)) => panic!("{error}"),
                Err(_) => given_up += 1,
            }
        }
    }
    given_up
}

/// The role of the other process.
pub(crate) fn receive(mut args: Args) {
    let ring = mpmc::Ring::<u64>::from_fd(args.fd("ring")).expect("a ring");
    let ledger = args.ledger();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let (all, given_up) = runtime.expect("a runtime").block_on(async {
        let consumer = ring::Consumer::new(ring.consumer().expect("a place")).expect("a consumer");
        consumer.with(|consumer| consumer.set_when_alone(ironring::WhenAlone::Wait).is_empty());
        let all = Arc::new(Mutex::new(BTreeSet::new()));
        let tasks = (0..TASKS).map(|task| tokio::spawn(receive_all(consumer.clone(), all.clone(), task)));
        let mut given_up = 0;
        for task in tasks.collect::<Vec<_>>() {
            given_up += task.await.expect("no panic");
        }
        (Arc::into_inner(all).expect("no task is left").into_inner(), given_up)
    });
    assert_eq!(all.last(), Some(&(TASKS * EACH - 1)));
    ledger.set(RECEIVED, all.len() as u64);
    ledger.set(RECEIVES_GIVEN_UP, given_up);
}

async fn receive_all(
    consumer: ring::Consumer<u64, mpmc::Mpmc>,
    all: Arc<Mutex<BTreeSet<u64>>>,
    task: u64,
) -> u64 {
    let mut rng = Seeded::with_seed(TASKS + task);
    let mut given_up = 0;
    loop {
        match timeout(patience(&mut rng), consumer.recv()).await {
            Ok(Ok(number)) => assert!(all.lock().await.insert(number), "{number} came twice"),
            Ok(Err(RecvError::Disconnected)) => return given_up,
            Ok(Err(error)) => panic!("{error}"),
            Err(_) => given_up += 1,
        }
    }
}
