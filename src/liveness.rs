//! Who holds a role, and whether it lives: the kernel says so.
//!
//! A participant holds an open-file-description lock on the first byte of its record,
//! in the region's own file. The kernel drops the lock when the process ends, however
//! it ends, and never before: a stopped process keeps it.
//!
//! Such a lock belongs to an open file description, not to a process, and a mapping
//! keeps the description alive that it was made from. So every participant opens the
//! file anew, maps it, keeps the mapping from forked children, locks, and closes the
//! descriptor: from then on the lock lives exactly as long as the mapping, no child
//! has it, and no descriptor is left that something else could close or pass on.

use std::{
    fmt,
    fs::File,
    io,
    os::fd::AsRawFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    error::{Error, NotHere},
    layout::{AT_CAME, ATTACHED, HEADER_LEN, LEFT, RECOVERED},
    memory::Mapping,
    record::{self, Holder, Record, Role},
    region::{Image, Region},
    waiting::{Signals, WhenAlone, wake},
};

/// What is known of the last participant that held a role, or a place in an MPMC ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// What it was; `None` if there never was one.
    pub role: Option<Role>,
    /// How many participants have held this role so far.
    pub attachments: u64,
    /// What became of the last one.
    pub state: State,
    /// What it said of itself: nothing yet, if it is just attaching, or if another program has locked
    /// the place.
    pub holder: Holder,
}

/// What became of the last participant that held a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has held this role yet.
    Never,
    /// It holds the role, and lives.
    Attached,
    /// It let go of the role by itself.
    Detached,
    /// It died while it held the role.
    Died,
    /// It died, and another participant has set right what it left (MPMC only).
    Recovered,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "never attached",
            Self::Attached => "attached",
            Self::Detached => "detached",
            Self::Died => "died",
            Self::Recovered => "died, recovered",
        })
    }
}

/// The lock on a record, kept by a mapping: as long as that lives, and the process.
#[derive(Debug)]
pub(crate) struct RecordLock {
    /// The process that took it. Kept here beside the mapping's own copy, since every
    /// operation asks.
    image: Image,
    mapping: Arc<Mapping>,
    record: usize,
}

impl RecordLock {
    /// Locks the record at `record`, unless its holder lives; maps only as much as keeps
    /// the lock.
    pub(crate) fn try_take(region: &Region, record: usize) -> Result<Option<Self>, Error> {
        Self::take_first(region, [record], HEADER_LEN)
    }

    /// Locks the first of `records` that is not locked, and maps `len` bytes.
    fn take_first(
        region: &Region,
        records: impl IntoIterator<Item = usize>,
        len: usize,
    ) -> Result<Option<Self>, Error> {
        let image = Image::of_this_process()?;
        let file = region.file().reopen()?;
        for record in records {
            if !lock(&file, record)? {
                continue;
            }
            let mapping = region.file().map_own(&file, len, image)?;
            drop(file);
            // Some overlay file systems put another file under a mapping than was opened,
            // and the lock would be gone with the descriptor.
            if !is_locked(region.file().as_file(), record)? {
                return Err(Error::Unsupported {
                    found: "a file system on which a mapping does not keep a file's lock".into(),
                    needed: "one that does, such as tmpfs or ext4",
                });
            }
            let image = mapping.image().unwrap_or(image);
            return Ok(Some(Self { image, mapping, record }));
        }
        Ok(None)
    }
}

/// A place among a ring's participants, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Seat {
    lock: RecordLock,
    record: Record,
    region: Region,
    role: Role,
    /// Whether its record says so. One that is not announced leaves the record as it is.
    is_announced: AtomicBool,
    signals: Signals,
    /// What [`left`](Self::left) was before it was taken.
    left_before: u32,
    farewell: Farewell,
}

/// The last that is dropped of a seat, when its lock is gone: tells other consumers that there may
/// be messages which nobody holds any more.
#[derive(Debug)]
struct Farewell {
    region: Region,
    is_due: bool,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if self.is_due {
            let mapping = self.region.mapping();
            // Release: pairs with the Acquire in `left`: who sees the count finds the lock gone.
            mapping.half_word(AT_CAME).fetch_add(LEFT, Ordering::Release);
            wake(Role::Consumer, mapping, || self.region.touch());
        }
    }
}

