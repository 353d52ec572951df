//! What a kind of ring has to do, so that the same handles serve every kind: the two ends,
//! as a producer and a consumer use them.

use std::fmt::Debug;

#[cfg(not(loom))]
use crate::header::Kind;
use crate::{
    Error, Options, Published, Seat,
    error::{RecvError, SendError},
    geometry::Geometry,
    memory::{Area, Span},
    payload::Payload,
    region::Region,
};

/// A kind of ring: [`Spsc`](crate::spsc::Spsc) or [`Mpmc`](crate::mpmc::Mpmc), for what is
/// written for either. Nothing outside of this crate can be one.
///
/// ```
/// use ironring::{Algorithm, Options, Producer, SendError, Wary, mpmc, spsc};
///
/// fn greet<A: Algorithm>(producer: &mut Producer<[u8], Wary, A>) -> Result<(), SendError> {
///     producer.send(b"hello")
/// }
///
/// greet(&mut spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?.producer()?)?;
/// greet(&mut mpmc::Ring::<[u8]>::anonymous(&Options::messages(8))?.producer()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Algorithm: Debug + 'static {
    /// What a ring's header names it.
    #[cfg(not(loom))]
    const KIND: Kind;
    /// The producer's end.
    type Tail<M: Payload + ?Sized>: Tail<M>;
    /// The consumer's end.
    type Head<M: Payload + ?Sized>: Head<M>;

    /// The geometry of a new ring of these options.
    fn geometry<M: Payload + ?Sized>(options: &Options) -> Result<Geometry, Error>;

    /// Attaches a producer, which goes on where the last one stopped, however it stopped.
    fn tail<M: Payload + ?Sized>(region: &Region) -> Result<Self::Tail<M>, Error>;

    /// Attaches a consumer, which goes on where the last one stopped, however it stopped.
    fn head<M: Payload + ?Sized>(region: &Region) -> Result<Self::Head<M>, Error>;
}

/// The producer's end of a ring.
pub trait Tail<M: Payload + ?Sized>: Debug + Send {
    /// Room for one message, not yet staged.
    type Room: Copy + Debug;

    /// Where the message's bytes go.
    fn span(room: &Self::Room) -> Span;

    /// Finds room for a message of `len` bytes behind what is staged.
    fn reserve(&mut self, len: usize) -> Result<Self::Room, SendError>;

    /// Writes a copy of `message` behind what is staged, and stages it.
    fn stage_bytes(&mut self, message: &[u8]) -> Result<(), SendError>;

    /// Writes copies of as many of `messages`, values one behind the other, as there is room
    /// for, and stages them; returns how many.
    fn stage_values(&mut self, messages: &[u8]) -> Result<usize, SendError>;

    /// Stages the first `len` bytes of `room`, which its caller has written.
    fn stage_room(&mut self, room: Self::Room, len: usize);

    /// Stages a copy of `message` and publishes all that is staged. Where it fails, what was
    /// staged before stays staged, and the message is not sent.
    fn send_bytes(&mut self, message: &[u8]) -> Result<(), SendError>;

    /// Publishes everything staged, at once. Where it fails, it stays staged.
    fn publish(&mut self) -> Result<(), SendError>;

    /// The ring was found full: passes some time in which messages are likely to be taken.
    fn let_some_go(&mut self) {}

    /// How much is staged, for [`unstage`](Self::unstage).
    fn staged(&self) -> u64;

    /// Takes back what was staged since [`staged`](Self::staged) said `to`.
    fn unstage(&mut self, to: u64);

    /// Takes back everything staged and not published.
    fn discard_staged(&mut self);

    /// Sets the tag of what is staged from now on.
    fn set_tag(&mut self, tag: u32);

    fn last_published(&self) -> Option<Published>;

    fn len(&self) -> u64;

    fn is_full(&self) -> bool;

    fn capacity(&self) -> u64;

    fn max_message(&self) -> usize;

    fn area(&self) -> &Area;

    fn seat(&self) -> &Seat;
}

/// The consumer's end of a ring.
pub trait Head<M: Payload + ?Sized>: Debug + Send {
    /// Finds the next message: the same one, until it is received.
    fn find(&mut self) -> Result<Found, RecvError>;

    /// Counts `found`, which was found last, as received, before its contents reach anybody.
    fn receive(&mut self, found: &Found);

    /// Receives and releases `found`, whose contents have been copied and not yet been seen
    /// by anybody.
    fn receive_and_release(&mut self, found: &Found);

    /// Receives the next message by copying it to `into`, and releases it; returns its length
    /// in bytes.
    #[inline(always)]
    fn receive_into(&mut self, into: &mut [u8]) -> Result<usize, RecvError> {
        let found = self.find()?;
        copy(self, &found, into)
    }

    /// Copies as many values to `into` as there are and fit, and releases them; returns how
    /// many.
    fn receive_values(&mut self, into: &mut [u8]) -> Result<usize, RecvError>;

    /// Releases everything received.
    fn release(&mut self);

    /// Releases what was received before `from`, and of what was received from there on the
    /// first `kept` messages; hands back the others, at least one: they come again, marked.
    fn hand_back(&mut self, from: &Found, kept: usize);

    /// The next [`find`](Self::find) looks for what the dead have left, if it can be asked who
    /// is dead.
    fn look_for_the_dead(&mut self);

    /// The ring was found empty: passes some time, if more than one message is likely to have
    /// come then.
    fn let_some_come(&mut self);

    fn len(&self) -> u64;

    fn is_empty(&self) -> bool;

    fn capacity(&self) -> u64;

    fn max_message(&self) -> usize;

    fn area(&self) -> &Area;

    fn seat(&self) -> &Seat;
}

/// Copies `found`, which was found last, to `into`, and releases it; returns its length in bytes.
#[inline(always)]
pub(crate) fn copy<M: Payload + ?Sized, H: Head<M> + ?Sized>(
    head: &mut H,
    found: &Found,
    into: &mut [u8],
) -> Result<usize, RecvError> {
    let len = found.span.len();
    if len > into.len() {
        return Err(RecvError::BufferTooShort { len, room: into.len() });
    }
    head.area().read(found.span, into);
    head.receive_and_release(found);
    Ok(len)
}

/// A message that was found, where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub(crate) position: u64,
    /// By what its end goes on behind it.
    pub(crate) end: u64,
    pub(crate) span: Span,
    pub(crate) tag: u32,
    /// How often it was delivered, this time included; an SPSC ring says 2 for more.
    pub(crate) deliveries: u32,
    /// The sender's number among the participants; an SPSC ring has none.
    pub(crate) sender: Option<u32>,
}
