//! Those whom others repair: a participant that was killed in the middle of an operation, or
//! two, at each point at which that leaves something to be repaired.

use std::cell::{Cell, RefCell};

use ironring::{Delivery, mpmc::Status};
use ironring_testkit::{Exit, Step, Traced, Trail};

use crate::{
    kills::{numbered::Numbered, violation::Violation},
    stepping::OWN,
    victims::{
        operation::{Operation, Script},
        rig::Rig,
        scene::{Scene, State},
        survivors::Survivors,
    },
};

/// The number of the second victim's first message.
const SECOND_OWN: u64 = 2 << 24;

/// Who dies, and in what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deaths {
    pub(crate) first: Operation,
    /// How the ring is when the first one begins.
    pub(crate) state: State,
    pub(crate) then: Then,
}

/// What happens while the first one stands where it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// The others move the ring on by more than two laps.
    Overtaken,
    /// Another one begins, with the entry that the first one was at, and is killed too.
    Second {
        operation: Operation,
        /// Whether that one's record comes before the first one's.
        comes_before: bool,
    },
}

impl Deaths {
    pub(crate) fn of_one() -> Vec<Self> {
        let firsts = [
            (Operation::Send, State::Part),
            (Operation::ForceSend, State::Full),
            (Operation::Recv, State::Full),
            (Operation::BatchRecv, State::Full),
        ];
        let thens = [Then::Nothing, Then::Overtaken];
        firsts.iter().flat_map(|&(first, state)| thens.map(|then| Self { first, state, then })).collect()
    }

    /// Who received what was in the ring.
    pub(crate) fn of_the_last_receiver() -> Vec<Self> {
        let firsts = [Operation::Recv, Operation::BatchRecv];
        firsts.map(|first| Self { first, state: State::Wrapping, then: Then::Nothing }).to_vec()
    }

    pub(crate) fn of_two() -> Vec<Self> {
        let pairs = [
            (Operation::Send, State::Part, Operation::Recv),
            (Operation::Recv, State::Full, Operation::Send),
            (Operation::Send, State::Part, Operation::ForceSend),
            (Operation::ForceSend, State::Full, Operation::Recv),
        ];
        let mut all = Vec::new();
        for (first, state, operation) in pairs {
            for comes_before in [false, true] {
                all.push(Self { first, state, then: Then::Second { operation, comes_before } });
            }
        }
        all
    }

    /// Whether the delivery makes a difference.
    pub(crate) fn are_possible(&self, delivery: Delivery) -> bool {
        let is_receiver = matches!(self.first, Operation::Recv | Operation::BatchRecv);
        delivery == Delivery::AtLeastOnce || is_receiver && !matches!(self.then, Then::Second { .. })
    }
}

/// Whether there is something to repair in the record of one that dies.
pub(crate) fn leaves_something(status: &Status) -> bool {
    status.is_interrupted || status.messages > 0
}

/// The way of a victim, and at which of its points `is_chosen` says yes to its record, number
/// `number`, just after something has changed.
pub(crate) fn trail_of<M: Numbered + ?Sized>(
    rig: &Rig<M>,
    victim: &mut Traced,
    number: usize,
    is_chosen: impl Fn(&Status) -> bool,
) -> (Trail, Vec<u64>) {
    let chosen = RefCell::new(Vec::new());
    let look = || {
        let statuses = rig.ring.participants().expect("a sound ring");
        chosen.borrow_mut().push(is_chosen(&statuses[number]));
        rig.image()
    };
    let trail = Trail::of_watched(victim, look).expect("the end of the operation");
    let chosen = chosen.into_inner();
    let points = trail.changes().iter().copied().filter(|k| chosen[*k as usize]).collect();
    (trail, points)
}

/// A stage on which victims die.
pub(crate) struct Stage<'a, M: Numbered + ?Sized> {
    rig: &'a Rig<M>,
    deaths: Deaths,
    before: Scene,
    script: Script,
    takes: &'static [u64],
    /// Those who live meanwhile, and the second victim at its begin.
    others: RefCell<Option<(Survivors<M>, Option<Traced>)>>,
    /// The first one's point: how many there were.
    count: Cell<u64>,
}

impl<'a, M: Numbered + ?Sized> Stage<'a, M> {
    pub(crate) fn new(rig: &'a Rig<M>, deaths: Deaths) -> Self {
        let before = Scene::of(rig, deaths.first, deaths.state);
        let takes = deaths.first.takes(&rig.setting, deaths.state);
        let script = deaths.first.script(OWN, takes);
        Self { rig, deaths, before, script, takes, others: RefCell::new(None), count: Cell::new(0) }
    }

