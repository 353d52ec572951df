//! The role of a producer: it numbers its messages, and notes what it sends.

use std::{ops::Range, time::Duration};

use ironring::{
    SendError,
    mpmc::{Producer, Ring},
};
use ironring_testkit::{Args, rng::fastrand::Rng};

use crate::{
    book::{Book, INSIDE, MESSAGES, NEXT, Note, STOP},
    message,
    setting::Setting,
};

/// Messages that are sent in one slot, at most.
pub(crate) const BATCH: u64 = 4;
/// A nap now and then leaves the processor to others; most time passes in the ring's code.
const NAP_MICROS: u64 = 1_000;

pub(crate) fn run(mut args: Args) {
    let book = Book { ledger: args.ledger() };
    let lane: usize = args.parse("lane");
    let setting: Setting = args.parse("setting");
    let round = args.parse("round");
    let mut rng = Rng::with_seed(args.parse("seed"));
    let path: String = args.parse("path");
    let producer = Ring::open(path).expect("a ring").producer().expect("a place");
    let mut sender = Sender { producer, book, round };
    let numbers = lane as u64 * MESSAGES..(lane as u64 + 1) * MESSAGES;
    while sender.book.ledger.get(STOP) == 0 {
        // What a predecessor has begun keeps its number, sent or not.
        let first = numbers.start + sender.book.ledger.get(NEXT + lane);
        let way = if setting == Setting::Displacing { rng.u8(..6) } else { rng.u8(..4) };
        let count = if matches!(way, 0 | 1 | 4) { 1 } else { rng.u64(1..=BATCH) };
        if first + count > numbers.end {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let messages = sender.begin(lane, first..first + count);
        sender.book.ledger.set(INSIDE + lane, 1);
        match way {
            0 => sender.send(first),
            1 => sender.claim(first, &mut rng),
            2 | 3 => sender.together(messages.clone(), &mut rng),
            _ => sender.force(messages.clone()),
        }
        sender.book.ledger.set(INSIDE + lane, 0);
        sender.book.set(messages, Note::SENT);
        if rng.u8(..16) == 0 {
            std::thread::sleep(Duration::from_micros(rng.u64(..NAP_MICROS)));
        }
    }
}

struct Sender {
    producer: Producer<[u8]>,
    book: Book,
    round: u64,
}

impl Sender {
    /// Notes that messages are about to be sent, together.
    fn begin(&self, lane: usize, messages: Range<u64>) -> Range<u64> {
        self.book.ledger.add(NEXT + lane, messages.end - messages.start);
        self.book.set([messages.start], Note::FIRST);
        self.book.set(messages.clone(), Note::BEGUN);
        messages
    }

    fn make(&mut self, number: u64) -> Vec<u8> {
        self.producer.set_tag(number as u32);
        message::make(self.round, number)
    }

    fn send(&mut self, number: u64) {
        let message = self.make(number);
        self.producer.send(&message).expect("sent");
    }

    fn claim(&mut self, number: u64, rng: &mut Rng) {
        let message = self.make(number);
        let mut claim = self.producer.claim_by(message.len(), ironring::Deadline::NEVER).expect("room");
        claim.write_at(0, &message);
        linger(rng);
        let done = claim.publish();
        self.publish(done);
    }

    /// Sends messages in one slot.
    fn together(&mut self, messages: Range<u64>, rng: &mut Rng) {
        self.stage(messages);
        linger(rng);
        let done = self.producer.publish();
        self.publish(done);
    }

    /// Stages messages, the first one when there is room in the ring.
    fn stage(&mut self, messages: Range<u64>) {
        for number in messages {
            let message = self.make(number);
            loop {
                match self.producer.stage(&message) {
                    Ok(()) => break,
                    Err(SendError::Full) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    /// Publishes what is staged, however long others leave no room for it.
    fn publish(&mut self, mut done: Result<(), SendError>) {
        while done == Err(SendError::Full) {
            std::thread::yield_now();
            done = self.producer.publish();
        }
        done.expect("published");
    }

    /// Sends messages in one slot, in the place of the oldest ones if need be.
    fn force(&mut self, messages: Range<u64>) {
        self.stage(messages.start..messages.end - 1);
        let message = self.make(messages.end - 1);
        let displaced = self.producer.force_send(&message).expect("sent");
        if let Some(displaced) = displaced {
            for i in 0..displaced.messages {
                self.book.displaced(u64::from(displaced.tag + i), displaced.position);
            }
        }
    }
}

/// Takes a while over what is in hand, now and then, so that more kills come then.
pub(crate) fn linger(rng: &mut Rng) {
    if rng.u8(..16) == 0 {
        (0..rng.u32(..2_000)).for_each(|_| std::hint::spin_loop());
    }
}
