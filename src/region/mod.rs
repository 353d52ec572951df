//! A region of shared memory and its life: made, opened, mapped, removed.
//!
//! A region is one file, with a name or without. Everything that a handle needs of it
//! goes through [`Region`], whatever it is backed by:
//!
//! ```text
//!                 create                       link
//!   (no file) ------------> unnamed, written ---------> named, live
//!                              |    killed: gone           |  remove: retired := 1
//!                              v                           v
//!                          (no file)                 named, retired
//!                                                          |  unlink, by the remover or, were
//!                                                          v  it killed, by the next to open
//!                                                    live for those who have it, nameless
//! ```

mod callers;
mod directory;
mod draft;
mod file;
pub(crate) mod fork;
mod meaning;
mod memfd;
mod name;
mod named;
mod plan;
mod salvage;
mod segment;
mod source;
pub(crate) mod user;
mod way;

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
    sync::atomic::Ordering,
};

pub use self::{
    directory::{default_directory, names, path_of},
    name::Name,
    named::{close, remove, reopen},
    salvage::{Salvaged, salvage},
};
pub(crate) use self::{
    file::RegionFile,
    fork::{Image, wiped_on_fork},
    source::Lent,
};
use self::{name::Allowed, plan::Plan};
use crate::{
    error::Error,
    geometry::Geometry,
    header::Identity,
    layout::AT_RETIRED,
    liveness::{self, Presence},
    memory::{Mapping, Word},
    options::Options,
    waiting::Session,
};

/// A region that is mapped into this process, and the file behind it.
///
/// Its own mapping takes part in nothing: it has no role, and is inherited over `fork`,
/// so that a child can attach through it. Each handle maps the file once more.
#[derive(Clone, Debug)]
pub struct Region {
    file: Arc<RegionFile>,
    mapping: Arc<Mapping>,
    identity: Identity,
    retired: Word,
}

impl Region {
    /// Makes a region at `name`, where there must be none.
    pub(crate) fn create(name: &Name, geometry: Geometry, options: &Options) -> Result<Self, Error> {
        check_system()?;
        name.create(&Plan::new(geometry, options)).and_then(Self::of)
    }

    /// Opens the region at `name`.
    pub(crate) fn open(name: &Name) -> Result<Self, Error> {
        check_system()?;
        named::open(name)
    }

    /// Maps the region at `name` for reading only, and leaves it as it is, even half
    /// removed.
    pub(crate) fn open_read_only(name: &Name) -> Result<(RegionFile, Arc<Mapping>, Identity), Error> {
        check_system()?;
        let file = name.open(false)?;
        let mapping = file.map_read_only()?;
        let identity = file.identity(&mapping)?;
        Ok((file, mapping, identity))
    }

    /// Opens the region at `name`, or makes it, whichever is possible first.
    pub(crate) fn open_or_create(name: &Name, geometry: Geometry, options: &Options) -> Result<Self, Error> {
        let mut contention = Contention::new();
        loop {
            match Self::open(name) {
                Err(Error::NotFound { .. }) => {}
                done => return done,
            }
            match Self::create(name, geometry, options) {
                Err(Error::AlreadyExists { .. }) => {}
                done => return done,
            }
            contention.pause("opening or making the ring, which others make and remove meanwhile")?;
        }
    }

    /// Makes a region without a name, sealed so that nobody can shrink it.
    pub(crate) fn anonymous(geometry: Geometry, options: &Options) -> Result<Self, Error> {
        check_system()?;
        memfd::create(&Plan::new(geometry, options)).and_then(Self::of)
    }

    /// Opens the region behind a descriptor that was inherited or received.
    pub(crate) fn from_fd(fd: OwnedFd) -> Result<Self, Error> {
        check_system()?;
        memfd::open(fd).and_then(Self::of)
    }

    /// Makes a region in memory of the caller's.
    pub(crate) fn create_in(
        lent: Lent,
        lock: &Name,
        geometry: Geometry,
        options: &Options,
    ) -> Result<Self, Error> {
        check_system()?;
        callers::create(lent, lock, &Plan::new(geometry, options)).and_then(Self::of)
    }

