//! What becomes of the messages that a dead participant held.

use ironring::{Delivery, Options, RecvError, mpmc::Ring};

use crate::victim::{Deed, kill_after};

type Test = (&'static str, fn());

pub(crate) const TESTS: &[Test] = &[("owned_messages_come_at_most_once", owned_messages_come_at_most_once)];

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
