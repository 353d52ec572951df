//! Looking at a ring without taking part in it.

mod exchange;
#[cfg(test)]
mod tests;
mod walk;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use self::{
    exchange::Slots,
    walk::{Messages, Step, Walk},
};
use crate::{
    Delivery, Error, Kind, Name, Placement, Presence, Role,
    error::Corrupt,
    header::Identity,
    layout::{AT_CONSUMER, AT_HEAD, AT_RECORD_MARK, AT_RETIRED, AT_TAIL},
    liveness,
    memory::{Area, Mapping, Word},
    mpmc::{SetAside, Status, Watch},
    region::{Region, RegionFile},
    waiting::Session,
};

/// A look at a ring from outside, whatever its messages are: maps it read-only, takes no
/// role, and changes nothing, not even one that is half removed.
///
/// ```
/// use ironring::{Observer, Options, Role, State, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders");
/// let ring = spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096))?;
/// ring.producer()?.send(b"first")?;
///
/// let observer = Observer::open(&path)?;
/// assert_eq!(observer.presence(Role::Producer)?.state, State::Detached);
/// assert_eq!(observer.usage()?.messages, 1);
/// let peeked = observer.peek().next().expect("a message")?;
/// assert_eq!(peeked.bytes, b"first");
/// assert_eq!(ring.consumer()?.recv()?.to_vec(), b"first");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Observer {
    file: RegionFile,
    mapping: Arc<Mapping>,
    identity: Identity,
    area: Area,
    head: Word,
    tail: Word,
    received: Word,
    /// Where it is an MPMC ring.
    exchange: Option<Watch>,
}

/// The cursors of a ring: bytes since it was made in an SPSC ring of bytes, else messages.
/// Read one after the other, so those of a ring in use need not fit each other. In an MPMC
/// ring, where a position is a slot's and may have several messages, they are hints, which
/// may lag.
///
/// ```
/// use ironring::{Cursors, Observer, Options, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("ticks");
/// let ring = spsc::Ring::<u64>::create(&path, &Options::messages(8))?;
/// let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
/// assert_eq!(producer.send_batch(&[1, 2, 3]), (3, Ok(())));
/// consumer.recv()?.release();
/// assert_eq!(Observer::open(&path)?.cursors(), Cursors { head: 1, tail: 3, received: 1 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursors {
    /// The consumer has released everything before it.
    pub head: u64,
    /// The producer has published everything before it, and, where it was killed in the
    /// middle of a publish, perhaps a little more.
    pub tail: u64,
    /// The consumer has received everything before it; it lies at `head` or beyond. In an
    /// MPMC ring it is `head`.
    pub received: u64,
}

/// What a ring holds: published, and not released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many messages.
    pub messages: u64,
    /// Bytes of the data area that they take, headers and padding included; in an MPMC ring,
    /// those of their slots.
    pub bytes: u64,
}

impl Observer {
    /// Looks at the ring called `name`: a bare name, or a path.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::Invalid`] if it is no usable ring; [`Error::Io`], also
    /// if the file may not be read.
    pub fn open(name: impl Into<Name>) -> Result<Self, Error> {
        let (file, mapping, identity) = Region::open_read_only(&name.into())?;
        Ok(Self {
            area: mapping
                .area(identity.geometry.data_offset() as usize, identity.geometry.data_len() as usize),
            head: mapping.word(AT_HEAD),
            tail: mapping.word(AT_TAIL),
            received: mapping.word(AT_CONSUMER + AT_RECORD_MARK),
            exchange: identity.geometry.exchange.map(|_| Watch::new(&mapping, &identity.geometry)),
            file,
            mapping,
            identity,
        })
    }

    /// Where the ring was found.
    pub fn path(&self) -> PathBuf {
        self.file.path().map(Path::to_owned).unwrap_or_default()
    }

