//! What those who live find after a kill, and whether it is what it must be.

use ironring::{
    RecvError, SendError,
    spsc::{Consumer, Message, Producer, Ring, View},
};
use ironring_testkit::Ledger;

use crate::{
    case::Case,
    kills::{
        numbered::Numbered,
        violation::{Violation, duplicated, lost, wedged},
    },
    operation::Outcome,
    placed::Placed,
    template::Template,
    victim::{DONE, RELEASED},
};

/// More messages than a batch has that fills a ring of two of the longest.
const LABELLED_TOGETHER: u64 = 32;

/// The role that was not killed, held all the time.
#[derive(Debug)]
pub(crate) enum Peer<M: Numbered + ?Sized> {
    Producer(Producer<M>),
    Consumer(Consumer<M>),
}

impl<M: Numbered + ?Sized> Peer<M> {
    pub(crate) fn of_victim(case: &Case, ring: &Ring<M>) -> Self {
        if case.operation.is_producers() {
            Self::Consumer(ring.consumer().expect("the role is free"))
        } else {
            Self::Producer(ring.producer().expect("the role is free"))
        }
    }
}

/// After a victim of `case` was killed: a successor attaches and both go on.
pub(crate) struct Aftermath<'a, M: Numbered + ?Sized> {
    pub(crate) case: &'a Case,
    pub(crate) template: &'a Template,
    pub(crate) ledger: &'a Ledger,
    pub(crate) ring: Ring<M>,
    /// Whether the living peer goes on before the successor comes.
    pub(crate) peer_first: bool,
}

impl<M: Placed + ?Sized> Aftermath<'_, M> {
    pub(crate) fn check(&self, peer: Peer<M>) -> Result<Outcome, Violation> {
        match peer {
            Peer::Consumer(consumer) => self.producer_killed(consumer),
            Peer::Producer(producer) => self.consumer_killed(producer),
        }
    }

    fn producer_killed(&self, mut consumer: Consumer<M>) -> Result<Outcome, Violation> {
        let before = self.template.sent;
        let whole = |sent| self.template.outcomes.iter().any(|outcome| before + outcome.past == sent);
        let mut next = self.template.released;
        if self.peer_first {
            drain(&mut consumer, &mut next)?;
            if !whole(next) {
                return lost(format!("the consumer sees {next} messages, of {before} and a batch"));
            }
        }
        let mut producer = match self.ring.producer() {
            Ok(producer) => producer,
            Err(error) => return wedged(format!("no successor: {error}")),
        };
        let sent = M::sent(&producer);
        if !whole(sent) || sent < before + self.ledger.get(DONE) {
            return lost(format!("{before} messages and a batch were sent, the successor knows of {sent}"));
        }
        drain(&mut consumer, &mut next)?;
        match next {
            _ if next < sent => return lost(format!("{sent} messages were sent, {next} came")),
            _ if next > sent => return duplicated(format!("the successor sends message {sent} once more")),
            _ => self.laps(&mut producer, &mut consumer, sent)?,
        }
        Ok(Outcome { past: sent - before, marked: 0 })
    }

    fn consumer_killed(&self, mut producer: Producer<M>) -> Result<Outcome, Violation> {
        let before = self.template.released;
        let mut sent = self.template.sent;
        if self.peer_first {
            fill(&mut producer, &mut sent)?;
        }
        let mut consumer = match self.ring.consumer() {
            Ok(consumer) => consumer,
            Err(error) => return wedged(format!("no successor: {error}")),
        };
        let mut first = None;
        let mut next = 0;
        let mut marked = 0;
        while let Some(message) = receive(&mut consumer)? {
            if first.is_none() {
                next = M::number(&message.view());
                first = Some(next);
            }
            verify(&message.view(), next)?;
            match message.is_redelivered() {
                true if Some(next - marked) == first => marked += 1,
                true => return duplicated(format!("message {next} is marked, one before it is not")),
                false => {}
            }
            next += 1;
        }
        let first = first.unwrap_or(sent);
        if next.max(first) != sent {
            return lost(format!("{sent} messages were sent, {next} came"));
        }
        let (received, released) = (before + self.ledger.get(DONE), before + self.ledger.get(RELEASED));
        if first < released || first < before {
            return duplicated(format!("message {first} comes again, {released} were released"));
        }
        let outcome = Outcome { past: first - before, marked };
        if !self.template.outcomes.contains(&outcome) {
            return lost(format!("{outcome:?} cannot be"));
        }
        if received > first + marked {
            return duplicated(format!("{received} were received, only {marked} from {first} on are marked"));
        }
        self.laps(&mut producer, &mut consumer, sent)?;
        Ok(outcome)
    }
}

fn receive<M: Numbered + ?Sized>(consumer: &mut Consumer<M>) -> Result<Option<Message<'_, M>>, Violation> {
    match consumer.try_recv() {
        Ok(message) => Ok(Some(message)),
        Err(RecvError::Empty) => Ok(None),
        Err(error) => wedged(error),
    }
}

/// Whether this is message `expected`, every byte of it.
fn verify<M: Numbered + ?Sized>(view: &View<'_, M>, expected: u64) -> Result<(), Violation> {
    let number = M::number(view);
    if M::read(view) == M::make(expected) && number.wrapping_sub(expected) < LABELLED_TOGETHER {
        return Ok(());
    }
    let what = format!("message {number} came instead of {expected}, or not as it was sent");
    if number < expected { duplicated(what) } else { lost(what) }
}

/// Receives all there is, none of which was received before, from `next` on.
fn drain<M: Numbered + ?Sized>(consumer: &mut Consumer<M>, next: &mut u64) -> Result<(), Violation> {
    while let Some(message) = receive(consumer)? {
        verify(&message.view(), *next)?;
        if message.is_redelivered() {
            return duplicated(format!("message {next} is marked: nobody had received it"));
        }
        *next += 1;
    }
    Ok(())
}

/// Sends as many messages as there is room for.
fn fill<M: Numbered + ?Sized>(producer: &mut Producer<M>, next: &mut u64) -> Result<(), Violation> {
    loop {
        M::label(producer, *next);
        match producer.try_send(M::payload(&M::make(*next))) {
            Ok(()) => *next += 1,
            Err(SendError::Full) => return Ok(()),
            Err(error) => return wedged(error),
        }
    }
}

impl<M: Numbered + ?Sized> Aftermath<'_, M> {
    /// Fills the empty ring and empties it, twice: more than one lap.
    fn laps(
        &self,
        producer: &mut Producer<M>,
        consumer: &mut Consumer<M>,
        mut next: u64,
    ) -> Result<(), Violation> {
        for _ in 0..2 {
            let mut sent = next;
            fill(producer, &mut sent)?;
            if sent - next < self.case.capacity {
                return wedged(format!("the empty ring takes only {} messages", sent - next));
            }
            drain(consumer, &mut next)?;
            if next != sent {
                return lost(format!("{sent} messages were sent, {next} came"));
            }
        }
        Ok(())
    }
}
