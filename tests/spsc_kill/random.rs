//! The kill at random: while numbered messages flow, one of the two is killed and started
//! again, many times over.

use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

use ironring::{Delivery, spsc::Ring};
use ironring_testkit::{Child, Exit, Ledger, Role, rng::Seeded};

use crate::{
    flow::{Received, word},
    kills::numbered::Numbered,
};

/// The longest that a participant lives, once it has its role.
const LIFE_MICROS: u64 = 500;

/// How long anything may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(30);

/// One of the two, and where it counts its starts.
struct Participant {
    role: String,
    starts: usize,
    child: Child,
    /// The count before this start.
    before: u64,
}

impl Participant {
    fn end(&mut self) {
        assert_eq!(self.child.wait_timeout(PATIENCE), Some(Exit::Exited(0)), "the {}", self.role);
    }
}

/// What all participants of one ring share.
struct Flow<'a, M: Numbered + ?Sized> {
    ring: &'a Ring<M>,
    ledger: &'a Ledger,
    capacity: u64,
}

impl<M: Numbered + ?Sized> Flow<'_, M> {
    fn start(&self, what: &str, starts: usize, rng: &mut Seeded) -> std::io::Result<Participant> {
        let role = format!("{} {what}", M::NAME);
        let before = self.ledger.get(starts);
        let child = self.spawn(&role, rng)?;
        Ok(Participant { role, starts, child, before })
    }

    fn spawn(&self, role: &str, rng: &mut Seeded) -> std::io::Result<Child> {
        let role = Role::new(role).pass_fd("ring", self.ring.as_fd()).ledger(self.ledger);
        role.arg(rng.u64(..)).arg(self.capacity).spawn()
    }

    /// Kills `victim` a random while after it got its role, or before; starts the next.
    fn kill_and_restart(&self, victim: &mut Participant, rng: &mut Seeded) -> std::io::Result<()> {
        let await_start = rng.u8(..8) > 0;
        let patience = Instant::now();
        while await_start && self.ledger.get(victim.starts) == victim.before {
            assert!(patience.elapsed() < PATIENCE, "the {} does not get its role", victim.role);
            std::thread::sleep(Duration::from_micros(50));
            let end = victim.child.wait_timeout(Duration::ZERO);
            assert_eq!(end, None, "the {} found something wrong", victim.role);
        }
        std::thread::sleep(Duration::from_micros(rng.u64(..LIFE_MICROS)));
        assert_eq!(victim.child.kill(), Exit::KILLED, "the {} found something wrong", victim.role);
        victim.before = self.ledger.get(victim.starts);
        victim.child = self.spawn(&victim.role, rng)?;
        Ok(())
    }
}

/// Kills one of the two `kills` times, and has every message accounted for.
pub(crate) fn kill_at_random<M: Numbered + ?Sized>(
    capacity: u64,
    delivery: Delivery,
    kills: u64,
) -> std::io::Result<()> {
    let ring = Ring::<M>::anonymous(&M::options(capacity).delivery(delivery)).expect("a ring");
    let ledger = Ledger::new(word::WORDS)?;
    let mut rng = Seeded::new();
    let flow = Flow { ring: &ring, ledger: &ledger, capacity };
    let mut producer = flow.start("producer", word::PRODUCERS, &mut rng)?;
    let mut consumer = flow.start("consumer", word::CONSUMERS, &mut rng)?;
    for _ in 0..kills {
        let victim = if rng.bool() { &mut producer } else { &mut consumer };
        flow.kill_and_restart(victim, &mut rng)?;
    }
    ledger.set(word::STOP, 1);
    producer.end();
    ledger.set(word::STOPPED, 1);
    consumer.end();
    let sent = ledger.get(word::SENT);
    let Received { end, dropped } = Received::of(&ledger);
    assert_eq!(end, sent, "received or dropped, of those sent");
    assert!(sent > kills / 10, "only {sent} messages");
    println!(
        "killed at random, {}, {capacity} messages, {delivery}: {kills} kills, {sent} messages, {} redelivered, \
         {dropped} dropped",
        M::NAME,
        ledger.get(word::REDELIVERED),
    );
    if delivery == Delivery::AtLeastOnce {
        assert_eq!(dropped, 0);
    }
    Ok(())
}
