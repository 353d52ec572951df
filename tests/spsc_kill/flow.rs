//! A producer and a consumer that run freely and may be killed at any time: what they say
//! of themselves in the ledger, and what their successors make of that.
//!
//! Each word is written before or after what it tells of, so that a kill in between
//! leaves no more than one step open. Within that, all is exact.

use std::time::Duration;

use ironring::{
    Delivery, RecvError, WhenAlone,
    spsc::{Consumer, Producer, Ring, View},
};
use ironring_testkit::{Args, Ledger, rng::fastrand::Rng};

use crate::{kills::numbered::Numbered, placed::Placed};

/// Words of the ledger. Messages are counted from the ring's first.
pub(crate) mod word {
    /// How many producers got the role, and how many consumers.
    pub(crate) const PRODUCERS: usize = 0;
    pub(crate) const CONSUMERS: usize = 1;
    /// Sends that were begun, and such that returned.
    pub(crate) const SENDING: usize = 2;
    pub(crate) const SENT: usize = 3;
    /// Messages that a consumer had in hand or, in the high bits, never will: see `Received`.
    pub(crate) const RECEIVED: usize = 4;
    /// Messages of which the release was begun, and such that were released.
    pub(crate) const RELEASING: usize = 5;
    pub(crate) const RELEASED: usize = 6;
    /// Deliveries of messages that came before.
    pub(crate) const REDELIVERED: usize = 7;
    /// Set to end the producer, and when it has ended.
    pub(crate) const STOP: usize = 8;
    pub(crate) const STOPPED: usize = 9;
    /// Consumers that may have received a message and not noted it, since the last note.
    pub(crate) const UNNOTED: usize = 10;
    pub(crate) const WORDS: usize = 11;
}

/// The most messages of one batch.
const BATCH: u64 = 3;

/// How long a consumer waits before it looks whether the producer has ended.
const PATIENCE: Duration = Duration::from_millis(5);

/// Takes a while over what is in hand, now and then, so that more kills come then.
fn linger(rng: &mut Rng) {
    if rng.u8(..16) == 0 {
        (0..rng.u32(..2_000)).for_each(|_| std::hint::spin_loop());
    }
}

/// How far messages were received, and how many before that no consumer had in hand. One
/// word, so that no kill comes between the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) end: u64,
    pub(crate) dropped: u64,
}

impl Received {
    const SHIFT: u32 = 44;

    pub(crate) fn of(ledger: &Ledger) -> Self {
        let word = ledger.get(word::RECEIVED);
        Self { end: word & ((1 << Self::SHIFT) - 1), dropped: word >> Self::SHIFT }
    }

    fn note(self, ledger: &Ledger) {
        ledger.set(word::RECEIVED, self.dropped << Self::SHIFT | self.end);
        // Itself, with its next message.
        ledger.set(word::UNNOTED, 1);
    }
}

/// The role of a producer: it goes on behind what was last published.
pub(crate) fn produce<M: Placed + ?Sized>(mut args: Args) {
    let ring = Ring::<M>::from_fd(args.fd("ring")).expect("a ring");
    let ledger = args.ledger();
    let mut rng = Rng::with_seed(args.parse("seed"));
    // Whole batches find room in the empty ring.
    let batch = BATCH.min(args.parse("capacity in messages"));
    let mut producer = ring.producer().expect("the role is free");
    producer.set_when_alone(WhenAlone::Wait);
    let mut next = M::sent(&producer);
    let (sent, sending) = (ledger.get(word::SENT), ledger.get(word::SENDING));
    assert!(next == sent || next == sending, "{sent} sent, {sending} begun, {next} published");
    ledger.set(word::SENT, next);
    ledger.add(word::PRODUCERS, 1);
    while ledger.get(word::STOP) == 0 {
        let way = rng.u8(..5);
        let count = if way < 3 { 1 } else { rng.u64(1..=batch) };
        M::label(&mut producer, next + count - 1);
        ledger.set(word::SENDING, next + count);
        match way {
            0 | 1 => producer.send(M::payload(&M::make(next))).expect("sent"),
            2 => claim_and_publish(&mut producer, next, &mut rng),
            _ => send_together(&mut producer, next, count, (way == 3).then_some(&mut rng)),
        }
        next += count;
        ledger.set(word::SENT, next);
    }
}

