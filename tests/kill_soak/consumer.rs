//! The role of a consumer: it checks each message, and notes what it does with it.

use std::time::Duration;

use ironring::{
    Delivery, RecvError, View,
    mpmc::{Consumer, OwnedMessages, Ring},
};
use ironring_testkit::{Args, rng::fastrand::Rng};

use crate::{
    book::{Book, COPYING, INSIDE, LANES, Note, STOPPED},
    message,
    producer::linger,
    setting::{HOLDING, Setting},
};

/// How long a consumer waits before it looks whether the producers have ended.
const PATIENCE: Duration = Duration::from_millis(5);

pub(crate) fn run(mut args: Args) {
    let book = Book { ledger: args.ledger() };
    let lane: usize = args.parse("lane");
    let setting: Setting = args.parse("setting");
    let round = args.parse("round");
    let mut rng = Rng::with_seed(args.parse("seed"));
    let path: String = args.parse("path");
    let mut consumer = Ring::open(path).expect("a ring").consumer().expect("a place");
    let mut log = Log::new(&book, lane, setting, round);
    let mut kept = Vec::new();
    loop {
        let stopped = book.ledger.get(STOPPED) != 0;
        book.ledger.set(INSIDE + LANES + lane, u64::from(!consumer.is_empty()));
        let done = match rng.u8(..8) {
            0 if setting == Setting::Copying && !consumer.is_empty() => log.copy(&mut consumer),
            0..=2 => log.one(&mut consumer, &mut rng),
            3..=5 => log.batch(&mut consumer, &mut rng),
            _ => log.keep(&mut consumer, &mut kept, &mut rng),
        };
        match done {
            Ok(()) => {}
            Err(RecvError::TimedOut) if stopped && kept.is_empty() => return,
            Err(RecvError::TimedOut | RecvError::HoldsAll) => log.release_some(&mut kept, &mut rng),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a consumer notes.
pub(crate) struct Log<'a> {
    book: &'a Book,
    lane: usize,
    setting: Setting,
    round: u64,
    /// Where the last message lay that came for the first time.
    last: Option<u64>,
}

impl<'a> Log<'a> {
    pub(crate) fn new(book: &'a Book, lane: usize, setting: Setting, round: u64) -> Self {
        Self { book, lane, setting, round, last: None }
    }

    /// Checks a message and notes that it was received; returns its number.
    pub(crate) fn take(&mut self, view: &View<'_, [u8]>) -> u64 {
        let number = u64::from(view.tag());
        assert_eq!(view.to_vec(), message::make(self.round, number), "message {number}");
        assert_eq!(view.is_redelivered(), view.deliveries() > 1);
        self.book.deliver(number, view.position(), view.deliveries(), self.setting.delivery());
        // At most once, what another one had not yet received of a batch comes unmarked.
        if view.deliveries() == 1 && self.setting.delivery() == Delivery::AtLeastOnce {
            assert!(
                self.last.is_none_or(|last| last <= view.position()),
                "{} comes after {:?}",
                view.position(),
                self.last
            );
            self.last = Some(view.position());
        }
        number
    }

    pub(crate) fn release<T>(&self, numbers: &[u64], held: T) {
        self.book.set(numbers.iter().copied(), Note::RELEASING);
        drop(held);
        self.book.set(numbers.iter().copied(), Note::RELEASED);
    }

    fn hands_back(&self, rng: &mut Rng) -> bool {
        self.setting.delivery() == Delivery::AtLeastOnce && rng.u8(..16) == 0
    }

    fn one(&mut self, consumer: &mut Consumer<[u8]>, rng: &mut Rng) -> Result<(), RecvError> {
        let message = consumer.recv_by(PATIENCE)?;
        let number = self.take(&message.view());
        linger(rng);
        if self.hands_back(rng) {
            message.hand_back();
        } else {
            self.release(&[number], message);
        }
        Ok(())
    }

    fn batch(&mut self, consumer: &mut Consumer<[u8]>, rng: &mut Rng) -> Result<(), RecvError> {
        let mut batch = consumer.recv_batch_by(rng.usize(1..8), PATIENCE)?;
        let mut numbers = Vec::new();
        while let Some(view) = batch.next() {
            numbers.push(self.take(&view));
            linger(rng);
        }
        if self.hands_back(rng) {
            batch.hand_back();
        } else {
            self.release(&numbers, batch);
        }
        Ok(())
    }

    /// Receives messages to release them later, in any order.
    fn keep(
        &mut self,
        consumer: &mut Consumer<[u8]>,
        kept: &mut Vec<(Vec<u64>, OwnedMessages<[u8]>)>,
        rng: &mut Rng,
    ) -> Result<(), RecvError> {
        if kept.len() == HOLDING as usize || rng.bool() {
            self.release_some(kept, rng);
        }
        let messages = consumer.recv_owned_by(PATIENCE)?;
        let numbers = messages.iter().map(|view| self.take(&view)).collect();
        kept.push((numbers, messages));
        Ok(())
    }

    fn release_some(&self, kept: &mut Vec<(Vec<u64>, OwnedMessages<[u8]>)>, rng: &mut Rng) {
        if !kept.is_empty() {
            let (numbers, messages) = kept.swap_remove(rng.usize(..kept.len()));
            self.release(&numbers, messages);
        }
    }

    /// Receives a copy, which is released before it is seen.
    fn copy(&mut self, consumer: &mut Consumer<[u8]>) -> Result<(), RecvError> {
        let mut copy = [0; message::LONGEST as usize];
        self.book.ledger.set(COPYING + self.lane, 1);
        let done = consumer.recv_into_by(&mut copy, PATIENCE).map(|len| {
            let number = message::number(&copy[..len]);
            assert_eq!(copy[..len], message::make(self.round, number), "message {number}");
            self.book.copied(number);
        });
        self.book.ledger.set(COPYING + self.lane, 0);
        done
    }
}
