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

use std::{fmt, fs::File, io, os::fd::AsRawFd, sync::Arc, sync::atomic::Ordering};

use crate::{
    error::Error,
    header::now,
    layout::{
        AT_CONSUMER, AT_PRODUCER, AT_RECORD_ATTACHMENTS, AT_RECORD_PID, AT_RECORD_SINCE, AT_RECORD_STATE,
        ATTACHED, DETACHED,
    },
    memory::{Mapping, Word},
    region::{Image, Region},
};

/// The two sides of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends messages.
    Producer,
    /// Receives messages.
    Consumer,
}

impl Role {
    /// Where the record of this role in an SPSC ring lies, and the byte to lock.
    pub(crate) const fn record(self) -> usize {
        match self {
            Self::Producer => AT_PRODUCER,
            Self::Consumer => AT_CONSUMER,
        }
    }

    /// The role on the other side.
    pub(crate) const fn peer(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        })
    }
}

/// What is known of the participant that holds a role: its own word, for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id as it sees itself (another pid namespace may number it otherwise);
    /// 0 if it has not said yet.
    pub pid: u32,
    /// When it attached, in nanoseconds since 1970.
    pub since: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f
                .write_str("its holder has not said who it is (attaching, or a lock of another program)");
        }
        let age = now().saturating_sub(self.since) / 1_000_000_000;
        write!(f, "by process {}, attached {age} s ago; wait for it, or end it", self.pid)
    }
}

/// What is known of the last participant that held a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// How many participants have held this role so far.
    pub attachments: u64,
    /// What became of the last one.
    pub state: State,
    /// What it said of itself.
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
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "never attached",
            Self::Attached => "attached",
            Self::Detached => "detached",
            Self::Died => "died",
        })
    }
}

/// What a participant says of itself, on a line of its own.
#[derive(Debug)]
struct Record {
    state: Word,
    pid: Word,
    attachments: Word,
    since: Word,
}

impl Record {
    fn of(role: Role, mapping: &Arc<Mapping>) -> Self {
        let word = |at| mapping.word(role.record() + at);
        Self {
            state: word(AT_RECORD_STATE),
            pid: word(AT_RECORD_PID),
            attachments: word(AT_RECORD_ATTACHMENTS),
            since: word(AT_RECORD_SINCE),
        }
    }

    fn holder(&self) -> Holder {
        if self.state.load(Ordering::Acquire) != ATTACHED {
            return Holder { pid: 0, since: 0 };
        }
        self.last_holder()
    }

    fn last_holder(&self) -> Holder {
        let pid = self.pid.load(Ordering::Relaxed);
        Holder { pid: u32::try_from(pid).unwrap_or(0), since: self.since.load(Ordering::Relaxed) }
    }
}

/// A role, held until this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The process that took it. Kept here beside the mapping's own copy, since every
    /// operation asks.
    image: Image,
    mapping: Arc<Mapping>,
    record: Record,
    region: Region,
    role: Role,
}

impl Seat {
    /// Takes `role`, if its last holder is gone.
    pub(crate) fn take(region: &Region, role: Role) -> Result<Self, Error> {
        let image = Image::of_this_process()?;
        let file = region.file().reopen()?;
        let mapping = Mapping::not_inherited(&file, region.len(), image)?;
        let record = Record::of(role, &mapping);
        if !lock(&file, role.record())? {
            return Err(Error::Busy { role, holder: record.holder() });
        }
        drop(file);
        // Some overlay file systems put another file under a mapping than was opened,
        // and the lock would be gone with the descriptor.
        if !is_locked(region.file().as_file(), role.record())? {
            return Err(Error::Unsupported {
                found: "a file system on which a mapping does not keep a file's lock".into(),
                needed: "one that does, such as tmpfs or ext4",
            });
        }
        let seat = Self { image, mapping, record, region: region.clone(), role };
        seat.announce();
        Ok(seat)
    }

    /// Says in the record who holds the role. The count comes last: a holder that is
    /// killed before it has done nothing, and its predecessor's end stays what it was.
    fn announce(&self) {
        let attachments = self.record.attachments.load(Ordering::Relaxed).wrapping_add(1);
        self.record.pid.store(u64::from(std::process::id()), Ordering::Relaxed);
        self.record.since.store(now(), Ordering::Relaxed);
        // Release: pairs with the Acquire in `Record::holder`.
        self.record.state.store(ATTACHED, Ordering::Release);
        // Release: pairs with the Acquire of `attachments` in `presence`.
        self.record.attachments.store(attachments, Ordering::Release);
    }

    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Whether this process took the seat: false in a forked child, which must not
    /// touch the mapping.
    #[inline(always)]
    pub(crate) fn is_here(&self) -> bool {
        self.image.is_current()
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.region.is_retired()
    }

    /// What is known of the participant on the other side.
    pub(crate) fn peer(&self) -> Result<Presence, Error> {
        self.region.presence(self.role.peer())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_here() {
            self.record.state.store(DETACHED, Ordering::Release);
        }
    }
}

/// What is known of the last holder of `role`; changes nothing.
pub(crate) fn presence(file: &File, mapping: &Arc<Mapping>, role: Role) -> Result<Presence, Error> {
    let record = Record::of(role, mapping);
    let said = || {
        let attachments = record.attachments.load(Ordering::Acquire);
        (record.state.load(Ordering::Acquire), attachments)
    };
    let mut before = said();
    // The lock belongs to the participant that the record tells of only if the record
    // reads the same before and after; one that lets go of the role says so first.
    for _ in 0..RECORD_LOOKS {
        let locked = is_locked(file, role.record())?;
        let after = said();
        if after == before || locked {
            let state = match after {
                _ if locked => State::Attached,
                (ATTACHED, _) => State::Died,
                (_, 0) => State::Never,
                _ => State::Detached,
            };
            return Ok(Presence { attachments: after.1, state, holder: record.last_holder() });
        }
        before = after;
    }
    // Participants come and go faster than this looks.
    Ok(Presence { attachments: before.1, state: State::Attached, holder: record.last_holder() })
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