    /// The ring after each of the deaths.
    pub(crate) fn scenes(&self) -> Vec<Scene> {
        let number = match self.deaths.then {
            Then::Second { comes_before: true, .. } => 1,
            _ => 0,
        };
        let is_chosen = |status: &Status| match self.deaths.then {
            Then::Second { .. } => status.is_interrupted,
            _ => leaves_something(status),
        };
        let (trail, points) = trail_of(self.rig, &mut self.spawn().expect("a victim"), number, is_chosen);
        points.into_iter().flat_map(|k| self.scenes_at(&trail, k)).collect()
    }

    /// The first victim at its begin, and the others there.
    fn spawn(&self) -> std::io::Result<Traced> {
        self.others.take();
        self.rig.put_back(&self.before.image);
        let spawn_first = || self.rig.victim(self.deaths.first, OWN, self.takes).spawn_traced();
        let (first, second) = match self.deaths.then {
            Then::Second { operation, comes_before } => {
                let spawn_second = || {
                    let takes = operation.takes(&self.rig.setting, State::Part);
                    self.rig.victim(operation, SECOND_OWN, takes).spawn_traced()
                };
                if comes_before {
                    let second = spawn_second()?;
                    (spawn_first()?, Some(second))
                } else {
                    (spawn_first()?, Some(spawn_second()?))
                }
            }
            _ => (spawn_first()?, None),
        };
        let survivors = Survivors::attach(self.rig, self.before.account.clone());
        self.others.replace(Some((survivors, second)));
        Ok(first)
    }

    /// The ring after the first one's death behind `k` instructions.
    fn scenes_at(&self, trail: &Trail, k: u64) -> Vec<Scene> {
        self.count.set(self.count.get() + 1);
        match self.deaths.then {
            Then::Second { operation, .. } => self.scenes_of_two(trail, k, operation),
            then => {
                let (first, mut survivors, _) = self.bring(trail, k).expect("a sound ring");
                if then == Then::Overtaken {
                    survivors.move_on(self.rig.setting.laps()).expect("a sound ring");
                }
                vec![self.kill([Some(first), None], survivors)]
            }
        }
    }

    fn bring(&self, trail: &Trail, k: u64) -> Result<(Traced, Survivors<M>, Option<Traced>), Violation> {
        let first = trail.bring(k, || self.spawn()).expect("a victim");
        let (mut survivors, second) = self.others.take().expect("others for each victim");
        survivors.account.act(&self.script.before, &self.script.effects);
        if let Then::Second { operation, .. } = self.deaths.then {
            self.prepare_second(&mut survivors, operation)?;
        }
        Ok((first, survivors, second))
    }

    /// Makes the first one's entry the one that the second one comes to.
    fn prepare_second(&self, survivors: &mut Survivors<M>, second: Operation) -> Result<(), Violation> {
        let before = self.before.account.len();
        let receives = match (self.deaths.first, second) {
            (Operation::Send, Operation::Recv) => before,
            (Operation::Send, _) => {
                survivors.fill()?;
                before
            }
            (Operation::Recv, _) => 1,
            (_, _) => before - 1,
        };
        for _ in 0..receives {
            survivors.receive()?;
        }
        match second {
            Operation::ForceSend => survivors.fill(),
            // Whether or not the first one has sent, there is a message.
            Operation::Recv => survivors.send().map(|_| ()),
            _ => Ok(()),
        }
    }

    fn scenes_of_two(&self, trail: &Trail, k: u64, operation: Operation) -> Vec<Scene> {
        let takes = operation.takes(&self.rig.setting, State::Part);
        let script = operation.script(SECOND_OWN, takes);
        let number = usize::from(matches!(self.deaths.then, Then::Second { comes_before: false, .. }));
        let bring = || {
            let (first, survivors, second) = self.bring(trail, k).expect("a sound ring");
            (first, survivors, second.expect("a second victim"))
        };
        let (first, survivors, mut second) = bring();
        let (second_trail, points) = trail_of(self.rig, &mut second, number, |status| status.is_interrupted);
        drop((first, survivors, second));
        points
            .into_iter()
            .map(|k| {
                let (first, mut survivors, mut second) = bring();
                assert_eq!(second.follow(&second_trail, k), Some(Step::Inside { taken: k }));
                survivors.account.act(&script.before, &script.effects);
                self.kill([Some(first), Some(second)], survivors)
            })
            .collect()
    }

    fn kill(&self, victims: [Option<Traced>; 2], survivors: Survivors<M>) -> Scene {
        for mut victim in victims.into_iter().flatten() {
            assert_eq!(victim.kill(), Exit::KILLED);
        }
        let Survivors { producer, consumer, account } = survivors;
        drop((producer, consumer));
        Scene { image: self.rig.image(), account }
    }
}
