//! A byte ring does what the model does, whatever is done in whatever order.

use ironring::{
    Delivery, Options, RecvError, SendError,
    spsc::{Consumer, Producer, Ring},
};
use proptest::prelude::*;

use crate::{
    both,
    model::{Model, Rule, Sent},
    support::{
        bytes,
        layout::{WORD, frame_len, padding},
    },
};

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Stage(usize),
    Claim { len: usize, shrunk: usize, publish: bool },
    DropClaim(usize),
    SendBatch(Vec<usize>),
    Publish,
    Discard,
    Receive,
    ReceiveInto(usize),
    HandBack,
    Leak,
    ReceiveBatch { max: usize, hand_back: bool },
    NextProducer,
    NextConsumer,
}

fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let len = 0..=longest;
    let step = prop_oneof![
        8 => len.clone().prop_map(Step::Send),
        4 => len.clone().prop_map(Step::Stage),
        3 => (len.clone(), len.clone(), any::<bool>())
            .prop_map(|(len, shrunk, publish)| Step::Claim { len, shrunk, publish }),
        2 => len.clone().prop_map(Step::DropClaim),
        2 => proptest::collection::vec(len.clone(), 0..5).prop_map(Step::SendBatch),
        3 => Just(Step::Publish),
        1 => Just(Step::Discard),
        8 => Just(Step::Receive),
        3 => len.prop_map(Step::ReceiveInto),
        2 => Just(Step::HandBack),
        1 => Just(Step::Leak),
        4 => (0..6_usize, any::<bool>()).prop_map(|(max, hand_back)| Step::ReceiveBatch { max, hand_back }),
        1 => Just(Step::NextProducer),
        1 => Just(Step::NextConsumer),
    ];
    proptest::collection::vec(step, 1..200)
}

struct Run {
    ring: Ring<[u8]>,
    producer: Option<Producer<[u8]>>,
    consumer: Option<Consumer<[u8]>>,
    model: Model,
    made: u32,
}

impl Run {
    fn new(capacity: u64, delivery: Delivery) -> Self {
        let ring = Ring::anonymous(&Options::bytes(capacity).delivery(delivery)).expect("a ring");
        let (producer, consumer) = both(&ring);
        let rule = Rule { capacity, padding, footprint: frame_len, beyond: WORD, delivery };
        Self { ring, producer: Some(producer), consumer: Some(consumer), model: Model::new(rule), made: 0 }
    }

    /// A message of `len` bytes that is like no other; sets its tag.
    fn message(&mut self, len: usize) -> (Vec<u8>, u32) {
        self.made += 1;
        self.producer.as_mut().expect("a producer").set_tag(self.made);
        (bytes(len, self.made.into()), self.made)
    }

    /// What the model says of `result`; stages the message if that is right.
    fn staged(&mut self, (message, tag): (Vec<u8>, u32), room_for: usize, result: Result<(), SendError>) {
        let expected = if self.model.has_room(room_for) { Ok(()) } else { Err(SendError::Full) };
        assert_eq!(result, expected, "{room_for} bytes");
        if result.is_ok() {
            self.model.stage(message, tag);
        }
    }

    fn step(&mut self, step: &Step) {
        let (Some(mut producer), Some(mut consumer)) = (self.producer.take(), self.consumer.take()) else {
            unreachable!("both are put back")
        };
        match step {
            Step::Send(_) | Step::Stage(_) | Step::Claim { .. } | Step::DropClaim(_) | Step::SendBatch(_) => {
                self.producer = Some(producer);
                self.send(step);
                producer = self.producer.take().expect("put there just now");
            }
            Step::Publish => {
                producer.publish().expect("published");
                self.model.publish();
            }
            Step::Discard => {
                producer.discard_staged();
                self.model.discard();
            }
            Step::NextProducer => {
                drop(producer);
                producer = self.ring.producer().expect("a successor");
                self.model.next_producer();
            }
            Step::NextConsumer => {
                drop(consumer);
                consumer = self.ring.consumer().expect("a successor");
                self.model.next_consumer();
            }
            _ => receive(step, &mut consumer, &mut self.model),
        }
        assert_eq!((producer.len(), consumer.len()), (self.model.len(), self.model.len()));
        assert_eq!(consumer.is_empty(), self.model.front().is_none());
        assert_eq!(producer.last_published().map(|last| (last.position, last.tag)), self.model.last());
        (self.producer, self.consumer) = (Some(producer), Some(consumer));
    }

