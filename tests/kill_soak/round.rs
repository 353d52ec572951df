//! One round: eight processes at work and under blows, until nothing is left in the ring.

use std::time::{Duration, Instant};

use ironring_testkit::rng::Seeded;

use crate::{
    account::Account,
    book::{Book, LANES, STOP, STOPPED},
    consumer::Log,
    setting::Soaked,
    victim::{Blows, Victim},
};

/// The longest between two blows.
const PAUSE_MICROS: u64 = 8_000;

pub(crate) fn run(soaked: &mut Soaked, number: u64, length: Duration, rng: &mut Seeded) -> Account {
    let book = Book::new();
    let before = soaked.counted();
    let mut blows = Blows::default();
    let over = Instant::now() + length;
    let start = |role, rng: &mut _| {
        [(); LANES].map({
            let mut lanes = 0..LANES;
            let (soaked, book) = (&*soaked, &book);
            move |()| Victim::new(soaked, book, number, role, lanes.next().expect("a lane"), rng)
        })
    };
    let mut producers = start("producer", rng);
    let mut consumers = start("consumer", rng);
    while Instant::now() < over {
        std::thread::sleep(Duration::from_micros(rng.u64(..PAUSE_MICROS)));
        let now = Instant::now();
        for victim in producers.iter_mut().chain(&mut consumers) {
            victim.look(now, rng, &mut blows);
        }
        let victims = if rng.bool() { &mut producers } else { &mut consumers };
        victims[rng.usize(..LANES)].strike(rng, &mut blows);
        if rng.u8(..64) == 0 {
            soaked.check("at work");
        }
    }
    for victim in producers.iter_mut().chain(&mut consumers) {
        victim.revive(rng, &mut blows);
    }
    book.ledger.set(STOP, 1);
    producers.iter_mut().for_each(Victim::end);
    book.ledger.set(STOPPED, 1);
    consumers.iter_mut().for_each(Victim::end);
    drop((producers, consumers));
    soaked.check("at rest, and not recovered");
    drain(soaked, &book, number);
    soaked.check("drained");
    let end = end_of(soaked);
    let slots = end - soaked.end.map_or(0, |end| end + 1);
    soaked.end = Some(end);
    let counted = std::array::from_fn(|i| soaked.counted()[i] - before[i]);
    Account::of(&book, soaked.setting, blows, slots, counted)
}

/// Receives what the dead have left, in as many of their places as there are.
fn drain(soaked: &Soaked, book: &Book, round: u64) {
    loop {
        let mut consumer = soaked.ring.consumer().expect("a place");
        let mut log = Log::new(book, 0, soaked.setting, round);
        let mut came = false;
        while let Ok(message) = consumer.try_recv() {
            let taken = log.take(&message.view());
            log.release(&[taken], message);
            came = true;
        }
        // Who attaches takes the place where most was left: now there is nothing anywhere.
        if !came {
            return;
        }
    }
}

/// The position that comes after all that was sent.
fn end_of(soaked: &Soaked) -> u64 {
    soaked.ring.producer().expect("a place").send(b"end").expect("room");
    let mut consumer = soaked.ring.consumer().expect("a place");
    let message = consumer.try_recv().expect("the message just sent");
    assert_eq!(message.to_vec(), b"end");
    message.position()
}
