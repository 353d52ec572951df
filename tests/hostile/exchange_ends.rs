//! The ends of an exchange ring: a producer, two consumers, and those who look from outside.

use std::{path::Path, sync::Arc};

use bytemuck::{Pod, Zeroable};
use ironring::{
    Delivery, Error, Observer, Options, Payload, RecvError, SendError, View, fsck,
    mpmc::{Consumer, Mpmc, OwnedMessages, Producer, Ring},
};

use crate::{
    ends::{Ends, Handles, Told, attached, patience, received, sent},
    exchange_words::{ExchangeWords, SIZE},
};

/// What the rings carry.
pub(crate) trait Sample: Payload {
    const DELIVERY: Delivery;
    const MAX_MESSAGE: u64;

    fn with<R>(f: impl FnOnce(&Self) -> R) -> R;
    fn read(view: View<'_, Self>);
    fn send_batch(producer: &mut Producer<Self>) -> Result<(), SendError>;
    fn claim_and_publish(producer: &mut Producer<Self>) -> Result<(), SendError>;
    /// Where it is shorter than a message may be, the message stays.
    fn copy_out(consumer: &mut Consumer<Self>) -> Result<(), RecvError>;
}

impl Sample for [u8] {
    const DELIVERY: Delivery = Delivery::AtLeastOnce;
    const MAX_MESSAGE: u64 = 16;

    fn with<R>(f: impl FnOnce(&Self) -> R) -> R {
        f(b"five!")
    }

    fn read(view: View<'_, Self>) {
        assert!(view.to_vec().len() <= 16);
    }

    fn send_batch(producer: &mut Producer<Self>) -> Result<(), SendError> {
        producer.send_batch([&[3; 1][..], &[4; 16], &[]]).1
    }

    fn claim_and_publish(producer: &mut Producer<Self>) -> Result<(), SendError> {
        let mut claim = producer.claim(16)?;
        claim.write_at(0, &[2; 16]);
        claim.shrink(9);
        claim.publish()
    }

    fn copy_out(consumer: &mut Consumer<Self>) -> Result<(), RecvError> {
        consumer.recv_into_by(&mut [0; 3], patience()).map(drop)
    }
}

/// A message of several words.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Trade([u64; 2]);

impl Sample for Trade {
    const DELIVERY: Delivery = Delivery::AtMostOnce;
    const MAX_MESSAGE: u64 = 16;

    fn with<R>(f: impl FnOnce(&Self) -> R) -> R {
        f(&Self([1, 2]))
    }

    fn read(view: View<'_, Self>) {
        view.get();
    }

    fn send_batch(producer: &mut Producer<Self>) -> Result<(), SendError> {
        producer.send_batch(&[Self([3, 4]); 5]).1
    }

    fn claim_and_publish(producer: &mut Producer<Self>) -> Result<(), SendError> {
        let mut claim = producer.claim()?;
        claim.write(Self([5, 6]));
        claim.publish()
    }

    fn copy_out(consumer: &mut Consumer<Self>) -> Result<(), RecvError> {
        consumer.recv_values_by(&mut [Self([0; 2]); 3], patience()).map(drop)
    }
}

pub(crate) struct ExchangeEnds<M: Sample + ?Sized> {
    handles: Handles<M, Mpmc>,
    /// Takes messages, and goes without releasing them.
    leaver: Option<Consumer<M>>,
    owned: Vec<OwnedMessages<M>>,
}

impl<M: Sample + ?Sized> ExchangeEnds<M> {
    fn stage_two(producer: &mut Producer<M>) -> Result<(), SendError> {
        M::with(|message| producer.stage(message).and_then(|()| producer.stage(message)))
    }
}

/// What whoever opens the ring anew may find: its identity may be spoilt.
fn opened<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(opened) => Some(opened),
        Err(Error::Invalid { .. }) => None,
        Err(other) => panic!("opening: {other}"),
    }
}

