//! A consumer that never reads.

use std::{
    os::{fd::AsFd, unix::fs::MetadataExt},
    time::Duration,
};

use ironring::{Error, RecvError, SendError, mpmc::Mpmc, spsc::Spsc};

use crate::{
    account::{SENT, message},
    crowd::{CAPACITY, Crowd},
    hoard::{Keeps, hoarder},
    honest::{TICK, by_its_deadline, receive_one},
    live,
    peer::{ALL_WAITS, sender},
    trials::Tests,
};

pub(crate) const TESTS: Tests = &[
    ("spsc: who never reads fills the ring, and no more", never_reads::<Spsc>),
    ("mpmc: who never reads fills the ring, and no more", never_reads::<Mpmc>),
];

fn never_reads<A: Keeps>() {
    let mut crowd = Crowd::<A>::new(A::HONEST + 1);
    let mut abuser = hoarder(&mut crowd, [0, 1], (1, 0));
    let file_size = |crowd: &Crowd<A>| {
        let file = std::fs::File::from(crowd.ring.as_fd().try_clone_to_owned().expect("a descriptor"));
        let found = file.metadata().expect("a file");
        (found.len(), found.blocks())
    };
    let before = file_size(&crowd);
    let mut sent = 0;
    for wait in ALL_WAITS {
        let mut producer = sender(&crowd.ring, wait);
        while producer.try_send(&message(0, sent)).is_ok() {
            sent += 1;
            crowd.book.0.set(SENT, sent);
        }
        assert_eq!(sent, CAPACITY);
        let own = live::bytes();
        for _ in 0..1000 {
            assert_eq!(producer.try_send(&message(3, 0)), Err(SendError::Full));
        }
        for time in [Duration::ZERO, TICK, 5 * TICK] {
            let timed_out = |result: &_| *result == Err(SendError::TimedOut);
            let result = by_its_deadline(time, timed_out, || producer.send_by(&message(3, 0), time));
            assert_eq!(result, Err(SendError::TimedOut));
        }
        assert!(live::bytes() <= own + 4096, "{} became {} bytes", own, live::bytes());
    }
    assert_eq!(file_size(&crowd), before);

    // In an exchange ring another one reads; of a stream there is one reader, until it is dead.
    if A::HAS_ROLES {
        assert!(matches!(crowd.ring.consumer(), Err(Error::Busy { .. })));
        abuser.kill();
    }
    let mut consumer = crowd.ring.consumer().expect("a place");
    let mut last = [None; 8];
    for _ in 0..sent {
        assert!(receive_one(&crowd.book, &mut consumer, &mut last));
    }
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    drop(consumer);
    crowd.book.check();
    abuser.kill();
    crowd.must_be_free();
}