fn claim_and_publish<M: Numbered + ?Sized>(producer: &mut Producer<M>, number: u64, rng: &mut Rng) {
    let message = M::make(number);
    loop {
        match M::claim(producer, &message) {
            Ok(claim) => {
                linger(rng);
                return claim.publish().expect("it is this process's");
            }
            Err(ironring::SendError::Full) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Sends `count` messages with one publish: in one call, or staged one by one.
fn send_together<M: Numbered + ?Sized>(
    producer: &mut Producer<M>,
    first: u64,
    count: u64,
    staged: Option<&mut Rng>,
) {
    let messages: Vec<_> = (first..first + count).map(M::make).collect();
    while !messages.iter().all(|message| producer.stage(M::payload(message)).is_ok()) {
        producer.discard_staged();
        std::thread::yield_now();
    }
    if let Some(rng) = staged {
        linger(rng);
        producer.publish().expect("it is this process's");
    } else {
        producer.discard_staged();
        assert_eq!(M::send_batch(producer, &messages) as u64, count, "there was room");
    }
}

/// The role of a consumer: it checks each message, and notes what it does with it.
pub(crate) fn consume<M: Numbered + ?Sized>(mut args: Args) {
    let ring = Ring::<M>::from_fd(args.fd("ring")).expect("a ring");
    let ledger = args.ledger();
    let mut rng = Rng::with_seed(args.parse("seed"));
    let mut consumer = ring.consumer().expect("the role is free");
    consumer.set_when_alone(WhenAlone::Wait);
    let unnoted = ledger.add(word::UNNOTED, 1);
    let log = Log { ledger: &ledger, delivery: ring.delivery(), unnoted };
    ledger.add(word::CONSUMERS, 1);
    // The first message is taken by itself, since it tells where the predecessor stopped.
    let Some(mut next) = log.first(&mut consumer) else { return };
    loop {
        let stopped = ledger.get(word::STOPPED) != 0;
        let came = match rng.u8(..4) {
            0 => log.copy(&mut consumer, next),
            1 | 2 => log.batch(&mut consumer, next, rng.usize(1..8), &mut rng),
            _ => log.batch(&mut consumer, next, 1, &mut rng),
        };
        next += came;
        if came == 0 && stopped {
            assert_eq!(next, ledger.get(word::SENT), "all that was sent has come");
            return;
        }
    }
}

/// What a consumer notes.
struct Log<'a> {
    ledger: &'a Ledger,
    delivery: Delivery,
    /// Those before this one that may have received a message which is not noted.
    unnoted: u64,
}

impl Log<'_> {
    /// Receives the first message of this consumer, or none if the producer has ended.
    /// Returns which is next.
    fn first<M: Numbered + ?Sized>(&self, consumer: &mut Consumer<M>) -> Option<u64> {
        loop {
            let stopped = self.ledger.get(word::STOPPED) != 0;
            match consumer.recv_by(PATIENCE) {
                Ok(message) => {
                    let number = self.identify(&message.view());
                    self.begin_with(number);
                    self.take(&message.view(), number);
                    self.ledger.set(word::RELEASING, number + 1);
                    message.release();
                    self.ledger.set(word::RELEASED, number + 1);
                    return Some(number + 1);
                }
                Err(RecvError::TimedOut) if stopped => {
                    self.begin_with(self.ledger.get(word::SENT));
                    return None;
                }
                Err(RecvError::TimedOut) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Where a consumer may begin after those before: where they have noted that they were,
    /// or where one was killed on its way to.
    fn beginnings(&self) -> Vec<u64> {
        match self.delivery {
            // Released by one store, however many.
            Delivery::AtLeastOnce => [word::RELEASED, word::RELEASING].map(|i| self.ledger.get(i)).to_vec(),
            // Received by one store each.
            Delivery::AtMostOnce => {
                let noted = Received::of(self.ledger).end;
                (noted..=noted + self.unnoted).collect()
            }
        }
    }

    /// Which of the messages that may come first this is.
    fn identify<M: Numbered + ?Sized>(&self, view: &View<'_, M>) -> u64 {
        let content = M::read(view);
        let found = self.beginnings().into_iter().find(|number| M::make(*number) == content);
        found.unwrap_or_else(|| panic!("{} comes first, not {:?}", M::number(view), self.beginnings()))
    }

    /// Notes that a consumer begins with `first`.
    fn begin_with(&self, first: u64) {
        assert!(self.beginnings().contains(&first), "{first} comes first, not {:?}", self.beginnings());
        let Received { end, dropped } = Received::of(self.ledger);
        if self.delivery == Delivery::AtMostOnce {
            // What the dead one was killed receiving does not come.
            Received { end: first, dropped: dropped + first - end }.note(self.ledger);
        }
        self.ledger.set(word::RELEASED, first);
    }

    /// Notes message `number` as received, before it is released.
    fn take<M: Numbered + ?Sized>(&self, view: &View<'_, M>, number: u64) {
        assert_eq!(M::read(view), M::make(number), "message {number}");
        let label = M::number(view);
        assert!((number..number + BATCH).contains(&label), "message {number} is labelled {label}");
        let received = Received::of(self.ledger).end;
        match view.is_redelivered() {
            // The dead one may have been killed before it noted this one.
            true => assert!(number <= received, "message {number} is marked, of {received} received"),
            false => assert!(number >= received, "message {number} of {received} received is not marked"),
        }
        if view.is_redelivered() {
            assert_eq!(self.delivery, Delivery::AtLeastOnce, "message {number} comes again");
            self.ledger.add(word::REDELIVERED, 1);
        }
        self.note_received(number);
    }

    fn note_received(&self, number: u64) {
        let Received { end, dropped } = Received::of(self.ledger);
        Received { end: end.max(number + 1), dropped }.note(self.ledger);
    }

    fn batch<M: Numbered + ?Sized>(
        &self,
        consumer: &mut Consumer<M>,
        first: u64,
        most: usize,
        rng: &mut Rng,
    ) -> u64 {
        let mut batch = match consumer.recv_batch_by(most, PATIENCE) {
            Ok(batch) => batch,
            Err(RecvError::TimedOut) => return 0,
            Err(error) => panic!("{error}"),
        };
        let mut next = first;
        while let Some(view) = batch.next() {
            self.take(&view, next);
            next += 1;
            linger(rng);
        }
        self.ledger.set(word::RELEASING, next);
        drop(batch);
        self.ledger.set(word::RELEASED, next);
        next - first
    }

    /// Receives a copy, which is released before it is seen.
    fn copy<M: Numbered + ?Sized>(&self, consumer: &mut Consumer<M>, number: u64) -> u64 {
        if consumer.is_empty() {
            return 0;
        }
        self.ledger.set(word::RELEASING, number + 1);
        assert_eq!(M::recv_copy(consumer).expect("a message"), M::make(number), "message {number}");
        self.note_received(number);
        self.ledger.set(word::RELEASED, number + 1);
        1
    }
}