impl<M: Sample + ?Sized> Ends for ExchangeEnds<M> {
    type Ring = Ring<M>;
    type Words = ExchangeWords;
    const OPERATIONS: usize = 22;
    const SENDING: &'static [usize] = &[0, 1, 3, 5, 8, 13, 20];
    const RECEIVING: &'static [usize] = &[2, 4, 6, 7, 9, 10, 12, 14, 21];
    const STATES: &'static [(&'static str, &'static [usize])] = &[
        ("one message waits", &[0]),
        ("messages came and went", &[0, 2, 3, 2, 1, 2, 2, 0, 2]),
        ("full", &[0, 0, 0]),
        ("full, and it went round", &[0, 2, 0, 2, 0, 2, 1, 8, 8]),
        ("batches wait", &[5, 5]),
        ("one message was handed back", &[0, 4]),
        ("messages are held", &[0, 5, 9, 2]),
        ("some messages of a slot are received", &[1, 2]),
        ("a message was set aside, or dropped", &[0, 4, 4, 2]),
        ("one left messages", &[0, 11]),
    ];

    fn ring(path: &Path) -> Ring<M> {
        let options = Options::messages(SIZE.capacity as u64)
            .max_message(M::MAX_MESSAGE)
            .batch(2)
            .participants(SIZE.participants as u32)
            .holding(SIZE.holding as u32)
            .delivery(M::DELIVERY)
            .max_deliveries(2);
        Ring::create(path, &options).expect("a ring")
    }

    fn open(path: &Path) -> Ring<M> {
        Ring::open(path).expect("a ring")
    }

    fn new(ring: &Arc<Ring<M>>) -> Self {
        Self { handles: Handles::new(ring), leaver: None, owned: Vec::new() }
    }

    fn operate(&mut self, i: usize) -> Result<(), Told> {
        match i {
            0 => {
                let producer = self.handles.producer()?;
                sent(M::with(|message| producer.try_send(message)))
            }
            1 => {
                let producer = self.handles.producer()?;
                let staged = Self::stage_two(producer);
                sent(producer.publish())?;
                sent(staged)
            }
            2 => received(self.handles.consumer()?.try_recv().map(|message| M::read(message.view()))),
            3 => sent(M::claim_and_publish(self.handles.producer()?)),
            4 => received(self.handles.consumer()?.try_recv().map(|message| message.hand_back())),
            5 => sent(M::send_batch(self.handles.producer()?)),
            6 => received(self.handles.consumer()?.try_recv_batch(3).map(|mut batch| {
                while let Some(message) = batch.next() {
                    M::read(message);
                }
                assert!(batch.given() <= 3);
            })),
            7 => {
                received(self.handles.consumer()?.recv_by(patience()).map(|message| M::read(message.view())))
            }
            8 => {
                let producer = self.handles.producer()?;
                sent(M::with(|message| producer.force_send(message)))
            }
            9 => {
                let owned = self.handles.consumer()?.try_recv_owned();
                received(owned.map(|owned| {
                    assert!(owned.len() >= 1);
                    owned.iter().for_each(M::read);
                    self.owned.push(owned);
                }))
            }
            10 => {
                self.owned.clear();
                Ok(())
            }
            11 => {
                if self.leaver.is_none() {
                    self.leaver = Some(attached(self.handles.ring.consumer())?);
                }
                let mut leaver = self.leaver.take().expect("attached just now");
                let _ = leaver.try_recv().map(std::mem::forget);
                Ok(())
            }
            12 => received(M::copy_out(self.handles.consumer()?)),
            13 => {
                let producer = self.handles.producer()?;
                let staged = Self::stage_two(producer);
                producer.discard_staged();
                assert!(producer.len() <= SIZE.capacity as u64);
                let _ = (producer.is_full(), producer.is_empty(), producer.last_published());
                sent(staged)
            }
            14 => {
                let consumer = self.handles.consumer()?;
                assert!(consumer.len() <= SIZE.capacity as u64);
                let _ = (consumer.is_empty(), consumer.is_retired(), consumer.take_recovered());
                Ok(())
            }
            15 => attached(self.handles.ring.recover()).map(drop),
            16 => {
                let aside = attached(self.handles.ring.set_aside())?;
                let first = aside.first().map_or(0, |aside| aside.position);
                attached(self.handles.ring.take_set_aside(first)).map(drop)
            }
            17 => {
                assert_eq!(attached(self.handles.ring.participants())?.len(), SIZE.participants);
                Ok(())
            }
            18 => {
                let path = self.handles.ring.path().expect("a file");
                let Some(observer) = opened(Observer::open(path)) else { return Ok(()) };
                let peeked = observer.peek().collect::<Result<Vec<_>, _>>();
                // All that two laps of slots can have.
                assert!(peeked.map_or(0, |peeked| peeked.len()) <= 2 * SIZE.capacity * 7);
                let _ = (observer.usage(), observer.cursors(), observer.set_aside());
                attached(observer.participants()).map(drop)
            }
            19 => {
                let report = opened(fsck::check(self.handles.ring.path().expect("a file")));
                let _ = report.map(|report| report.to_string());
                Ok(())
            }
            20 => self.handles.replace_producer(),
            _ => self.handles.replace_consumer(),
        }
    }

    fn again(&mut self, told: Told) -> Result<(), Told> {
        match told {
            Told::Producer(_) => {
                let producer = self.handles.producer()?;
                let stays = |result| assert_eq!(sent(result), Err(told), "what is sent");
                stays(M::with(|message| producer.force_send(message)).map(drop));
                stays(M::with(|message| producer.stage(message)));
            }
            Told::Consumer(_) => {
                let owned = self.handles.consumer()?.try_recv_owned();
                assert_eq!(received(owned), Err(told), "what is received to be owned");
            }
            Told::Attaching | Told::NoPlace => {}
        }
        M::with(|message| self.handles.again(told, SIZE.capacity as u64, message))
    }

    /// What fsck sets right is right: where it finds nothing more, the ring works.
    fn afterwards(ring: &Arc<Ring<M>>) {
        if ring.is_retired() {
            // Whoever opens it takes its name away.
            return;
        }
        let path = ring.path().expect("a file");
        let Some(repaired) = opened(fsck::repair(&path)) else { return };
        let again = fsck::repair(&path).expect("nobody is attached");
        assert!(again.done.is_empty(), "repaired, and again: {:?}", again.done);
        if repaired.report.is_whole() {
            let mut ends = Self::new(ring);
            for i in [0, 2, 8, 6, 11, 2, 5, 12, 15, 18] {
                ends.operate(i).unwrap_or_else(|told| panic!("{told:?}, where fsck finds nothing"));
            }
        }
    }
}
