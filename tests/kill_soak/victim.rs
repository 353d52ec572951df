//! One of the eight, and what is done to it.

use std::time::{Duration, Instant};

use ironring_testkit::{Child, Exit, Role, rng::Seeded};

use crate::{
    book::{Book, COPYING, INSIDE, LANES},
    setting::Soaked,
};

/// How long anything may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Victim<'a> {
    soaked: &'a Soaked,
    book: &'a Book,
    round: u64,
    role: &'static str,
    lane: usize,
    state: State,
}

enum State {
    Runs(Child),
    /// Stopped until then.
    Stands(Child, Instant),
    /// Killed, to be started again then.
    Dead(Instant),
}

/// Looks for a moment when a victim is in the ring's code.
const LOOKS: u32 = 10_000;

/// What was done to the victims.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blows {
    pub(crate) producers_killed: u64,
    pub(crate) consumers_killed: u64,
    /// Of those, some in the middle of taking a copy.
    pub(crate) copies_cut_off: u64,
    pub(crate) stops: u64,
    pub(crate) restarts: u64,
}

impl<'a> Victim<'a> {
    pub(crate) fn new(
        soaked: &'a Soaked,
        book: &'a Book,
        round: u64,
        role: &'static str,
        lane: usize,
        rng: &mut Seeded,
    ) -> Self {
        let mut victim = Self { soaked, book, round, role, lane, state: State::Dead(Instant::now()) };
        victim.start(rng);
        victim
    }

    fn start(&mut self, rng: &mut Seeded) {
        let path = self.soaked.ring.path().expect("it is in a file");
        let role = Role::new(self.role).ledger(&self.book.ledger).arg(self.lane);
        let role = role.arg(self.soaked.setting).arg(self.round).arg(rng.u64(..)).arg(path.display());
        self.state = State::Runs(role.spawn().expect("a process"));
    }

    /// Does what is due.
    pub(crate) fn look(&mut self, now: Instant, rng: &mut Seeded, blows: &mut Blows) {
        match &mut self.state {
            State::Runs(child) => {
                let end = child.wait_timeout(Duration::ZERO);
                assert_eq!(end, None, "{} {} found something wrong", self.role, self.lane);
            }
            State::Stands(_, until) if now >= *until => self.go_on(),
            State::Dead(until) if now >= *until => {
                blows.restarts += 1;
                self.start(rng);
            }
            State::Stands(..) | State::Dead(_) => {}
        }
    }

    fn go_on(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Dead(Instant::now()));
        self.state = match state {
            State::Stands(mut child, _) => {
                child.cont().unwrap_or_else(|end| panic!("{} {} {end}", self.role, self.lane));
                State::Runs(child)
            }
            other => other,
        };
    }

    /// Kills it, or stops it, for a while.
    pub(crate) fn strike(&mut self, rng: &mut Seeded, blows: &mut Blows) {
        let kills = rng.u8(..4) > 0;
        // Some are away while the ring goes round many times.
        let millis = if rng.u8(..16) == 0 { rng.u64(..500) } else { rng.u64(..10) };
        let until = Instant::now() + Duration::from_millis(millis);
        let inside = INSIDE + self.lane + if self.role == "producer" { 0 } else { LANES };
        for _ in 0..LOOKS {
            if self.book.ledger.get(inside) != 0 {
                break;
            }
            std::hint::spin_loop();
        }
        let state = std::mem::replace(&mut self.state, State::Dead(until));
        self.state = match state {
            State::Runs(mut child) | State::Stands(mut child, _) if kills => {
                assert_eq!(child.kill(), Exit::KILLED, "{} {} found something wrong", self.role, self.lane);
                self.count_kill(blows);
                State::Dead(until)
            }
            State::Runs(mut child) => {
                child.stop().unwrap_or_else(|end| panic!("{} {} {end}", self.role, self.lane));
                blows.stops += 1;
                State::Stands(child, until)
            }
            other => other,
        };
    }

    fn count_kill(&self, blows: &mut Blows) {
        if self.role == "producer" {
            blows.producers_killed += 1;
            return;
        }
        blows.consumers_killed += 1;
        let copying = self.book.ledger.word(COPYING + self.lane);
        blows.copies_cut_off += copying.swap(0, std::sync::atomic::Ordering::AcqRel);
    }

    /// Has it run, whatever was done to it.
    pub(crate) fn revive(&mut self, rng: &mut Seeded, blows: &mut Blows) {
        self.go_on();
        if matches!(self.state, State::Dead(_)) {
            blows.restarts += 1;
            self.start(rng);
        }
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) {
        if let State::Runs(child) = &mut self.state {
            let end = child.wait_timeout(PATIENCE);
            assert_eq!(end, Some(Exit::Exited(0)), "{} {}", self.role, self.lane);
        }
    }
}
