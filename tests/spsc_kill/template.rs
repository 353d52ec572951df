//! Rings in the state in which an operation is to find them, made once and copied for
//! each victim.

use ironring::{
    Delivery, Options,
    spsc::{Consumer, Producer, Ring},
};
use ironring_testkit::{Exit, Ledger, Role, Step};

use crate::{
    case::{Case, State},
    kills::{
        image::{put_back, region_of},
        numbered::Numbered,
    },
    operation::{
        Operation::{self, *},
        Outcome,
    },
    placed::{Placed, is_published_and_unrecorded},
};

/// A ring's bytes, and what was done with it so far.
#[derive(Debug)]
pub(crate) struct Template {
    options: Options,
    region: Vec<u8>,
    /// Messages sent before the operation.
    pub(crate) sent: u64,
    /// Messages released before it, or dropped.
    pub(crate) released: u64,
    /// How many messages the operation is about.
    pub(crate) count: u64,
    /// Everything that a kill may leave, in the order in which the operation comes by it.
    pub(crate) outcomes: Vec<Outcome>,
}

impl Template {
    pub(crate) fn of<M: Placed + ?Sized>(case: &Case) -> Self {
        let options = M::options(case.capacity).delivery(case.delivery);
        let ring = Ring::<M>::anonymous(&options).expect("a ring");
        let mut ends = Ends::of(&ring);
        ends.bring_to(case);
        let (sent, released) = (ends.sent, ends.released);
        drop(ends);
        let count = case.count();
        let mut template =
            Self { options, region: region_of(&ring), sent, released, count, outcomes: vec![] };
        if case.operation == ProducerAttachAfterKill || case.state == State::Overtaken {
            template.publish_unrecorded::<M>();
        }
        if case.state == State::Overtaken {
            template.overtake::<M>(case.operation);
        }
        if case.held() > 0 {
            template.hold::<M>(case.held());
            if case.delivery == Delivery::AtMostOnce {
                template.released += case.held();
            }
        }
        template.outcomes = case.operation.outcomes(template.count, case.held(), case.delivery);
        template
    }

    /// A new ring like this one.
    pub(crate) fn ring<M: Numbered + ?Sized>(&self) -> Ring<M> {
        let ring = Ring::<M>::anonymous(&self.options).expect("a ring");
        put_back(&ring, &self.region);
        ring
    }

    /// The victim of `operation`, of `count` messages, in `ring`.
    pub(crate) fn victim<M: Numbered + ?Sized>(
        &self,
        operation: Operation,
        count: u64,
        ring: &Ring<M>,
        ledger: &Ledger,
    ) -> Role {
        let first = if operation.is_producers() { self.sent } else { self.released };
        Role::new(M::NAME).pass_fd("ring", ring).ledger(ledger).arg(operation).arg(first).arg(count)
    }

    /// Has a producer killed between the header that publishes a batch and `tail`.
    fn publish_unrecorded<M: Numbered + ?Sized>(&mut self) {
        let ring = self.ring::<M>();
        let ledger = Ledger::new(2).expect("a ledger");
        let victim = self.victim(SendBatch, self.count, &ring, &ledger);
        let mut victim = victim.spawn_traced().expect("a victim");
        while !is_published_and_unrecorded(&region_of(&ring)) {
            assert_eq!(victim.step(1), Step::Inside { taken: 1 }, "published and recorded at once");
        }
        assert_eq!(victim.kill(), Exit::KILLED);
        self.region = region_of(&ring);
    }

    /// Has the consumer receive and release what that one published. A next operation fills
    /// the ring, so that it overwrites what was not recorded.
    fn overtake<M: Numbered + ?Sized>(&mut self, next: Operation) {
        let ring = self.ring::<M>();
        let mut consumer = ring.consumer().expect("the role is free");
        while consumer.try_recv().is_ok() {
            self.released += 1;
        }
        self.region = region_of(&ring);
        if next == StageAndPublish {
            self.sent = self.released;
            let mut producer = ring.producer().expect("the role is free");
            let stage = |n: &u64| producer.stage(M::payload(&M::make(*n))).is_ok();
            self.count = (self.sent..).take_while(stage).count() as u64;
        }
    }

    /// Has a consumer killed that has received `count` messages and not released them.
    fn hold<M: Numbered + ?Sized>(&mut self, count: u64) {
        let ring = self.ring::<M>();
        let ledger = Ledger::new(2).expect("a ledger");
        let victim = self.victim(HoldBatch, count, &ring, &ledger);
        let mut victim = victim.spawn_traced().expect("a victim");
        victim.run_to_end().expect("the end of the operation");
        assert_eq!(victim.kill(), Exit::KILLED);
        self.region = region_of(&ring);
    }
}

/// Both ends of a ring, and where they are.
struct Ends<M: Placed + ?Sized> {
    producer: Producer<M>,
    consumer: Consumer<M>,
    sent: u64,
    released: u64,
    /// Behind the last message.
    position: u64,
}

impl<M: Placed + ?Sized> Ends<M> {
    fn of(ring: &Ring<M>) -> Self {
        let producer = ring.producer().expect("a producer");
        let consumer = ring.consumer().expect("a consumer");
        Self { producer, consumer, sent: 0, released: 0, position: 0 }
    }

    fn bring_to(&mut self, case: &Case) {
        let count = case.count();
        if case.state != State::Empty {
            (0..5).for_each(|_| self.pass());
        }
        match case.state {
            State::Empty | State::Overtaken => {}
            State::Held if case.capacity > 2 => (0..case.capacity / 2).for_each(|_| assert!(self.send())),
            State::Part => (0..case.capacity / 2).for_each(|_| assert!(self.send())),
            State::Full | State::Held => while self.send() {},
            State::Wrapping => self.pass_until_wraps(0),
            State::WrapInside => self.pass_until_wraps(count - 1),
        }
        if case.operation.is_producers() && case.operation != SendFull {
            while !self.has_room_for(count) {
                self.recv();
            }
        } else if self.sent - self.released < count {
            (0..count).for_each(|_| assert!(self.send()));
        }
    }

    fn send(&mut self) -> bool {
        M::label(&mut self.producer, self.sent);
        let done = self.producer.try_send(M::payload(&M::make(self.sent))).is_ok();
        if done {
            self.position = M::end_of(self.sent, self.position, self.producer.capacity());
            self.sent += 1;
        }
        done
    }

    fn recv(&mut self) {
        self.consumer.try_recv().expect("a message").release();
        self.released += 1;
    }

    fn pass(&mut self) {
        assert!(self.send(), "the ring is empty");
        self.recv();
    }

    /// Moves on until the message that is the `ahead`-th from the next wraps.
    fn pass_until_wraps(&mut self, ahead: u64) {
        let ring_len = self.producer.capacity();
        loop {
            let message = self.sent + ahead;
            let before = (self.sent..message).fold(self.position, |at, n| M::end_of(n, at, ring_len));
            if M::wraps(message, before, ring_len) {
                return;
            }
            self.pass();
        }
    }

    fn has_room_for(&mut self, count: u64) -> bool {
        let fits =
            (self.sent..self.sent + count).all(|n| self.producer.stage(M::payload(&M::make(n))).is_ok());
        self.producer.discard_staged();
        fits
    }
}
