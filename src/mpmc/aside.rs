//! Messages that were delivered as often as they may be, and wait for somebody to take them.

use std::sync::atomic::Ordering;

use super::{
    shared::Shared,
    watch,
    words::{Content, Held},
};
use crate::{Error, error::Corrupt, layout::RECORD_HELD, liveness, region::Region};

/// The messages of one slot that were set aside: see
/// [`Options::max_deliveries`](crate::Options::max_deliveries).
///
/// ```
/// use ironring::{Options, mpmc};
///
/// let ring = mpmc::Ring::<[u8]>::anonymous(&Options::messages(8).max_deliveries(1))?;
/// ring.producer()?.send(b"poison")?;
/// let mut consumer = ring.consumer()?;
/// consumer.recv()?.hand_back();
/// assert!(consumer.try_recv().is_err(), "delivered once, and not again");
///
/// let aside = &ring.set_aside()?[0];
/// assert_eq!((aside.position, aside.deliveries, &*aside.lengths), (0, 1, &[6][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// Where in the ring's life they were: no two slots have the same.
    pub position: u64,
    /// In whose record they are kept.
    pub participant: u32,
    /// How often they were delivered.
    pub deliveries: u32,
    /// The length of each in bytes.
    pub lengths: Vec<usize>,
}

/// All that are set aside, oldest first.
pub(super) fn list(shared: &Shared) -> Result<Vec<SetAside>, Corrupt> {
    let mut all = Vec::new();
    for (participant, place) in places(shared) {
        let Some((held, position)) = look(shared, participant, place)? else { continue };
        let lengths = watch::each(shared, shared.slot_held(held)?, held.released, |span, _| span.len());
        // Taken meanwhile, they may be anything by now.
        if look(shared, participant, place)? == Some((held, position)) {
            all.push(SetAside { position, participant, deliveries: held.deliveries, lengths: lengths? });
        }
    }
    all.sort_by_key(|messages| messages.position);
    Ok(all)
}

/// Copies the messages out that were at `position`, shows them to `keep` and, unless that
/// fails, frees their slot.
///
/// Whoever does so has the lock on the first byte of the held word meanwhile, so of several
/// one takes them; killed before the slot is free, it has taken nothing, and the kernel lets
/// go of the lock.
pub(super) fn take<E: From<Error>>(
    region: &Region,
    shared: &Shared,
    position: u64,
    keep: impl FnOnce(&[Vec<u8>]) -> Result<(), E>,
) -> Result<Option<Vec<Vec<u8>>>, E> {
    for (participant, place) in places(shared) {
        let is_it = || Ok::<_, Error>(look(shared, participant, place)?.filter(|(_, at)| *at == position));
        if is_it()?.is_none() {
            continue;
        }
        let at = shared.exchange.record(participant) + RECORD_HELD + size_of::<u64>() * place as usize;
        let file = region.file().reopen()?;
        if !liveness::lock(&file, at)? {
            return Ok(None);
        }
        // Somebody may have taken them before; from here on nobody does.
        let Some((held, _)) = is_it()? else { return Ok(None) };
        let slot = shared.slot_held(held).map_err(Error::from)?;
        let copies = watch::copies(shared, slot, held.released).map_err(Error::from)?;
        let messages: Vec<_> = copies.into_iter().map(|message| message.bytes).collect();
        keep(&messages)?;
        let spare = Held::spare(held.slot).word();
        let word = shared.held_word(participant, place).map_err(Error::from)?;
        // Release, so that a successor sees the messages read before it sees the slot spare.
        let freed = word.compare_exchange(held.word(), spare, Ordering::Release, Ordering::Relaxed);
        return Ok(freed.ok().map(|_| messages));
    }
    Ok(None)
}

/// What is at that place, if it was set aside, and at what position it was.
fn look(shared: &Shared, participant: u32, place: u32) -> Result<Option<(Held, u64)>, Corrupt> {
    let held = shared.held(participant, place)?;
    let position = shared.position_word(participant, place)?.load(Ordering::Acquire);
    Ok((held.state == Content::Aside).then_some((held, position)))
}

fn places(shared: &Shared) -> impl Iterator<Item = (u32, u32)> {
    shared.participants().flat_map(|participant| shared.places().map(move |place| (participant, place)))
}
