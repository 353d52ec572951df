//! A slot with messages that a consumer holds, and the guard that owns such a one.

use std::{marker::PhantomData, sync::Arc};

use super::{
    participant::Participant,
    patrol::Adopted,
    shared::Shared,
    slot::{Place, Slot},
    words::{Content, Held},
};
use crate::{
    Seat, View,
    algorithm::Found,
    error::Corrupt,
    memory::{Area, Word},
    payload::Payload,
    sync::Ordering,
    trust::{Trust, Wary},
};

/// A slot with messages, held in the record of this participant or of one that died.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Whose record.
    pub(super) record: u32,
    pub(super) place: u32,
    pub(super) slot: Slot,
    /// Where in the ring it was taken from.
    pub(super) position: u64,
    pub(super) deliveries: u32,
    /// How many of its messages the record says are released.
    pub(super) released: u32,
    /// How many of its messages were given out.
    pub(super) given: u32,
}

impl Block {
    /// The slots with messages in the record of participant `number`, in the order in which
    /// they were taken from the ring.
    pub(super) fn left_in(shared: &Shared, number: u32) -> Result<Vec<Self>, Corrupt> {
        let mut left = Vec::new();
        for place in shared.places() {
            let held = shared.held(number, place)?;
            if held.state == Content::Messages {
                left.push(Self {
                    record: number,
                    place,
                    slot: shared.slot_held(held)?,
                    position: shared.position_word(number, place)?.load(Ordering::Relaxed),
                    deliveries: held.deliveries,
                    released: held.released,
                    given: held.released,
                });
            }
        }
        left.sort_by_key(|block| block.position);
        Ok(left)
    }
}

/// The messages of one slot, owned: they may outlive the consumer that received them, go to
/// another thread, and be released in any order, by being dropped.
///
/// A consumer may hold as many at once as [`Options::holding`](crate::Options::holding) says.
/// Dropped by a panic they are not released: they come again, marked, when the place of the
/// consumer that received them is given up.
///
/// ```
/// use ironring::{Options, RecvError, mpmc};
///
/// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8).holding(2))?;
/// let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
/// for n in 1..=3 {
///     producer.send(&n)?;
/// }
/// let first = consumer.try_recv_owned()?;
/// let second = consumer.try_recv_owned()?;
/// assert_eq!(consumer.try_recv_owned().err(), Some(RecvError::HoldsAll));
/// drop(first);
/// assert_eq!(consumer.try_recv_owned()?.iter().map(|view| view.get()).collect::<Vec<_>>(), [3]);
/// assert_eq!(second.iter().next().map(|view| view.get()), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "messages that are dropped are released"]
pub struct OwnedMessages<M: Payload + ?Sized, P: Trust = Wary> {
    messages: Vec<Found>,
    slots: Area,
    held: Word,
    slot: u32,
    /// The record that the slot is held in, where that is not this participant's. Dropped before
    /// the seat, which then tells others to look for what this has left.
    adopted: Option<Arc<Adopted>>,
    /// Keeps the place among the participants, and its lock, as long as this lives.
    seat: Arc<Seat>,
    _payload: PhantomData<fn(&M)>,
    _peers: PhantomData<P>,
}

impl<M: Payload + ?Sized, P: Trust> OwnedMessages<M, P> {
    /// The messages of `block` from `next` on.
    pub(super) fn new(
        participant: &Participant,
        block: Block,
        mut next: Option<Place>,
        adopted: Option<&Arc<Adopted>>,
    ) -> Result<Self, Corrupt> {
        let shared = &participant.shared;
        let mut messages = Vec::new();
        while let Some(place) = next {
            let found = shared.found(block.slot, place, M::SIZE, block.position, block.deliveries)?;
            next = Place::decode(found.end);
            messages.push(found);
        }
        let adopted = adopted.filter(|_| block.record != participant.number).cloned();
        Ok(Self {
            messages,
            slots: shared.area().clone(),
            held: shared.held_word_kept(block.record, block.place),
            slot: block.slot.number(),
            seat: Arc::clone(participant.seat_kept()),
            adopted,
            _payload: PhantomData,
            _peers: PhantomData,
        })
    }

    /// How many messages these are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// The messages where they lie, in the order in which they were sent.
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8).batch(2))?;
    /// assert_eq!(ring.producer()?.send_batch(&[1, 2]), (2, Ok(())));
    /// let messages = ring.consumer()?.recv_owned()?;
    /// assert_eq!(messages.len(), 2);
    /// assert_eq!(messages.iter().map(|message| message.get()).sum::<u64>(), 3);
    /// messages.release();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = View<'_, M, P>> {
        self.messages.iter().map(|found| View::new(&self.slots, *found))
    }

    /// Releases the messages: the same as dropping them.
    pub fn release(self) {}
}

impl<M: Payload + ?Sized, P: Trust> Drop for OwnedMessages<M, P> {
    fn drop(&mut self) {
        if std::thread::panicking() || !self.seat.is_here() {
            return;
        }
        // Release, so that a successor sees the messages read before it sees them released.
        self.held.store(Held::spare(self.slot).word(), Ordering::Release);
        if let Some(adopted) = &self.adopted {
            adopted.finish_one();
        }
    }
}
