//! The stop at every instruction of one operation.

use std::cell::RefCell;

use ironring::{Delivery, State as Presence, mpmc::Status};
use ironring_testkit::{Traced, Trail};

use crate::{
    kills::{
        drivers::is_everything_wanted,
        numbered::{Numbered, Sample},
        tally::Tally,
        violation::{Violation, duplicated, wedged},
        watchdog,
    },
    victims::{
        operation::Operation::{self, *},
        rest::{must_be_at_rest, must_be_counted},
        rig::{Rig, Setting},
        scene::{Scene, State, each_place_works},
        survivors::Survivors,
        victim::FIRST,
        world::Effect,
    },
};

/// The longest first, so that they do not end alone.
pub(crate) const OPERATIONS: &[Operation] = &[BatchSend, ForceSend, Send, Recv, RecvInto, Release];

/// The number of the victim's first message.
const OWN: u64 = 1 << 24;

/// The work of the others while the victim stands, in laps of the ring.
const LAPS: u64 = 3;

pub(crate) fn step_through(operation: Operation, tally: &mut Tally) {
    for &state in State::of(operation) {
        for capacity in [2, 1024] {
            for holding in [1, 3] {
                let setting = Setting { capacity, holding, delivery: Delivery::AtLeastOnce };
                run::<[u8]>(operation, state, setting, tally);
                // What differs with the messages is how they are copied.
                if is_everything_wanted() || holding == 1 && state == State::Wrapping {
                    run::<Sample>(operation, state, setting, tally);
                }
            }
        }
    }
}

fn run<M: Numbered + ?Sized>(operation: Operation, state: State, setting: Setting, tally: &mut Tally) {
    let about = format!("{operation}, {state:?}, {setting:?}, {}", M::NAME);
    watchdog::about(format!("of {about}"));
    let rig = Rig::<M>::new(setting);
    let scene = Scene::of(&rig, operation, state);
    let takes = operation.takes(&setting, state);
    let others = RefCell::new(None);
    let spawn = || {
        others.take();
        rig.put_back(&scene.image);
        others.replace(Some(Survivors::attach(&rig, scene.account.clone())));
        rig.victim(operation, OWN, takes).spawn_traced()
    };
    let mut first = spawn().unwrap_or_else(|error| panic!("{about}: {error}"));
    let trail =
        Trail::of_watched(&mut first, || rig.image()).unwrap_or_else(|exit| panic!("{about}: {exit}"));
    drop(first);
    let is_short = matches!(operation, Send | Recv | Release);
    let points = trail.points(if is_short || is_everything_wanted() { 1 } else { STRIDE });
    for k in points {
        let victim = trail.bring(k, spawn).unwrap_or_else(|error| panic!("{about}: {error}"));
        let survivors = others.take().expect("others for each victim");
        tally.instructions += 1;
        watchdog::progress();
        if let Err(violation) = check(&rig, operation, takes, victim, survivors) {
            tally.count(format!("{about}, stopped after {k} instructions"), &violation);
        }
    }
    tally.cases += 1;
}

/// Of longer operations, every so many instructions one is tried, and each that changes the ring.
const STRIDE: u64 = 7;

/// Has the survivors work while `victim` stands, and then the victim go on.
fn check<M: Numbered + ?Sized>(
    rig: &Rig<M>,
    operation: Operation,
    takes: &[u64],
    victim: Traced,
    mut survivors: Survivors<M>,
) -> Result<(), Violation> {
    let script = operation.script(OWN, takes);
    survivors.account.act(&script.before, &script.effects);
    let before = status_of(rig, &victim)?;
    survivors.move_on(LAPS * rig.setting.capacity + 1)?;
    rig.check("while the victim stands")?;
    match rig.ring.recover().or_else(wedged)?.as_slice() {
        [] => {}
        recovered => return duplicated(format!("one that lives is recovered: {recovered:?}")),
    }
    let after = status_of(rig, &victim)?;
    if after != before || after.presence.state != Presence::Attached {
        return wedged(format!("{before:?} became {after:?} while it stood"));
    }

    let mut victim = victim.release().or_else(wedged)?;
    let exit = victim.wait();
    if !exit.success() {
        return wedged(format!("the victim goes on, and ends with {exit}"));
    }
    let first = rig.ledger.get(FIRST).checked_sub(1);
    let released: &[Effect] = if operation == Recv { &[Effect::Free] } else { &[] };
    survivors.account.finish(&script.effects, first, released)?;
    rig.check("when the victim has gone on")?;
    survivors.lap()?;
    survivors.lap()?;
    must_be_counted(rig, &mut survivors.account)?;
    must_be_at_rest(rig)?;
    let Survivors { producer, consumer, mut account } = survivors;
    drop((producer, consumer));
    each_place_works(rig, &mut account)?;
    rig.check("at the end")
}

/// What there is to say about the victim.
fn status_of<M: Numbered + ?Sized>(rig: &Rig<M>, victim: &Traced) -> Result<Status, Violation> {
    let pid = victim.pid().cast_unsigned();
    let all = rig.ring.participants().or_else(wedged)?;
    match all.into_iter().find(|status| status.presence.holder.pid == pid) {
        Some(status) => Ok(status),
        None => wedged(format!("process {pid} is no participant")),
    }
}
