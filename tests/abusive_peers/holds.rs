//! A consumer that holds messages, as many as it may, and never releases them.

use ironring::{Error, RecvError, SendError, mpmc::Mpmc, spsc::Spsc};

use crate::{
    account::{MARKED, SENT, message},
    crowd::{CAPACITY, Crowd, Crowded, HOLDING},
    hoard::hoarder,
    honest::receive_one,
    peer::{Receiver, Sender},
    trials::Tests,
};

pub(crate) const TESTS: Tests = &[
    ("spsc: a message that is held takes its room, and comes again after a death", one_of_a_stream),
    ("mpmc: messages that are held take no room, and come again after a death", all_spares),
    ("mpmc: places of the dead with messages in them are for consumers", places_with_messages),
];

/// Sends as many as there is room for.
fn fill<A: Crowded>(crowd: &Crowd<A>, producer: &mut Sender<A>) -> u64 {
    let before = crowd.book.get(SENT);
    let mut sent = before;
    while sent - before <= 2 * CAPACITY {
        match producer.try_send(&message(0, sent)) {
            Ok(()) => sent += 1,
            Err(error) => {
                assert_eq!(error, SendError::Full);
                break;
            }
        }
        crowd.book.0.set(SENT, sent);
    }
    sent - before
}

/// Receives all there are.
fn drain<A: Crowded>(crowd: &Crowd<A>, consumer: &mut Receiver<A>, last: &mut [Option<u64>; 8]) -> u64 {
    std::iter::from_fn(|| receive_one(&crowd.book, consumer, last).then_some(())).count() as u64
}

fn one_of_a_stream() {
    let mut crowd = Crowd::<Spsc>::new(0);
    let mut producer = crowd.ring.producer().expect("the role");
    assert_eq!(fill(&crowd, &mut producer), CAPACITY);
    let mut abuser = hoarder(&mut crowd, [0, 1], (1, 1));
    assert_eq!(fill(&crowd, &mut producer), 0, "what is held keeps its room");
    abuser.kill();
    let mut consumer = crowd.ring.consumer().expect("the role");
    assert!(receive_one(&crowd.book, &mut consumer, &mut [None; 8]));
    assert_eq!(crowd.book.get(MARKED), 1, "the first comes again");
    assert_eq!(drain(&crowd, &mut consumer, &mut [None; 8]), CAPACITY - 1);
    assert_eq!(crowd.book.get(MARKED), 1);
    assert_eq!(fill(&crowd, &mut producer), CAPACITY);
    assert_eq!(drain(&crowd, &mut consumer, &mut [None; 8]), CAPACITY);
    drop((producer, consumer));
    crowd.book.check();
    crowd.must_be_free();
}

/// Messages that two consumers may hold.
const HELD: u64 = 2 * HOLDING as u64;

fn all_spares() {
    let mut crowd = Crowd::<Mpmc>::new(Mpmc::HONEST + 4);
    let (mut producer, mut consumer) = crate::honest::ends(&crowd.ring);
    assert_eq!(fill(&crowd, &mut producer), CAPACITY);
    let mut abuser = hoarder(&mut crowd, [0, 2], (2, HELD));
    let told: Vec<_> = crowd.ring.participants().expect("a whole ring");
    assert_eq!(told.iter().filter(|one| one.messages == HOLDING).count(), 2, "{told:?}");
    // The rest of the ring is as good as ever, many laps long.
    assert_eq!(fill(&crowd, &mut producer), HELD);
    let mut last = [None; 8];
    for _ in 0..20 {
        assert_eq!(drain(&crowd, &mut consumer, &mut last), CAPACITY);
        assert_eq!(fill(&crowd, &mut producer), CAPACITY);
    }
    assert_eq!(drain(&crowd, &mut consumer, &mut last), CAPACITY);
    assert_eq!(crowd.ring.recover().expect("a whole ring"), [], "it lives");
    assert_eq!(crowd.book.get(MARKED), 0, "what it holds is its own while it lives");
    abuser.kill();
    crowd.until("all that it held", |book| {
        receive_one(book, &mut consumer, &mut last);
        book.get(MARKED) == HELD
    });
    crowd.book.check();
    drop((producer, consumer));
    crowd.must_be_free();
}

/// A producer finds no place where all free ones wait for a consumer, which does.
fn places_with_messages() {
    let mut crowd = Crowd::<Mpmc>::new(3);
    let mut producer = crowd.ring.producer().expect("a place");
    assert_eq!(fill(&crowd, &mut producer), CAPACITY);
    let mut abuser = hoarder(&mut crowd, [0, 2], (2, HELD));
    abuser.kill();
    assert!(matches!(crowd.ring.producer(), Err(Error::NoPlace { participants: 3 })));
    let mut consumer = crowd.ring.consumer().expect("a place with messages");
    assert_eq!(drain(&crowd, &mut consumer, &mut [None; 8]), CAPACITY);
    assert_eq!(crowd.book.get(MARKED), HELD);
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    drop(crowd.ring.producer().expect("a place, now that they are received"));
    drop((producer, consumer));
    crowd.book.check();
    crowd.must_be_free();
}
