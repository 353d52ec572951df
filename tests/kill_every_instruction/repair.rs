//! The kill at every instruction of a repair: whoever comes next repeats it.

use ironring::Delivery;
use ironring_testkit::{Exit, Traced, Trail};

use crate::{
    aftermath::{Aftermath, Finder},
    case::End,
    dead::{Deaths, Stage},
    kills::{
        drivers::is_everything_wanted,
        drivers::points,
        numbered::Numbered,
        tally::Tally,
        violation::{Violation, wedged},
        watchdog,
    },
    victims::{
        account::Account,
        operation::Operation,
        rig::{Rig, Setting},
        scene::Scene,
        survivors::Survivors,
    },
};

/// Instructions at which a repair is killed besides those that change the ring, where not
/// everything is wanted.
const AIM: u64 = 6;

/// One scene of so many is tried where not everything is wanted, another one in each run of them.
const SCENES: usize = 3;

pub(crate) fn step_through(operation: Operation, tally: &mut Tally) {
    let all = match operation {
        Operation::RecoverTwo => Deaths::of_two(),
        Operation::RecvAfterKill => Deaths::of_the_last_receiver(),
        _ => Deaths::of_one(),
    };
    let mut turn = 0;
    for setting in Setting::all(true) {
        // At most once, a receiver that is killed takes what it was given with it.
        if operation == Operation::RecvAfterKill && setting.delivery == Delivery::AtMostOnce {
            continue;
        }
        let possible: Vec<_> = all.iter().filter(|deaths| deaths.are_possible(setting.delivery)).collect();
        for (number, deaths) in possible.iter().enumerate() {
            let among_deaths =
                Share { number, of: if operation.attaches_after_kill() { possible.len() } else { 1 } };
            run::<[u8]>(operation, setting, **deaths, among_deaths, turn, tally);
            turn += 1;
        }
    }
}

fn run<M: Numbered + ?Sized>(
    operation: Operation,
    setting: Setting,
    deaths: Deaths,
    among_deaths: Share,
    turn: usize,
    tally: &mut Tally,
) {
    watchdog::about(format!("of {operation}, {setting:?}, {deaths:?}"));
    let rig = Rig::<M>::new(setting);
    let scenes = Stage::new(&rig, deaths).scenes();
    for (number, scene) in scenes.iter().enumerate() {
        if !is_everything_wanted() && !(number + turn).is_multiple_of(SCENES) {
            continue;
        }
        let among_scenes = Share { number, of: scenes.len() };
        let repair = Repair { rig: &rig, scene, operation, among_deaths, among_scenes };
        let about = format!("{setting:?}, {deaths:?}, scene {number} of {}", scenes.len());
        if let Err(violation) = repair.kill_everywhere(tally, &about) {
            tally.count(about, &violation);
        }
    }
}

/// The repair of what died in one scene.
struct Repair<'a, M: Numbered + ?Sized> {
    rig: &'a Rig<M>,
    scene: &'a Scene,
    operation: Operation,
    among_deaths: Share,
    among_scenes: Share,
}

/// Which of the instructions that several cases share are those of one of them.
#[derive(Clone, Copy)]
struct Share {
    number: usize,
    of: usize,
}

impl Share {
    /// Which instruction of this share the `k`-th of all is, if it is one of them.
    fn number_in(self, k: u64) -> Option<u64> {
        let of = self.of as u64;
        (k % of == self.number as u64 % of).then_some(k / of)
    }
}

impl<M: Numbered + ?Sized> Repair<'_, M> {
    fn kill_everywhere(&self, tally: &mut Tally, about: &str) -> Result<(), Violation> {
        // What has become of the dead does not depend on who repairs.
        let mut account = self.scene.account.clone();
        for i in 0..3 {
            self.rig.put_back(&self.scene.image);
            let settled = self.settle(account.clone(), None, i)?;
            account.keep(
                |world| settled.contains(&world.steps),
                |worlds| wedged(format!("{:?} by one, {settled:?} by another", worlds[0].steps)),
            )?;
        }
        // Others leave a receiver a message that does not come again, or none.
        let is_received = account.is_certain(|world| world.comes_again() && world.is_empty());
        if self.operation == Operation::RecvAfterKill && !is_received {
            return Ok(());
        }
        let spawn = || {
            self.rig.put_back(&self.scene.image);
            self.rig.victim(self.operation, 0, &[]).spawn_traced()
        };
        let mut first = spawn().expect("a victim");
        let trail = Trail::of_watched(&mut first, || self.rig.image()).expect("the end of a repair");
        drop(first);
        tally.cases += 1;
        for k in self.points(&trail) {
            let i = tally.instructions;
            let victim = trail.bring(k, spawn).expect("a victim");
            tally.instructions += 1;
            watchdog::progress();
            if let Err(violation) = self.settle(account.clone(), Some(victim), i) {
                let what =
                    format!("{about}, {} killed after {k} instructions, as number {i}", self.operation);
                tally.count(what, &violation);
            }
        }
        Ok(())
    }

    /// The points at which the repairer is killed. If everything is wanted, the scenes of one kind
    /// of death share the instructions among them, and where a repair is the lesser part of an attach,
    /// the kinds of death do, too: each repairs by the same. Those that change the ring are tried in
    /// all scenes.
    fn points(&self, trail: &Trail) -> Vec<u64> {
        let mut points = points(trail, AIM);
        if is_everything_wanted() {
            let is_own =
                |k| self.among_deaths.number_in(k).and_then(|k| self.among_scenes.number_in(k)).is_some();
            points.retain(|k| is_own(*k) || trail.changes().binary_search(k).is_ok());
        }
        points
    }

    /// Kills the repairer, if there is one, and says what became of the dead.
    fn settle(
        &self,
        account: Account,
        repairer: Option<Traced>,
        i: u64,
    ) -> Result<Vec<Vec<usize>>, Violation> {
        let rig = self.rig;
        let end = End::BOTH[(i % 2) as usize];
        let finder = Finder::of(i / 2 % 3);
        let mut survivors = None;
        if let Some(mut repairer) = repairer {
            rig.check("while the repairer stands")?;
            if end == End::Overtaken {
                let mut those = Survivors::attach(rig, account.clone());
                those.move_on(rig.setting.laps())?;
                survivors = Some(those);
            }
            assert_eq!(repairer.kill(), Exit::KILLED);
        }
        let survivors = match survivors {
            Some(survivors) => survivors,
            None => attach_after(rig, account, finder)?,
        };
        let goes_on_first = (i / 6).is_multiple_of(2);
        let aftermath = Aftermath { rig, survivors, watcher: None, finder, goes_on_first };
        Ok(aftermath.settle()?.steps)
    }
}

/// Those who come after the deaths: by `finder`, who is the first.
fn attach_after<M: Numbered + ?Sized>(
    rig: &Rig<M>,
    account: Account,
    finder: Finder,
) -> Result<Survivors<M>, Violation> {
    if finder == Finder::Recover {
        rig.ring.recover().or_else(wedged)?;
    }
    if finder == Finder::Consumer {
        let consumer = rig.ring.consumer().or_else(wedged)?;
        let producer = rig.ring.producer().or_else(wedged)?;
        return Ok(Survivors { producer, consumer, account });
    }
    Ok(Survivors::attach(rig, account))
}