    fn send(&mut self, step: &Step) {
        match step {
            Step::Send(len) | Step::Stage(len) => {
                let made = self.message(*len);
                let producer = self.producer.as_mut().expect("a producer");
                let published = matches!(step, Step::Send(_));
                let result = if published { producer.try_send(&made.0) } else { producer.stage(&made.0) };
                self.staged(made, *len, result);
                if published && result.is_ok() {
                    self.model.publish();
                }
            }
            Step::Claim { len, shrunk, publish } => {
                let (mut message, tag) = self.message(*len);
                let result = self.producer.as_mut().expect("a producer").claim(*len).map(|mut claim| {
                    claim.write_at(0, &message);
                    claim.shrink(*shrunk);
                    if *publish {
                        claim.publish().expect("published");
                    } else {
                        claim.stage();
                    }
                });
                message.truncate(*shrunk);
                // The room was claimed for the full length, padding before it included.
                let had_room = self.model.has_room(*len);
                assert_eq!(result, if had_room { Ok(()) } else { Err(SendError::Full) });
                if had_room {
                    self.model.stage_claimed(message, tag, *len);
                    if *publish {
                        self.model.publish();
                    }
                }
            }
            Step::DropClaim(len) => {
                let claim = self.producer.as_mut().expect("a producer").claim(*len);
                let result = claim.map(|mut claim| claim.write_at(0, &vec![0xff; *len]));
                assert_eq!(result.is_ok(), self.model.has_room(*len));
            }
            Step::SendBatch(lens) => {
                let (_, tag) = self.message(0);
                let messages: Vec<_> = lens.iter().map(|len| bytes(*len, tag.into())).collect();
                let (sent, why) = self.producer.as_mut().expect("a producer").send_batch(&messages);
                for message in &messages[..sent] {
                    self.staged((message.clone(), tag), message.len(), Ok(()));
                }
                match messages.get(sent) {
                    None => assert_eq!(why, Ok(())),
                    Some(refused) => self.staged((refused.clone(), tag), refused.len(), why),
                }
                self.model.publish();
            }
            other => unreachable!("{other:?} sends nothing"),
        }
    }
}

fn receive(step: &Step, consumer: &mut Consumer<[u8]>, model: &mut Model) {
    let batch = match *step {
        Step::ReceiveInto(room) => {
            let mut buf = vec![0; room];
            let result = consumer.recv_into_by(&mut buf, std::time::Duration::ZERO);
            match model.front().cloned() {
                None => assert_eq!(result, Err(RecvError::TimedOut)),
                Some(Sent { bytes, .. }) if bytes.len() > room => {
                    assert_eq!(result, Err(RecvError::BufferTooShort { len: bytes.len(), room }));
                }
                Some(Sent { bytes, .. }) => {
                    assert_eq!((result, &buf[..bytes.len()]), (Ok(bytes.len()), &bytes[..]));
                    model.receive();
                    model.release();
                }
            }
            return;
        }
        Step::ReceiveBatch { max, hand_back } => Some((max, hand_back)),
        _ => None,
    };
    if let Some((max, hand_back)) = batch {
        let Ok(mut batch) = consumer.try_recv_batch(max) else {
            assert!(model.front().is_none());
            return;
        };
        while let Some(view) = batch.next() {
            let (sent, redelivered) = model.receive().expect("a message");
            assert_eq!((view.to_vec(), view.tag(), view.position()), (sent.bytes, sent.tag, sent.position));
            assert_eq!(view.is_redelivered(), redelivered);
        }
        let given = batch.given();
        assert!(given == max || model.front().is_none(), "a batch is as long as it can be");
        if hand_back {
            batch.hand_back();
            model.hand_back(given);
        } else if given > 0 {
            drop(batch);
            model.release();
        }
        return;
    }
    let message = match consumer.try_recv() {
        Ok(message) => message,
        Err(error) => {
            assert_eq!((error, model.front()), (RecvError::Empty, None));
            return;
        }
    };
    let (sent, redelivered) = model.receive().expect("a message");
    assert_eq!((message.to_vec(), message.tag(), message.position()), (sent.bytes, sent.tag, sent.position));
    assert_eq!(message.is_redelivered(), redelivered);
    match step {
        Step::HandBack => {
            message.hand_back();
            model.hand_back(1);
        }
        Step::Leak => std::mem::forget(message),
        _ => {
            message.release();
            model.release();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn byte_ring_does_what_the_model_does(
        (capacity, steps) in (0..5_u32).prop_flat_map(|n| {
            let capacity = 64_u64 << n;
            (Just(capacity), steps((capacity / 2 - WORD) as usize))
        }),
        at_most_once in any::<bool>(),
    ) {
        let delivery = if at_most_once { Delivery::AtMostOnce } else { Delivery::AtLeastOnce };
        let mut run = Run::new(capacity, delivery);
        for step in &steps {
            run.step(step);
        }
    }
}