    /// Opens the region in memory of the caller's.
    pub(crate) fn open_in(lent: Lent, lock: &Name) -> Result<Self, Error> {
        check_system()?;
        callers::open(lent, lock).and_then(Self::of)
    }

    /// Maps and checks the region in `file`.
    fn of(file: RegionFile) -> Result<Self, Error> {
        let len = file.mappable_len()?;
        let mapping = file.map(len)?;
        let identity = file.identity(&mapping)?;
        Ok(Self::of_parts(file, mapping, identity))
    }

    fn of_parts(file: RegionFile, mapping: Arc<Mapping>, identity: Identity) -> Self {
        let retired = mapping.word(AT_RETIRED);
        Self { file: Arc::new(file), mapping, identity, retired }
    }

    pub(crate) fn file(&self) -> &RegionFile {
        &self.file
    }

    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn len(&self) -> usize {
        self.identity.geometry.region_len() as usize
    }

    /// Whether the region's name was removed, and perhaps given to another one.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire) != 0
    }

    /// Has the kernel give notice of the file, to those who wait by it.
    pub(crate) fn touch(&self) {
        self.file.touch();
    }

    /// Closes the ring, if it is open.
    pub(crate) fn close(&self) {
        Session::close(&self.mapping, || self.touch());
    }

    /// Opens the ring again, if it is closed.
    pub(crate) fn reopen(&self) {
        Session::reopen(&self.mapping);
    }

    pub(crate) fn is_closed(&self) -> bool {
        Session::is_closed_in(&self.mapping)
    }

    /// What is known of the last participant whose record lies at `record`.
    pub(crate) fn presence(&self, record: usize) -> Result<Presence, Error> {
        liveness::presence(self.file.checked()?, &self.mapping, record)
    }

    /// Whether somebody holds the lock on the record at `record`.
    pub(crate) fn is_locked(&self, record: usize) -> Result<bool, Error> {
        liveness::is_locked(self.file.checked()?, record)
    }

    pub(crate) const fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.file.path().map(Path::to_owned)
    }
}

/// The kernel's first version with all that a region needs (`MADV_WIPEONFORK`).
const OLDEST_KERNEL: (u32, u32) = (4, 14);

/// Whether the kernel is new enough, asked once.
fn check_system() -> Result<(), Error> {
    static RELEASE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let release = RELEASE.get_or_init(|| {
        // SAFETY: `utsname` is plain bytes, for which zero is a value.
        let mut name: libc::utsname = unsafe { std::mem::zeroed() };
        // SAFETY: `name` is writable, and the call fills it with strings that end.
        unsafe { libc::uname(&raw mut name) };
        name.release.iter().take_while(|c| **c != 0).map(|c| *c as u8 as char).collect()
    });
    if kernel_version(release) < OLDEST_KERNEL {
        return Err(Error::Unsupported { found: format!("Linux {release}"), needed: "Linux 4.14 or later" });
    }
    Ok(())
}

fn kernel_version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Retries of something that others undo meanwhile, with a bound that only a peer who
/// does nothing else can reach.
pub(crate) struct Contention {
    deadline: crate::Deadline,
    backoff: crossbeam_utils::Backoff,
}

impl Contention {
    pub(crate) fn new() -> Self {
        Self::until(crate::Deadline::after(std::time::Duration::from_secs(10)))
    }

    pub(crate) fn until(deadline: crate::Deadline) -> Self {
        Self { deadline, backoff: crossbeam_utils::Backoff::new() }
    }

    pub(crate) fn pause(&mut self, doing: &str) -> Result<(), Error> {
        if self.deadline.has_passed() {
            return Err(Error::io(doing, std::io::ErrorKind::TimedOut.into()));
        }
        self.backoff.snooze();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_versions_are_read_from_releases() {
        assert_eq!(kernel_version("6.18.44-fc-v657"), (6, 18));
        assert_eq!(kernel_version("4.9.0"), (4, 9));
        assert!(kernel_version("4.9.0") < OLDEST_KERNEL);
        assert!(kernel_version("nonsense") < OLDEST_KERNEL);
    }
}
