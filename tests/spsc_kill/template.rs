//! Rings in the state in which an operation is to find them, made once and copied for
//! each victim.

use std::{fs::File, os::fd::AsFd, os::unix::fs::FileExt};

use ironring::{
    Delivery, Options,
    spsc::{Consumer, Producer, Ring},
};
use ironring_testkit::{Exit, Ledger, Role, Step};

use crate::{
    numbered::{Numbered, is_published_and_unrecorded},
    operation::Operation::{self, *},
};

/// The most messages that an operation is about.
pub(crate) const LONGEST_BATCH: u64 = 3;

/// One of the situations in which an operation is cut short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) operation: Operation,
    /// In messages.
    pub(crate) capacity: u64,
    pub(crate) delivery: Delivery,
    pub(crate) state: State,
}

/// How the ring is when the operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Never used.
    Empty,
    Part,
    /// Or with room for no more than a producer's operation needs.
    Full,
    /// The operation's first message goes to the start of the data area.
    Wrapping,
    /// Its last message does.
    WrapInside,
    /// The consumer has released what a killed producer published and did not record.
    Overtaken,
}

impl Case {
    /// The states in which `operation` makes a difference.
    pub(crate) fn states(operation: Operation) -> Vec<State> {
        use State::*;
        match operation {
            SendFull => vec![Full],
            RecvEmpty => vec![Empty],
            ProducerAttachAfterKill => vec![Empty, Part, Full, Wrapping, WrapInside, Overtaken],
            _ => {
                let needs_messages = !operation.is_producers() && !operation.is_bare();
                let mut states = vec![Empty, Part, Full, Wrapping, WrapInside];
                states.retain(|state| match state {
                    Empty => !needs_messages,
                    WrapInside => operation.is_batch(),
                    _ => true,
                });
                states
            }
        }
    }

    /// How many messages the operation is about.
    pub(crate) fn count(&self) -> u64 {
        match (self.operation, self.state) {
            (operation, _) if operation.is_bare() => 0,
            (operation, _) if !operation.is_batch() => 1,
            (_, State::Part) if self.capacity == 2 => 1,
            (operation, State::Full) if self.capacity == 2 && operation.is_producers() => 1,
            _ => self.capacity.min(LONGEST_BATCH),
        }
    }
}

/// A ring's bytes, and what was done with it so far.
#[derive(Debug)]
pub(crate) struct Template {
    options: Options,
    region: Vec<u8>,
    /// Messages sent before the operation.
    pub(crate) sent: u64,
    /// Messages released before it.
    pub(crate) released: u64,
}

impl Template {
    pub(crate) fn of<M: Numbered + ?Sized>(case: &Case) -> Self {
        let options = M::options(case.capacity).delivery(case.delivery);
        let ring = Ring::<M>::anonymous(&options).expect("a ring");
        let mut ends = Ends::of(&ring);
        ends.bring_to(case);
        let (sent, released) = (ends.sent, ends.released);
        drop(ends);
        let before = Self { options, region: region_of(&ring), sent, released };
        match case.operation {
            ProducerAttachAfterKill => before.after_unrecorded_publish::<M>(case),
            ConsumerAttachAfterKill => before.after_kill_holding::<M>(case),
            _ => before,
        }
    }

    /// A new ring like this one.
    pub(crate) fn ring<M: Numbered + ?Sized>(&self) -> Ring<M> {
        let ring = Ring::<M>::anonymous(&self.options).expect("a ring");
        file_of(&ring).write_all_at(&self.region, 0).expect("a region of the same length");
        ring
    }

    /// The victim of `operation` in `ring`.
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

    /// What a producer leaves that is killed between the header that publishes a batch
    /// and `tail`.
    fn after_unrecorded_publish<M: Numbered + ?Sized>(self, case: &Case) -> Self {
        let ring = self.ring::<M>();
        let ledger = Ledger::new(2).expect("a ledger");
        let victim = self.victim(SendBatch, case.count(), &ring, &ledger);
        let mut victim = victim.spawn_traced().expect("a victim");
        while !is_published_and_unrecorded(&region_of(&ring)) {
            assert_eq!(victim.step(1), Step::Inside { taken: 1 }, "published and recorded at once");
        }
        assert_eq!(victim.kill(), Exit::KILLED);
        let mut released = self.released;
        if case.state == State::Overtaken {
            let mut consumer = ring.consumer().expect("the role is free");
            while consumer.try_recv().is_ok() {
                released += 1;
            }
        }
        Self { region: region_of(&ring), released, ..self }
    }

    /// What a consumer leaves that is killed when it has received messages.
    fn after_kill_holding<M: Numbered + ?Sized>(self, case: &Case) -> Self {
        let ring = self.ring::<M>();
        let ledger = Ledger::new(2).expect("a ledger");
        let victim = self.victim(HoldBatch, case.count(), &ring, &ledger);
        let mut victim = victim.spawn_traced().expect("a victim");
        victim.run_to_end().expect("the end of the operation");
        assert_eq!(victim.kill(), Exit::KILLED);
        Self { region: region_of(&ring), ..self }
    }
}

fn file_of(ring: &impl AsFd) -> File {
    File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"))
}

fn region_of(ring: &impl AsFd) -> Vec<u8> {
    let file = file_of(ring);
    let mut region = vec![0; file.metadata().expect("a length").len() as usize];
    file.read_exact_at(&mut region, 0).expect("the region");
    region
}

/// Both ends of a ring, and where they are.
struct Ends<M: Numbered + ?Sized> {
    producer: Producer<M>,
    consumer: Consumer<M>,
    sent: u64,
    released: u64,
    /// Behind the last message.
    position: u64,
}

impl<M: Numbered + ?Sized> Ends<M> {
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
            State::Part => (0..case.capacity / 2).for_each(|_| assert!(self.send())),
            State::Full => while self.send() {},
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
