//! A ring as a whole: made, opened, attached to.

use std::{
    marker::PhantomData,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    ptr::NonNull,
};

use crate::{
    Consumer, Delivery, Error, Name, Options, Placement, Producer, Wary,
    algorithm::Algorithm,
    geometry::Geometry,
    payload::Payload,
    region::{Lent, Region},
};

/// A ring in memory that processes share: [`spsc::Ring`](crate::spsc::Ring), for one producer
/// and one consumer at a time, or [`mpmc::Ring`](crate::mpmc::Ring), for any number.
///
/// `M` is `[u8]` for byte messages of any length, or a type of plain old data.
///
/// ```
/// use ironring::{Options, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let name = dir.path().join("greetings");
/// let ring = spsc::Ring::<[u8]>::create(&name, &Options::bytes(64 << 10))?;
/// ring.producer()?.send(b"hello")?;
///
/// // In another process:
/// let ring = spsc::Ring::<[u8]>::open(&name)?;
/// assert_eq!(ring.consumer()?.recv()?.to_vec(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Ring<M: Payload + ?Sized, A: Algorithm> {
    pub(crate) region: Region,
    _payload: PhantomData<fn(&M) -> A>,
}

impl<M: Payload + ?Sized, A: Algorithm> Clone for Ring<M, A> {
    fn clone(&self) -> Self {
        Self::of(self.region.clone())
    }
}