impl Seat {
    /// Takes `role` in an SPSC ring, if its last holder is gone.
    pub(crate) fn take(region: &Region, role: Role) -> Result<Self, Error> {
        let seat = Self::take_first(region, [role.record()], role)?.ok_or_else(|| Error::Busy {
            role,
            holder: Record::at(role.record(), region.mapping()).holder(),
        })?;
        seat.announce();
        Ok(seat)
    }

    /// Takes the first of `records` whose last holder is gone, and does not say so yet:
    /// what that left is still to be set right.
    pub(crate) fn take_first(
        region: &Region,
        records: impl IntoIterator<Item = usize>,
        role: Role,
    ) -> Result<Option<Self>, Error> {
        let Some(lock) = RecordLock::take_first(region, records, region.len())? else { return Ok(None) };
        lock.mapping.place(&region.identity().placement)?;
        let record = Record::at(lock.record, &lock.mapping);
        let exchanges = region.identity().geometry.exchange.is_some();
        let signals = Signals::of(role, &lock.mapping, region, exchanges);
        Ok(Some(Self {
            lock,
            record,
            region: region.clone(),
            role,
            is_announced: AtomicBool::new(false),
            signals,
            left_before: left(region.mapping()),
            farewell: Farewell { region: region.clone(), is_due: false },
        }))
    }

    /// Says in the record who holds the role.
    pub(crate) fn announce(&self) {
        self.record.announce(self.role);
        // Relaxed: for its drop, by whoever owns it then.
        self.is_announced.store(true, Ordering::Relaxed);
        // Release: pairs with the Acquire in `is_alone`: who sees that somebody came sees the
        // record, too.
        self.mapping().half_word(AT_CAME).fetch_or(self.role.bit(), Ordering::Release);
    }

    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.lock.mapping
    }

    pub(crate) const fn region(&self) -> &Region {
        &self.region
    }

    /// Where its record lies.
    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    pub(crate) const fn record(&self) -> usize {
        self.lock.record
    }

    /// Whether this process took the seat: false in a forked child, which must not
    /// touch the mapping.
    #[inline(always)]
    pub(crate) fn is_here(&self) -> bool {
        self.lock.image.is_current()
    }

    /// Why it may not touch the mapping.
    #[cold]
    pub(crate) fn not_here(&self) -> NotHere {
        self.lock.image.why_not()
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.region.is_retired()
    }

    #[inline(always)]
    pub(crate) const fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Whether the session is over in which it was taken.
    #[inline(always)]
    pub(crate) fn is_over(&self) -> bool {
        self.signals.is_over()
    }

    /// Counts the consumers that have left an MPMC ring: when it has changed, there may be messages
    /// of theirs to take up.
    pub(crate) fn left(&self) -> u32 {
        left(self.mapping())
    }

    /// What [`left`](Self::left) was before this seat was taken.
    pub(crate) const fn left_before(&self) -> u32 {
        self.left_before
    }

    /// What its holder does, if nothing else is chosen, when everybody on the other side is gone.
    pub(crate) fn when_alone(&self) -> WhenAlone {
        if self.region.path().is_some() { WhenAlone::Wait } else { WhenAlone::Disconnect }
    }

    /// Whether somebody was on the other side once, and nobody is now: by what they say of
    /// themselves, or, if the kernel is asked, by whether they live.
    pub(crate) fn is_alone(&self, asks_kernel: bool) -> bool {
        let peer = self.role.peer();
        // Acquire: pairs with the Release in `announce`.
        if self.mapping().half_word(AT_CAME).load(Ordering::Acquire) & peer.bit() == 0 {
            return false;
        }
        let is_there = |at| {
            record::is_held(self.mapping(), at, peer)
                // Who cannot be asked after is not said to be gone.
                && (!asks_kernel || self.region.is_locked(at).unwrap_or(true))
        };
        !self.region.identity().geometry.records().any(is_there)
    }

    /// What is known of the participant on the other side.
    pub(crate) fn peer(&self) -> Result<Presence, Error> {
        self.region.presence(self.role.peer().record())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_here() && self.is_announced.load(Ordering::Relaxed) {
            self.record.set_detached();
            self.signals.came_or_went();
            self.farewell.is_due =
                self.role == Role::Consumer && self.region.identity().geometry.exchange.is_some();
        }
    }
}