    /// Which algorithm it runs.
    ///
    /// ```
    /// use ironring::{Delivery, Kind, Observer, Options, mpmc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("jobs");
    /// let options = Options::messages(8).max_message(100).holding(2).max_deliveries(5);
    /// mpmc::Ring::<[u8]>::create(&path, &options)?;
    ///
    /// let observer = Observer::open(&path)?;
    /// assert_eq!((observer.kind(), observer.capacity()), (Kind::Mpmc, 8));
    /// assert_eq!((observer.max_message(), observer.message_layout()), (100, None));
    /// assert_eq!((observer.delivery(), observer.type_tag()), (Delivery::AtLeastOnce, 0));
    /// assert_eq!((observer.holding(), observer.max_deliveries()), (Some(2), Some(5)));
    /// assert!(observer.data_len() > 8 * 100 && observer.created() > 0 && !observer.is_retired());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kind(&self) -> Kind {
        self.identity.kind
    }

    /// The size of the data area: bytes in an SPSC ring of bytes, else messages.
    pub fn capacity(&self) -> u64 {
        self.identity.geometry.capacity
    }

    /// The size of the data area in bytes.
    pub fn data_len(&self) -> u64 {
        self.identity.geometry.data_len()
    }

    /// The longest message in bytes.
    pub fn max_message(&self) -> usize {
        self.identity.geometry.max_message as usize
    }

    /// The size in bytes and the alignment of the messages; `None` where they are bytes.
    pub fn message_layout(&self) -> Option<(usize, usize)> {
        let geometry = &self.identity.geometry;
        self.is_typed().then_some((geometry.message_size as usize, geometry.message_align as usize))
    }

    /// The number that all who open the ring must give.
    pub fn type_tag(&self) -> u64 {
        self.identity.geometry.type_tag
    }

    /// What happens to messages that a consumer held when it died.
    pub fn delivery(&self) -> Delivery {
        self.identity.geometry.delivery
    }

    /// Whether messages have [checksums](crate::Options::checksums).
    pub fn has_checksums(&self) -> bool {
        self.identity.geometry.checksums
    }

    /// When it was made, in nanoseconds since 1970.
    pub fn created(&self) -> u64 {
        self.identity.created
    }

    /// The boot of the machine in which it was made; zeros where that was not known.
    pub fn boot_id(&self) -> [u8; 16] {
        self.identity.boot_id
    }

    /// Whether the ring was removed: no new participant finds it by its name.
    pub fn is_retired(&self) -> bool {
        self.mapping.word(AT_RETIRED).load(Ordering::Acquire) != 0
    }

    /// Whether the ring is closed now.
    ///
    /// ```
    /// use ironring::{Observer, Options, spsc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("orders");
    /// let ring = spsc::Ring::<u64>::create(&path, &Options::messages(8))?;
    /// let observer = Observer::open(&path)?;
    /// ring.close();
    /// assert!(observer.is_closed());
    /// ring.reopen();
    /// assert!(!observer.is_closed());
    /// assert_eq!(observer.session(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_closed(&self) -> bool {
        Session::is_closed_in(&self.mapping)
    }

    /// Its session, which a close ends: how often it was opened again after a close. Wraps.
    pub fn session(&self) -> u32 {
        Session::number_in(&self.mapping)
    }

    /// What is known of the last participant in `role` of an SPSC ring; those of an MPMC ring
    /// are [`participants`](Self::participants).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the region's file cannot be asked.
    ///
    /// ```
    /// use ironring::{Observer, Options, Role, State, spsc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("orders");
    /// let ring = spsc::Ring::<u64>::create(&path, &Options::messages(8))?;
    /// let _producer = ring.producer()?;
    /// let observer = Observer::open(&path)?;
    /// let presence = observer.presence(Role::Producer)?;
    /// assert_eq!(presence.state, State::Attached);
    /// assert_eq!(presence.holder.pid, std::process::id());
    /// assert_eq!(observer.presence(Role::Consumer)?.state, State::Never);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn presence(&self, role: Role) -> Result<Presence, Error> {
        liveness::presence(self.file.checked()?, &self.mapping, role.record())
    }

    /// Who takes part in an MPMC ring, or did: one for each place that it has for
    /// participants. None in an SPSC ring: see [`presence`](Self::presence).
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`]; [`Error::Io`] if the region's file cannot be asked.
    ///
    /// ```
    /// use ironring::{Observer, Options, Role, State, mpmc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("jobs");
    /// let ring = mpmc::Ring::<u64>::create(&path, &Options::messages(8).participants(4))?;
    /// let producer = ring.producer()?;
    ///
    /// let places = Observer::open(&path)?.participants()?;
    /// assert_eq!(places.len(), 4);
    /// let place = &places[producer.participant() as usize];
    /// assert_eq!(place.presence.role, Some(Role::Producer));
    /// assert_eq!(place.presence.state, State::Attached);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn participants(&self) -> Result<Vec<Status>, Error> {
        self.exchange.as_ref().map_or(Ok(Vec::new()), |watch| watch.statuses(self.file.checked()?))
    }

    /// The messages of an MPMC ring that are [set aside](crate::mpmc::Ring::set_aside).
    ///
    /// # Errors
    ///
    /// [`Corrupt`].
    pub fn set_aside(&self) -> Result<Vec<SetAside>, Corrupt> {
        self.exchange.as_ref().map_or(Ok(Vec::new()), Watch::set_aside)
    }

    /// How it lies in memory: of huge pages, populated, locked, on one NUMA node.
    ///
    /// ```
    /// use ironring::{Observer, Options, Pages, spsc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("orders");
    /// spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096).populate(true))?;
    /// let placement = Observer::open(&path)?.placement();
    /// assert_eq!((placement.pages, placement.populate), (Pages::Ordinary, true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn placement(&self) -> Placement {
        self.identity.placement
    }

    /// How many messages one consumer of an MPMC ring may hold at once; `None` in an SPSC
    /// ring.
    pub fn holding(&self) -> Option<u32> {
        self.identity.geometry.exchange.map(|exchange| exchange.held - 1)
    }

    /// How often a message of an MPMC ring is delivered before it is set aside; `None` if as
    /// often as it takes, and in an SPSC ring.
    pub fn max_deliveries(&self) -> Option<u32> {
        self.identity.geometry.exchange.map(|exchange| exchange.max_deliveries).filter(|most| *most != 0)
    }

    /// The cursors as they are now.
    pub fn cursors(&self) -> Cursors {
        let head = self.head.load(Ordering::Acquire);
        let tail = self.tail.load(Ordering::Acquire);
        let received = match self.exchange {
            Some(_) => head,
            None => self.received.load(Ordering::Acquire),
        };
        Cursors { head, tail, received }
    }

    /// What the ring holds. Found by going through it, so that it is right also where
    /// `tail` lags behind a producer that was killed.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] if what lies there is no sequence of messages.
    ///
    /// ```
    /// use ironring::{Observer, Options, Usage, spsc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("orders");
    /// let ring = spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096))?;
    /// ring.producer()?.send(b"ten bytes.")?;
    /// assert_eq!(Observer::open(&path)?.usage()?, Usage { messages: 1, bytes: 32 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn usage(&self) -> Result<Usage, Corrupt> {
        if let Some(watch) = &self.exchange {
            return self.slots(watch).count(self.identity.geometry.stride);
        }
        let mut walk = Walk::new(self)?;
        let mut start = walk.position();
        let mut messages = 0;
        loop {
            match walk.step()? {
                Step::Message(_) => messages += 1,
                Step::Released => (start, messages) = (walk.position(), 0),
                Step::End => break,
            }
        }
        let positions = walk.position().wrapping_sub(start);
        Ok(Usage { messages, bytes: positions.wrapping_mul(self.identity.geometry.stride) })
    }

    /// Copies of the messages in the ring, oldest first. One that is released while it
    /// is copied is left out, with those before it that were not yet given; in an MPMC ring,
    /// those that a consumer has taken are not in the ring.
    ///
    /// ```
    /// use ironring::{Observer, Options, mpmc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("jobs");
    /// let ring = mpmc::Ring::<[u8]>::create(&path, &Options::messages(8))?;
    /// let mut producer = ring.producer()?;
    /// producer.set_tag(7).send(b"first")?;
    /// producer.send(b"second")?;
    ///
    /// let peeked = Observer::open(&path)?.peek().collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!((peeked[0].position, peeked[0].tag, &*peeked[0].bytes), (0, 7, &b"first"[..]));
    /// assert_eq!(peeked[1].bytes, b"second");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek(&self) -> Peek<'_> {
        Peek(Some(match &self.exchange {
            None => Messages::new(self).map(Of::Stream),
            Some(watch) => Ok(Of::Exchange(self.slots(watch))),
        }))
    }

    fn slots<'a>(&self, watch: &'a Watch) -> Slots<'a> {
        Slots::new(watch, self.cursors().head, self.capacity())
    }

    const fn is_typed(&self) -> bool {
        self.identity.geometry.message_size != 0
    }
}

/// Copies of the messages in a ring: see [`Observer::peek`]. Ends after an error.
#[derive(Debug)]
pub struct Peek<'a>(Option<Result<Of<'a>, Corrupt>>);

/// Of which kind of ring.
#[derive(Debug)]
enum Of<'a> {
    Stream(Messages<'a>),
    Exchange(Slots<'a>),
}

/// A copy of a message that stays in the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peeked {
    /// Where in the ring's life it lies: bytes since the ring was made in an SPSC ring of
    /// bytes, else messages. All messages of a slot in an MPMC ring have the same.
    pub position: u64,
    /// The tag that the sender gave it; 0 in a typed ring, whose messages have none.
    pub tag: u32,
    /// Whether a consumer has received it, and not released it.
    pub is_received: bool,
    /// What it says.
    pub bytes: Vec<u8>,
}

impl Iterator for Peek<'_> {
    type Item = Result<Peeked, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.0.as_mut()? {
            Err(corrupt) => Err(*corrupt),
            Ok(Of::Stream(messages)) => messages.next(),
            Ok(Of::Exchange(slots)) => slots.next(),
        };
        let next = next.transpose();
        if !matches!(next, Some(Ok(_))) {
            self.0 = None;
        }
        next
    }
}
