//! A typed ring does what the model does.

use ironring::{Delivery, Options, SendError, spsc::Ring};
use proptest::prelude::*;

use crate::{
    both,
    model::{Model, Rule},
};

#[derive(Clone, Debug)]
enum Step {
    Send,
    Stage,
    Publish,
    Discard,
    SendBatch(u64),
    Receive { hand_back: bool },
    ReceiveBatch { max: usize, hand_back: bool },
    ReceiveValues(usize),
    Leak,
    NextProducer,
    NextConsumer,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Send),
        3 => Just(Step::Stage),
        2 => Just(Step::Publish),
        1 => Just(Step::Discard),
        2 => (0..7_u64).prop_map(Step::SendBatch),
        6 => any::<bool>().prop_map(|hand_back| Step::Receive { hand_back }),
        3 => (0..6_usize, any::<bool>()).prop_map(|(max, hand_back)| Step::ReceiveBatch { max, hand_back }),
        3 => (0..40_usize).prop_map(Step::ReceiveValues),
        1 => Just(Step::Leak),
        1 => Just(Step::NextProducer),
        1 => Just(Step::NextConsumer),
    ];
    proptest::collection::vec(step, 1..200)
}

fn check(capacity: u64, delivery: Delivery, steps: &[Step]) {
    let ring = Ring::<u64>::anonymous(&Options::messages(capacity).delivery(delivery)).expect("a ring");
    let (mut producer, mut consumer) = both(&ring);
    let rule = Rule { capacity, padding: |_, _, _| 0, footprint: |_| 1, beyond: 0, delivery };
    let mut model = Model::new(rule);
    let mut value = 0_u64;
    for step in steps {
        value += 1;
        let bytes = value.to_ne_bytes().to_vec();
        match step {
            Step::Send | Step::Stage => {
                let expected = if model.has_room(8) { Ok(()) } else { Err(SendError::Full) };
                let published = matches!(step, Step::Send);
                let result = if published { producer.try_send(&value) } else { producer.stage(&value) };
                assert_eq!(result, expected);
                if result.is_ok() {
                    model.stage(bytes, 0);
                    if published {
                        model.publish();
                    }
                }
            }
            Step::Publish => {
                producer.publish().expect("published");
                model.publish();
            }
            Step::Discard => {
                producer.discard_staged();
                model.discard();
            }
            Step::SendBatch(len) => {
                let (sent, why) = producer.send_batch(&vec![value; *len as usize]);
                for _ in 0..sent {
                    assert!(model.has_room(8));
                    model.stage(bytes.clone(), 0);
                }
                let full = sent < *len as usize;
                assert_eq!(why, if full { Err(SendError::Full) } else { Ok(()) });
                assert!(!full || !model.has_room(8));
                model.publish();
            }
            Step::Receive { .. } | Step::Leak => {
                let message = consumer.try_recv().ok();
                let expected = model.receive();
                let got = message.as_ref().map(|m| (m.get(), m.position(), m.is_redelivered()));
                let expected = expected.map(|(sent, again)| {
                    (u64::from_ne_bytes(sent.bytes.try_into().expect("a word")), sent.position, again)
                });
                assert_eq!(got, expected);
                match (message, step) {
                    (None, _) => {}
                    (Some(message), Step::Leak) => std::mem::forget(message),
                    (Some(message), Step::Receive { hand_back: true }) => {
                        message.hand_back();
                        model.hand_back(1);
                    }
                    (Some(message), _) => {
                        message.release();
                        model.release();
                    }
                }
            }
            Step::ReceiveBatch { max, hand_back } => {
                let Ok(mut batch) = consumer.try_recv_batch(*max) else {
                    assert!(model.front().is_none());
                    continue;
                };
                while let Some(view) = batch.next() {
                    let (sent, redelivered) = model.receive().expect("a message");
                    assert_eq!(view.get().to_ne_bytes().to_vec(), sent.bytes);
                    assert_eq!((view.position(), view.is_redelivered()), (sent.position, redelivered));
                }
                let given = batch.given();
                assert!(given == *max || model.front().is_none());
                if *hand_back {
                    batch.hand_back();
                    model.hand_back(given);
                } else if given > 0 {
                    drop(batch);
                    model.release();
                }
            }
            Step::ReceiveValues(max) => {
                // It waits where there is none.
                if model.front().is_none() {
                    continue;
                }
                let mut values = vec![0; *max];
                let count = consumer.recv_values(&mut values).expect("a message");
                for value in &values[..count] {
                    let (sent, _) = model.receive().expect("a message");
                    assert_eq!(value.to_ne_bytes().to_vec(), sent.bytes);
                }
                assert!(count == *max || model.front().is_none(), "as many as there are, or fit");
                if count > 0 {
                    model.release();
                }
            }
            Step::NextProducer => {
                drop(producer);
                producer = ring.producer().expect("a successor");
                model.next_producer();
            }
            Step::NextConsumer => {
                drop(consumer);
                consumer = ring.consumer().expect("a successor");
                model.next_consumer();
            }
        }
        assert_eq!((producer.len(), consumer.len()), (model.len(), model.len()));
        assert_eq!(producer.is_full(), model.len() == capacity);
        assert_eq!(consumer.is_empty(), model.front().is_none());
        assert_eq!(producer.last_published().map(|last| (last.position, last.tag)), model.last());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn typed_ring_does_what_the_model_does(
        n in 0..5_u32,
        steps in steps(),
        at_most_once in any::<bool>(),
    ) {
        let delivery = if at_most_once { Delivery::AtMostOnce } else { Delivery::AtLeastOnce };
        check(1 << n, delivery, &steps);
    }
}
