//! Futures that are dropped before they are done: polled by hand, without any runtime.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use ironring::{Options, asynchronous as ring, spsc};

/// Counts how often it is woken.
#[derive(Default)]
struct Counter(AtomicU64);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Counter {
    fn count(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}: not within half a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn poll<F: Future>(future: Pin<&mut F>, counter: &Arc<Counter>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(counter))))
}

type Ends = (spsc::Producer<u64>, ring::Consumer<u64, spsc::Spsc>);

fn ends() -> Ends {
    let ring = spsc::Ring::<u64>::anonymous(&Options::messages(4)).expect("a ring");
    let consumer = ring.consumer().expect("a consumer");
    (ring.producer().expect("a producer"), ring::Consumer::new(consumer).expect("a consumer"))
}

pub(crate) fn passes_its_wake_up_on() {
    let (mut producer, consumer) = ends();
    let counters: [Arc<Counter>; 2] = Default::default();
    let mut first = Box::pin(consumer.recv());
    let mut second = Box::pin(consumer.recv());
    assert!(poll(first.as_mut(), &counters[0]).is_pending());
    assert!(poll(second.as_mut(), &counters[1]).is_pending());
    producer.send(&7).expect("room");
    until("the first is woken", || counters[0].count() == 1);
    assert_eq!(counters[1].count(), 0, "only one is woken");
    drop(first);
    until("then the second", || counters[1].count() == 1);
    assert_eq!(poll(second.as_mut(), &counters[1]), Poll::Ready(Ok(7)));
}

pub(crate) fn has_taken_nothing() {
    let (mut producer, consumer) = ends();
    let counter = Arc::new(Counter::default());
    for number in 0..100 {
        let mut future = Box::pin(consumer.recv());
        assert!(poll(future.as_mut(), &counter).is_pending());
        producer.send(&number).expect("room");
        drop(future);
        let future = pin!(consumer.recv());
        assert_eq!(poll(future, &counter), Poll::Ready(Ok(number)));
    }
}

/// Each that has found something wakes the next, for what else there may be.
pub(crate) fn one_message_wakes_one_task() {
    let (mut producer, consumer) = ends();
    let counters: [Arc<Counter>; 3] = Default::default();
    let mut futures = [0; 3].map(|_| Box::pin(consumer.recv()));
    for (future, counter) in futures.iter_mut().zip(&counters) {
        assert!(poll(future.as_mut(), counter).is_pending());
    }
    producer.send(&1).expect("room");
    producer.send(&2).expect("room");
    until("the first is woken", || counters[0].count() == 1);
    assert_eq!(poll(futures[0].as_mut(), &counters[0]), Poll::Ready(Ok(1)));
    assert_eq!([counters[1].count(), counters[2].count()], [1, 0]);
    assert_eq!(poll(futures[1].as_mut(), &counters[1]), Poll::Ready(Ok(2)));
    assert_eq!(counters[2].count(), 1);
    assert!(poll(futures[2].as_mut(), &counters[2]).is_pending(), "there are two");
    producer.send(&3).expect("room");
    until("the last is woken", || counters[2].count() == 2);
    assert_eq!(poll(futures[2].as_mut(), &counters[2]), Poll::Ready(Ok(3)));
}
