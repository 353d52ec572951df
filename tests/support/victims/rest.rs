//! What a ring is like when nobody is at work in it any more.

use ironring::State as Presence;

use super::{account::Account, rig::Rig};
use crate::kills::{
    numbered::Numbered,
    violation::{Violation, duplicated, lost, wedged},
};

/// Whether the ring has counted what was dropped and displaced.
pub(crate) fn must_be_counted<M: Numbered + ?Sized>(
    rig: &Rig<M>,
    account: &mut Account,
) -> Result<(), Violation> {
    let counted = rig.counted()?;
    account.keep(
        |world| [world.dropped(), world.displaced] == counted,
        |worlds| {
            let [dropped, displaced] = counted;
            lost(format!(
                "{dropped} dropped and {displaced} displaced are counted, and there are {}",
                worlds[0]
            ))
        },
    )
}

/// Nobody who lives is in the middle of anything, and nobody who died is not recovered.
pub(crate) fn must_be_at_rest<M: Numbered + ?Sized>(rig: &Rig<M>) -> Result<(), Violation> {
    for status in rig.ring.participants().or_else(wedged)? {
        if status.is_interrupted || status.presence.state == Presence::Died || status.messages > 0 {
            return wedged(format!("not at rest: {status:?}"));
        }
    }
    match rig.ring.recover().or_else(wedged)?.as_slice() {
        [] => Ok(()),
        again => duplicated(format!("recovered again: {again:?}")),
    }
}