impl<M: Payload + ?Sized, A: Algorithm> Ring<M, A> {
    /// Makes a ring called `name`, which must be free. A bare name lies in the
    /// [`default_directory`](crate::default_directory); a name with a slash is a path. Where others
    /// can rename and remove, that must be asked for: see [`Name`].
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`]; [`Error::Options`]; [`Error::UnsafeDirectory`];
    /// [`Error::Io`], also if the space cannot be allocated.
    pub fn create(name: impl Into<Name>, options: &Options) -> Result<Self, Error> {
        let geometry = A::geometry::<M>(options)?;
        Region::create(&name.into(), geometry, options).map(Self::of)
    }

    /// Opens the ring called `name`, of any capacity; its messages must be `M`, with type
    /// tag 0. A ring of another user's must be asked for: see [`Name`].
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::OtherOwner`]; [`Error::UnsafeDirectory`]; [`Error::Invalid`] if it
    /// is no usable ring; [`Error::Mismatch`] if its messages are not `M`; [`Error::Io`].
    pub fn open(name: impl Into<Name>) -> Result<Self, Error> {
        Self::checked(Region::open(&name.into())?, None)
    }

    /// Opens the ring called `name`, which must be as `options` say, and let nobody in whom their
    /// [mode](Options::mode) would not.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open); [`Error::Mismatch`] names both what was found and
    /// what was asked for.
    pub fn open_like(name: impl Into<Name>, options: &Options) -> Result<Self, Error> {
        let geometry = A::geometry::<M>(options)?;
        Self::alike(Region::open(&name.into())?, &geometry, options)
    }

    /// Opens the ring called `name`, or makes it, whichever is possible: of all who call
    /// this at once, one makes it.
    ///
    /// # Errors
    ///
    /// Those of [`open_like`](Self::open_like) and [`create`](Self::create), but for
    /// `NotFound` and `AlreadyExists`.
    pub fn open_or_create(name: impl Into<Name>, options: &Options) -> Result<Self, Error> {
        let geometry = A::geometry::<M>(options)?;
        let region = Region::open_or_create(&name.into(), geometry, options)?;
        Self::alike(region, &geometry, options)
    }

    /// Makes a ring without a name, in a memfd: for threads, for children that inherit it,
    /// or to be passed on by its [descriptor](Self::as_fd).
    ///
    /// # Errors
    ///
    /// [`Error::Options`]; [`Error::Io`].
    pub fn anonymous(options: &Options) -> Result<Self, Error> {
        Region::anonymous(A::geometry::<M>(options)?, options).map(Self::of)
    }

    /// Opens the ring behind a descriptor that was inherited or received. A memfd must be
    /// sealed against shrinking and growing, as those of [`anonymous`](Self::anonymous) are.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) but `NotFound`.
    ///
    /// ```
    /// use std::os::fd::AsFd;
    ///
    /// use ironring::{Options, spsc};
    ///
    /// let ring = spsc::Ring::<u64>::anonymous(&Options::messages(8))?;
    /// let passed_on = ring.as_fd().try_clone_to_owned()?;
    /// let same = spsc::Ring::<u64>::from_fd(passed_on)?;
    /// ring.producer()?.send(&1)?;
    /// assert_eq!(same.consumer()?.recv_value()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_fd(fd: OwnedFd) -> Result<Self, Error> {
        Self::checked(Region::from_fd(fd)?, None)
    }

    /// How many bytes of memory a ring of these options needs.
    ///
    /// # Errors
    ///
    /// [`Error::Options`].
    pub fn len_of(options: &Options) -> Result<usize, Error> {
        Ok(A::geometry::<M>(options)?.region_len() as usize)
    }

    /// Makes a ring in `memory`, which the caller has mapped: shared memory of a kind that the library
    /// does not know, such as a device's. Its locks, by which processes know who lives, are on bytes
    /// of an empty file, which is made at `lock_file` and must not be there.
    ///
    /// # Errors
    ///
    /// [`Error::Options`] where the memory is not of [`len_of`](Self::len_of) bytes or does not start
    /// at a multiple of 4096; [`Error::AlreadyExists`]; [`Error::Io`].
    ///
    /// # Safety
    ///
    /// - It is memory that can be read and written, and stays so at that address until the ring, its
    ///   clones and all handles that were made of them are dropped.
    /// - From now on it is read and written by rings of this library only, in any process. If other
    ///   processes map it, then as shared memory (`MAP_SHARED`), coherent as memory is.
    /// - A forked child that uses a clone of the ring to attach has the memory at the same address.
    /// - Who removes the lock file does so only when nobody uses the memory any more.
    ///
    /// ```
    /// use std::ptr::NonNull;
    ///
    /// use ironring::{Options, spsc::Ring};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let lock_file = dir.path().join("lock");
    /// let options = Options::bytes(4096);
    /// let mut map = memmap2::MmapMut::map_anon(Ring::<[u8]>::len_of(&options)?)?;
    /// let memory = NonNull::from(&mut map[..]);
    /// // SAFETY: the mapping is dropped last, and is used by rings only.
    /// let ring = unsafe { Ring::<[u8]>::create_in(memory, &lock_file, &options)? };
    /// // SAFETY: as above.
    /// let same = unsafe { Ring::<[u8]>::open_in(memory, &lock_file)? };
    /// ring.producer()?.send(b"hello")?;
    /// assert_eq!(same.consumer()?.recv()?.to_vec(), b"hello");
    /// drop((ring, same));
    /// # drop(map);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn create_in(
        memory: NonNull<[u8]>,
        lock_file: impl Into<Name>,
        options: &Options,
    ) -> Result<Self, Error> {
        let geometry = A::geometry::<M>(options)?;
        Region::create_in(lent(memory), &lock_file.into(), geometry, options).map(Self::of)
    }

    /// Opens the ring in `memory`, which [`create_in`](Self::create_in) made there, in this process or in
    /// another one that has mapped the same memory: with the very lock file of then, by any path.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`Error::Options`] as above.
    ///
    /// # Safety
    ///
    /// As for [`create_in`](Self::create_in).
    pub unsafe fn open_in(memory: NonNull<[u8]>, lock_file: impl Into<Name>) -> Result<Self, Error> {
        Self::checked(Region::open_in(lent(memory), &lock_file.into())?, None)
    }

    /// Writes all of the ring to its file on disk, and returns when it is there (`msync`). A ring in
    /// memory has none, and this does nothing.
    ///
    /// After a restart of the machine the ring is refused until [`salvage`](crate::salvage) has taken it over.
    /// What was sent and received before a flush and not touched since is then as it was; of what came
    /// later each page may be there or not.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    ///
    /// ```
    /// use ironring::{Options, spsc::Ring};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let ring = Ring::<[u8]>::create(dir.path().join("journal"), &Options::bytes(4096))?;
    /// ring.producer()?.send(b"to be kept")?;
    /// ring.flush()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self) -> Result<(), Error> {
        self.region.mapping().flush()
    }

    fn of(region: Region) -> Self {
        Self { region, _payload: PhantomData }
    }

    /// The ring of `region`, if it is of this geometry, and its mode lets in no more than that of `options`.
    fn alike(region: Region, geometry: &Geometry, options: &Options) -> Result<Self, Error> {
        let asked = options.permissions();
        let found = region.file().mode()?.unwrap_or(asked);
        if found & !asked & 0o666 != 0 {
            return Err(Error::Mismatch {
                field: "mode",
                found: format!("{found:o}"),
                expected: format!("{asked:o}, or one that lets fewer in (`Options::mode`)"),
            });
        }
        Self::checked(region, Some(geometry))
    }

    pub(crate) fn checked(region: Region, expected: Option<&Geometry>) -> Result<Self, Error> {
        let identity = region.identity();
        if identity.kind != A::KIND {
            return Err(Error::Mismatch {
                field: "kind",
                found: identity.kind.to_string(),
                expected: A::KIND.to_string(),
            });
        }
        let found = &identity.geometry;
        match expected {
            Some(expected) => found.mismatch(expected)?,
            None => found.same_type(&A::geometry::<M>(&Options::messages(1))?)?,
        }
        Ok(Self::of(region))
    }

    /// Attaches a producer.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] in an SPSC ring while another handle is the producer and lives;
    /// [`Error::NoPlace`] in an MPMC ring with as many live participants as it has places for;
    /// [`Error::Corrupt`]; [`Error::Unsupported`]; [`Error::Io`].
    pub fn producer(&self) -> Result<Producer<M, Wary, A>, Error> {
        A::tail(&self.region).map(Producer::of)
    }

    /// Attaches a consumer.
    ///
    /// # Errors
    ///
    /// Those of [`producer`](Self::producer).
    pub fn consumer(&self) -> Result<Consumer<M, Wary, A>, Error> {
        A::head(&self.region).map(Consumer::of)
    }

    /// Closes the ring for all who are attached: from now on sends end with
    /// [`SendError::Disconnected`](crate::SendError::Disconnected); receives give what was
    /// sent before, and then end with
    /// [`RecvError::Disconnected`](crate::RecvError::Disconnected). Who waits is woken.
    ///
    /// A send that is under way in another thread or process at this very moment may still
    /// succeed, and even be missed by a consumer that has just been told `Disconnected`: then
    /// its message lies in the ring, for the next receive.
    ///
    /// The ring stays closed, whoever opens or attaches, until it is [`reopen`](Self::reopen)ed.
    /// Handles stay attached, with what they hold. To close a ring that is closed does nothing.
    ///
    /// ```
    /// use ironring::{Options, RecvError, SendError, spsc};
    ///
    /// let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
    /// let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
    /// producer.send(b"last")?;
    /// ring.close();
    /// assert_eq!(producer.send(b"late"), Err(SendError::Disconnected));
    /// assert_eq!(consumer.recv()?.to_vec(), b"last");
    /// assert_eq!(consumer.recv().err(), Some(RecvError::Disconnected));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.region.close();
    }

    /// Opens a ring again that was closed, for handles that attach from now on; what is left
    /// in it is received by them. Those that were attached before stay
    /// [closed](crate::Producer::is_closed), so none of them takes part by mistake in what
    /// begins anew. Does nothing to a ring that is open.
    ///
    /// ```
    /// use ironring::{Options, mpmc};
    ///
    /// let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8))?;
    /// let mut before = ring.producer()?;
    /// before.send(&1)?;
    /// ring.close();
    /// ring.reopen();
    /// assert!(before.send(&2).is_err());
    /// ring.producer()?.send(&3)?;
    /// let mut consumer = ring.consumer()?;
    /// assert_eq!((consumer.recv_value()?, consumer.recv_value()?), (1, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reopen(&self) {
        self.region.reopen();
    }

    /// Whether the ring is closed.
    pub fn is_closed(&self) -> bool {
        self.region.is_closed()
    }

    /// Whether the ring was removed: no new participant finds it by its name.
    pub fn is_retired(&self) -> bool {
        self.region.is_retired()
    }

    /// Where the ring was found or made; `None` for one without a name.
    pub fn path(&self) -> Option<PathBuf> {
        self.region.path()
    }

    /// The size of the data area: bytes in an SPSC ring of bytes, else messages.
    pub fn capacity(&self) -> u64 {
        self.region.identity().geometry.capacity
    }

    /// The longest message in bytes.
    pub fn max_message(&self) -> usize {
        self.region.identity().geometry.max_message as usize
    }

    /// How it lies in memory.
    pub fn placement(&self) -> Placement {
        self.region.identity().placement
    }

    /// What happens to messages that a consumer held when it died.
    pub fn delivery(&self) -> Delivery {
        self.region.identity().geometry.delivery
    }
}

fn lent(memory: NonNull<[u8]>) -> Lent {
    Lent { base: memory.cast(), len: memory.len() }
}

/// The descriptor of the region (where its bytes are not in a file: of the file that is locked), to be inherited by a child or passed over a socket; it
/// is closed on `exec` unless its flag is cleared.
impl<M: Payload + ?Sized, A: Algorithm> AsFd for Ring<M, A> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.region.file().as_file().as_fd()
    }
}
