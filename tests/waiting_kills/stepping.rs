//! The kill, and the stop, at every instruction of one operation, in both kinds of ring.

use std::{cell::RefCell, thread, time::Duration};

use ironring::{mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Args, Trail};

use crate::{
    kills::{drivers::points, watchdog},
    operation::{FIRST, Operation},
    peer::{Kind, word},
    point::{Fate, go_on},
    scene::{Living, Scene},
    tally::Tally,
};

/// Instructions at which an operation is cut short besides those that change the word.
const AIM: u64 = 60;

/// The role that goes through an operation's points.
pub(crate) fn driver(mut args: Args) {
    let operation = args.parse("operation");
    let mut tally = Tally::default();
    watchdog::start();
    step_through::<Spsc>(operation, &mut tally);
    step_through::<Mpmc>(operation, &mut tally);
    tally.close(operation);
}

fn step_through<A: Kind>(operation: Operation, tally: &mut Tally) {
    watchdog::about(format!("of {operation}, {}", A::NAME));
    let stage = Stage::<A> { operation, scene: RefCell::new(None) };
    let trail = stage.trail();
    let effect = if operation.sleeps() { u64::MAX } else { stage.effect(&trail) };
    let fates: &[Fate] = if operation.sleeps() { &[Fate::Killed] } else { &[Fate::Killed, Fate::Stopped] };
    let mut all = points(&trail, AIM);
    all.extend((effect != u64::MAX).then_some(effect));
    all.sort_unstable();
    all.dedup();
    for fate in fates {
        for &k in &all {
            watchdog::progress();
            tally.count(format_args!("{operation}, {}, {fate:?} after {k} instructions", A::NAME), || {
                let (scene, victim) = stage.bring(&trail, k);
                go_on(operation, scene, victim, *fate, k >= effect)
            });
        }
    }
    println!("{operation}, {}: {} instructions long, {} cut short", A::NAME, trail.length(), all.len());
}

/// Where one victim after another begins.
struct Stage<A: Kind> {
    operation: Operation,
    scene: RefCell<Option<Scene<A>>>,
}

impl<A: Kind> Stage<A> {
    fn spawn(&self) -> std::io::Result<ironring_testkit::Traced> {
        let (scene, victim) = Scene::new(self.operation)?;
        self.scene.replace(Some(scene));
        Ok(victim)
    }

    fn trail(&self) -> Trail {
        let mut victim = self.spawn().expect("a victim");
        let scene = self.scene.borrow();
        let ring = &scene.as_ref().expect("a scene for each victim").ring;
        Trail::of_watched(&mut victim, || word(ring, self.operation.waiting())).expect("the operation's end")
    }

    /// A victim that has done `k` instructions, and those who live.
    fn bring(&self, trail: &Trail, k: u64) -> (Scene<A>, ironring_testkit::Traced) {
        let victim =
            trail.bring(k, || self.spawn()).unwrap_or_else(|error| panic!("{}: {error}", self.operation));
        (self.scene.take().expect("a scene for each victim"), victim)
    }

    /// Behind how many instructions a waker's change is there for the waiter, which looks by itself
    /// sooner or later.
    fn effect(&self, trail: &Trail) -> u64 {
        /// Several looks.
        const LONG: Duration = Duration::from_millis(200);
        let (mut not, mut done) = (0, trail.length());
        while not + 1 < done {
            let k = u64::midpoint(not, done);
            let (scene, _victim) = self.bring(trail, k);
            let Living::Waiting(waiter, _) = &scene.living else { unreachable!("the victim wakes") };
            thread::sleep(LONG);
            *if waiter.served() >= FIRST { &mut done } else { &mut not } = k;
        }
        done
    }
}