fn left(mapping: &Mapping) -> u32 {
    // Acquire: pairs with the Release in `Farewell`.
    mapping.half_word(AT_CAME).load(Ordering::Acquire) / LEFT
}

/// What is known of the last holder of the record at `at`; changes nothing.
pub(crate) fn presence(file: &File, mapping: &Arc<Mapping>, at: usize) -> Result<Presence, Error> {
    presence_by(&Record::at(at, mapping), |_| is_locked(file, at))
}

/// The same, where others lock records that are not theirs: the kernel is asked only after one that
/// says that it is there.
pub(crate) fn own_presence(file: &File, mapping: &Arc<Mapping>, at: usize) -> Result<Presence, Error> {
    presence_by(&Record::at(at, mapping), |state| Ok(state == ATTACHED && is_locked(file, at)?))
}

fn presence_by(record: &Record, is_locked: impl Fn(u64) -> Result<bool, Error>) -> Result<Presence, Error> {
    let mut before = record.said();
    // The lock belongs to the participant that the record tells of only if the record
    // reads the same before and after; one that lets go of the role says so first.
    for _ in 0..RECORD_LOOKS {
        let locked = is_locked(before.0)?;
        let after = record.said();
        if after == before || locked {
            let state = match after {
                _ if locked => State::Attached,
                (ATTACHED, _) => State::Died,
                (RECOVERED, _) => State::Recovered,
                (_, 0) => State::Never,
                _ => State::Detached,
            };
            // Who has the lock and has not said so is somebody else than the last who did.
            let is_unsaid = locked && after.0 != ATTACHED;
            return Ok(Presence {
                role: record.role(),
                attachments: after.1,
                state,
                holder: if is_unsaid { Holder { pid: 0, since: 0 } } else { record.last_holder() },
            });
        }
        before = after;
    }
    // Participants come and go faster than this looks.
    Ok(Presence {
        role: record.role(),
        attachments: before.1,
        state: State::Attached,
        holder: record.last_holder(),
    })
}

/// How often [`presence`] looks at a record that changes meanwhile.
const RECORD_LOOKS: u32 = 16;

/// Takes the lock on byte `at` of `file`'s description, unless another one has it.
pub(crate) fn lock(file: &File, at: usize) -> Result<bool, Error> {
    let mut range = byte(at, libc::F_WRLCK);
    match ofd(file, libc::F_OFD_SETLK, &mut range) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(e) => Err(Error::io(format!("locking byte {at} of the region's file"), e)),
    }
}

/// Lets go of the lock on byte `at`.
pub(crate) fn unlock(file: &File, at: usize) -> Result<(), Error> {
    ofd(file, libc::F_OFD_SETLK, &mut byte(at, libc::F_UNLCK))
        .map_err(|e| Error::io(format!("unlocking byte {at} of the region's file"), e))
}

/// Whether another description than `file`'s has a lock on byte `at`.
pub(crate) fn is_locked(file: &File, at: usize) -> Result<bool, Error> {
    let mut range = byte(at, libc::F_WRLCK);
    ofd(file, libc::F_OFD_GETLK, &mut range)
        .map_err(|e| Error::io(format!("asking for the lock on byte {at} of the region's file"), e))?;
    Ok(i32::from(range.l_type) != libc::F_UNLCK)
}

fn byte(at: usize, kind: libc::c_int) -> libc::flock {
    // SAFETY: `flock` is plain integers, for which zero is a value.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = at as libc::off_t;
    range.l_len = 1;
    range
}

fn ofd(file: &File, command: libc::c_int, range: &mut libc::flock) -> io::Result<()> {
    // SAFETY: the descriptor is open, and `range` is a valid `flock` that the call may
    // read and write.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, std::ptr::from_mut(range)) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
