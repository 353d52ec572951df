//! Histories of the ring itself.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use ironring::{
    Options, RecvError, SendError,
    mpmc::{Consumer, Producer, Ring},
};
use ironring_testkit::rng::{Seeded, fastrand::Rng};

use crate::{
    conditions::fault,
    history::{Call, Done, History, Value},
    search::is_linearizable,
};

/// Calls of each thread.
const CALLS: usize = 100_000;

/// Ticks, no two of which are equal: a call that returned before another began has the
/// smaller ones.
struct Clock(AtomicU64);

impl Clock {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, SeqCst)
    }
}

/// A thread's handles, and what it has done.
struct Caller<'a> {
    producer: Producer<[u8]>,
    consumer: Consumer<[u8]>,
    clock: &'a Clock,
    rng: Rng,
    next: Value,
    displaces: bool,
}

impl Caller<'_> {
    fn call(&mut self) -> Call {
        let way = self.rng.u8(..if self.displaces { 5 } else { 4 });
        let called = self.clock.tick();
        // Here and below: so that calls overlap also where all threads share one core.
        if self.rng.u8(..) == 0 {
            thread::yield_now();
        }
        let done = match way {
            0 | 1 => self.receive(),
            2 | 3 => self.send(),
            _ => self.force(),
        };
        if self.rng.u8(..) == 0 {
            thread::yield_now();
        }
        let returned = self.clock.tick();
        (0..self.rng.u32(..40)).for_each(|_| std::hint::spin_loop());
        Call { called, returned, done }
    }

    fn next(&mut self) -> Value {
        self.next += 1;
        self.producer.set_tag(self.next);
        self.next
    }

    fn send(&mut self) -> Done {
        let value = self.next();
        match self.producer.try_send(&value.to_le_bytes()) {
            Ok(()) => Done::Sent(value),
            Err(SendError::Full) => Done::Full,
            Err(error) => panic!("{error}"),
        }
    }

    fn force(&mut self) -> Done {
        let value = self.next();
        let displaced = self.producer.force_send(&value.to_le_bytes()).expect("sent");
        Done::Forced(value, displaced.map(|displaced| displaced.tag))
    }

    fn receive(&mut self) -> Done {
        match self.consumer.try_recv() {
            Ok(message) => {
                assert!(!message.is_redelivered());
                assert_eq!(message.to_vec(), message.tag().to_le_bytes());
                Done::Received(message.tag())
            }
            Err(RecvError::Empty) => Done::Empty,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What `threads` threads do on a ring of `capacity`. Each has mappings of its own, as a
/// process has.
fn record(capacity: u64, threads: usize, displaces: bool) -> History {
    let options = Options::messages(capacity).max_message(4).participants(2 * threads as u32);
    let ring = Ring::<[u8]>::anonymous(&options).expect("a ring");
    let mut rng = Seeded::new();
    let clock = Clock(AtomicU64::new(0));
    let start = Barrier::new(threads);
    let callers = thread::scope(|scope| {
        let running = (0..threads).map(|i| {
            let mut caller = Caller {
                producer: ring.producer().expect("a place"),
                consumer: ring.consumer().expect("a place"),
                clock: &clock,
                rng: Rng::with_seed(rng.u64(..)),
                next: (i as Value) << 24,
                displaces,
            };
            let start = &start;
            scope.spawn(move || {
                start.wait();
                (0..CALLS).map(|_| caller.call()).collect()
            })
        });
        let running: Vec<_> = running.collect();
        running.into_iter().map(|thread| thread.join().expect("a caller")).collect()
    });
    History { callers }
}

fn is_explained(capacity: u64, threads: usize, displaces: bool) {
    let history = record(capacity, threads, displaces);
    let overlaps = history.overlaps();
    let [full, empty, displaced] = [
        |done| done == Done::Full,
        |done| done == Done::Empty,
        |done| matches!(done, Done::Forced(_, Some(_))),
    ]
    .map(|is_counted: fn(_) -> _| history.count(is_counted));
    println!(
        "{threads} threads on {capacity} slots: {} calls, {overlaps} of them overlapping, {full} full, \
         {empty} empty, {displaced} displaced",
        history.calls().count()
    );
    assert!(overlaps > 0 && full > 0 && empty > 0, "nothing was shown");
    assert_eq!(displaced > 0, displaces);
    assert_eq!(fault(&history, capacity as usize), None);
    assert!(is_linearizable(&history, capacity as usize), "no order explains what the callers were told");
}

#[test]
fn an_order_explains_what_two_threads_are_told() {
    for capacity in [1, 2, 8] {
        is_explained(capacity, 2, false);
        is_explained(capacity, 2, true);
    }
}

#[test]
fn an_order_explains_what_three_and_four_threads_are_told() {
    for (capacity, threads) in [(1, 3), (2, 4), (4, 3), (8, 4)] {
        is_explained(capacity, threads, false);
        is_explained(capacity, threads, true);
    }
}
