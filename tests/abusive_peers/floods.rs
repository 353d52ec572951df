//! A producer that sends as fast as it can.

use ironring::{Error, RecvError, Ring, SendError, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Args, roles::RoleFn};

use crate::{
    account::{Book, FLOOD, FLOOD_SENT, FLOOD_SUM, FLOODING, MARKED, NO_ROOM, RECEIVED, SENT, message},
    crowd::{Crowd, Crowded},
    honest::{PATIENCE, receive_one},
    peer::Kind,
    trials::Tests,
};

pub(crate) const ROLES: &[(&str, RoleFn)] = &[("spsc::flood", flood::<Spsc>), ("mpmc::flood", flood::<Mpmc>)];

pub(crate) const TESTS: Tests = &[
    ("mpmc: a flood takes room, and stops nobody", flooded_crowd),
    ("spsc: a flood is received in order, in as little memory as any", flooded_consumer),
];

/// Role: sends without a pause.
fn flood<A: Kind>(mut args: Args) {
    let book = Book::given(&mut args);
    let ring = Ring::<u64, A>::open(args.parse::<String>("path")).expect("the ring");
    let mut producer = ring.producer().expect("a place");
    for number in 0.. {
        while let Err(error) = producer.try_send(&message(FLOODING, number)) {
            assert_eq!(error, SendError::Full);
        }
        book.0.set(FLOOD_SENT, number + 1);
    }
}

/// Messages of a flood, at least.
const WAVES: u64 = 100_000;

/// All of it came once: by its sum, and because each consumer has found it in order. The last one may
/// have been sent and not counted.
fn must_be_all(book: &Book) {
    let [sent, came, sum] = [FLOOD_SENT, FLOOD, FLOOD_SUM].map(|word| book.get(word));
    assert!(came == sent || came == sent + 1, "{came} of {sent} came");
    assert_eq!(sum, came * (came - 1) / 2);
}

fn flooded_crowd() {
    let mut crowd = Crowd::<Mpmc>::new(Mpmc::HONEST + 2);
    crowd.gather(false);
    let mut abuser = crowd.start("flood");
    crowd.until("a flood", |book| book.get(FLOOD) >= WAVES / 10);
    let before = crowd.sizes();
    // One of the test's own sees the ring full, and gets room again.
    let mut producer = crowd.ring.producer().expect("a place");
    let (mut sent, mut refused) = (0, 0);
    crowd.until("a full ring, and room", |book| {
        for _ in 0..1000 {
            match producer.try_send(&message(2, sent)) {
                Ok(()) if sent < 1000 => sent += 1,
                Ok(()) => panic!("the ring is never full"),
                Err(error) => {
                    assert_eq!(error, SendError::Full);
                    refused += 1;
                }
            }
            book.0.set(SENT + 2, sent);
            if refused > 0 && sent > 0 {
                return true;
            }
        }
        false
    });
    drop(producer);
    let honest = crowd.book.sent();
    crowd
        .until("honest messages in a flood", |book| book.sent() >= honest + 1000 && book.get(FLOOD) >= WAVES);
    crowd.must_be_as_small(&before);
    assert!(abuser.wait_timeout(std::time::Duration::ZERO).is_none(), "it has found something wrong");
    abuser.kill();
    let [honest, flood, no_room] = [RECEIVED, FLOOD, NO_ROOM].map(|word| crowd.book.get(word));
    println!(
        "{honest} honest messages came among {flood}; {no_room} deadlines of {:?} passed",
        crate::honest::TICK
    );
    crowd.end_work();
    // What of the flood is left, when nobody honest sends any more.
    let mut consumer = crowd.ring.consumer().expect("a place");
    while receive_one(&crowd.book, &mut consumer, &mut [None; 8]) {}
    drop(consumer);
    must_be_all(&crowd.book);
    assert_eq!(crowd.book.get(MARKED), 0);
    crowd.must_be_free();
}

fn flooded_consumer() {
    let mut crowd = Crowd::<Spsc>::new(0);
    let mut consumer = crowd.ring.consumer().expect("the role");
    let mut abuser = crowd.start("flood");
    let mut last = [None; 8];
    let begun = std::time::Instant::now();
    let mut own = None;
    while crowd.book.get(FLOOD) < WAVES {
        receive_one(&crowd.book, &mut consumer, &mut last);
        if crowd.book.get(FLOOD) > WAVES / 10 {
            own.get_or_insert_with(crate::live::bytes);
        }
        assert!(begun.elapsed() < PATIENCE, "it takes too long");
    }
    assert!(crate::live::bytes() <= own.expect("a size") + 4096);
    assert!(
        matches!(crowd.ring.producer(), Err(Error::Busy { holder, .. }) if holder.pid == abuser.pid().cast_unsigned())
    );
    abuser.kill();
    while receive_one(&crowd.book, &mut consumer, &mut last) {}
    must_be_all(&crowd.book);
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
    drop(consumer);
    crowd.gather(false);
    crowd.until_more(100);
    crowd.end();
}
