//! The kill at every instruction of an operation of one participant.

use std::cell::RefCell;

use ironring::{Role, mpmc::Consumer};
use ironring_testkit::{Exit, Traced, Trail};

use crate::{
    aftermath::{Aftermath, Finder},
    case::{Case, End},
    kills::{
        drivers::points,
        numbered::{Numbered, Sample},
        tally::{Tally, assert_progress},
        violation::Violation,
        watchdog,
    },
    victims::{
        operation::{Operation, Script},
        rig::{Rig, Setting},
        scene::{Scene, State},
        survivors::Survivors,
        victim::ACKNOWLEDGED,
    },
};

/// The number of the victim's first message.
pub(crate) const OWN: u64 = 1 << 24;

/// Instructions at which an operation is killed besides those that change the ring.
const AIM: u64 = 50;

pub(crate) fn step_through(operation: Operation, tally: &mut Tally) {
    let is_consumers = operation.role() == Some(Role::Consumer) || operation == Operation::ConsumerAttach;
    for &state in State::of(operation) {
        for setting in Setting::all(is_consumers) {
            let case = Case { operation, setting, state };
            run::<[u8]>(&case, tally);
            // What attaches and detaches does not depend on the messages.
            if !operation.is_attach_or_detach() {
                run::<Sample>(&case, tally);
            }
        }
    }
}

/// Those who live while a victim is killed.
struct Others<M: Numbered + ?Sized> {
    survivors: Survivors<M>,
    watcher: Consumer<M>,
}

fn run<M: Numbered + ?Sized>(case: &Case, tally: &mut Tally) {
    watchdog::about(format!("of {case:?}, {}", M::NAME));
    let &Case { operation, setting, state } = case;
    let rig = Rig::<M>::new(setting);
    let scene = Scene::of(&rig, operation, state);
    let takes = operation.takes(&setting, state);
    let script = operation.script(OWN, takes);
    let others = RefCell::new(None);
    let spawn = || {
        others.take();
        rig.put_back(&scene.image);
        let survivors = Survivors::attach(&rig, scene.account.clone());
        let watcher = rig.ring.consumer().expect("a place");
        others.replace(Some(Others { survivors, watcher }));
        rig.victim(operation, OWN, takes).spawn_traced()
    };
    let mut first = spawn().unwrap_or_else(|error| panic!("{case:?}: {error}"));
    let trail =
        Trail::of_watched(&mut first, || rig.image()).unwrap_or_else(|exit| panic!("{case:?}: {exit}"));
    drop(first);
    for end in End::BOTH {
        let mut found = Vec::new();
        for k in points(&trail, AIM) {
            let victim = trail.bring(k, spawn).unwrap_or_else(|error| panic!("{case:?}: {error}"));
            let others = others.take().expect("others for each victim");
            let is_at_rest = k == 0 || k == trail.length();
            let kill = Kill { rig: &rig, script: &script, end, case, i: tally.instructions, is_at_rest };
            tally.instructions += 1;
            watchdog::progress();
            match kill.check(victim, others) {
                Ok(steps) => found.push(steps),
                Err(violation) => {
                    let what = format!("{case:?}, {}, killed {end:?} after {k} instructions", M::NAME);
                    tally.count(what, &violation);
                }
            }
        }
        if tally.is_sound() {
            let mut account = scene.account.clone();
            account.act(&script.before, &script.effects);
            assert_progress(&account.steps(), in_order(&found), true, case);
        }
    }
    tally.cases += 1;
}

/// One way of going for each victim: where it may have been several, the first that is not
/// behind the one before.
fn in_order(found: &[Vec<Vec<usize>>]) -> Vec<Vec<usize>> {
    let mut chosen: Vec<Vec<usize>> = Vec::new();
    for possible in found {
        let next = possible.iter().find(|steps| chosen.last().is_none_or(|last| *steps >= last));
        chosen.push(next.unwrap_or(&possible[0]).clone());
    }
    chosen
}

/// The kill of one victim.
struct Kill<'a, M: Numbered + ?Sized> {
    rig: &'a Rig<M>,
    script: &'a Script,
    end: End,
    case: &'a Case,
    /// How many there were before.
    i: u64,
    is_at_rest: bool,
}

impl<M: Numbered + ?Sized> Kill<'_, M> {
    /// Kills the victim, and says how far it got.
    fn check(&self, mut victim: Traced, others: Others<M>) -> Result<Vec<Vec<usize>>, Violation> {
        let Self { rig, script, case, .. } = self;
        let Others { mut survivors, watcher } = others;
        survivors.account.act(&script.before, &script.effects);
        let acknowledged = rig.ledger.get(ACKNOWLEDGED) as usize;
        survivors.account.acknowledge(acknowledged)?;
        if self.end == End::Overtaken {
            survivors.move_on(case.setting.laps())?;
            rig.check("while the victim stands")?;
        }
        let pid = victim.pid();
        assert_eq!(victim.kill(), Exit::KILLED);
        let finder = Finder::of(self.i / 2);
        let goes_on_first = self.i.is_multiple_of(2);
        let aftermath = Aftermath { rig, survivors, watcher: Some(watcher), finder, goes_on_first };
        let settled = aftermath.settle()?;
        let was_attached = case.operation.role().is_some() && !case.operation.is_attach_or_detach();
        settled.must_be_told(pid, was_attached, &script.effects, self.is_at_rest)?;
        Ok(settled.steps)
    }
}
