//! What becomes of the messages that a dead participant held.

use ironring::{Delivery, Options, RecvError, mpmc::Ring};

use crate::victim::{Deed, kill_after, kill_behind};

type Test = (&'static str, fn());

pub(crate) const TESTS: &[Test] = &[
    ("owned_messages_come_at_most_once", owned_messages_come_at_most_once),
    ("messages_set_aside_stay_where_their_taker_dies", messages_set_aside_stay_where_their_taker_dies),
];

fn owned_messages_come_at_most_once() {
    let ring = Ring::<[u8]>::anonymous(&Options::messages(4).delivery(Delivery::AtMostOnce)).expect("a ring");
    let mut producer = ring.producer().expect("a place");
    assert_eq!(producer.send_batch(["a", "b", "c"]), (3, Ok(())));
    kill_after(Deed::Owned, &ring);
    let recovered = ring.recover().expect("a whole ring");
    assert_eq!(
        recovered.iter().map(|recovered| (recovered.dropped, recovered.redelivered)).collect::<Vec<_>>(),
        [(3, 0)]
    );
    let mut consumer = ring.consumer().expect("a place");
    assert_eq!(consumer.try_recv().err(), Some(RecvError::Empty));
}

fn messages_set_aside_stay_where_their_taker_dies() {
    let dir = tempfile::tempdir_in("/dev/shm").expect("a directory in shared memory");
    let options = Options::messages(4).max_deliveries(1);
    let ring = Ring::<[u8]>::create(dir.path().join("ring"), &options).expect("a ring");
    ring.producer().expect("a place").send(b"poison").expect("room");
    kill_after(Deed::Owned, &ring);
    let recovered = ring.recover().expect("a whole ring");
    assert_eq!(recovered.iter().map(|recovered| recovered.set_aside).collect::<Vec<_>>(), [1]);

    let positions = || {
        let aside = ring.set_aside().expect("a whole ring");
        aside.into_iter().map(|aside| aside.position).collect::<Vec<_>>()
    };
    kill_behind(Deed::TakesAside, &ring, || {
        assert_eq!(ring.take_set_aside(0).expect("a whole ring"), None, "somebody is just taking it");
        assert_eq!(positions(), [0]);
    });
    assert_eq!(positions(), [0]);
    assert_eq!(ring.take_set_aside(0).expect("a whole ring"), Some(vec![b"poison".to_vec()]));
    assert_eq!(positions(), [0; 0]);
}
