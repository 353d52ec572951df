//! Regions in System V segments, and the companion files whose bytes are locked for them.
//!
//! A segment is no file, so nothing can be locked in it. Its companion is an empty file in /dev/shm,
//! named after the segment's id, which no other segment has while this one lives. The header says
//! which file it is, by device and inode, so that two who see different files under that name (in
//! another mount namespace, say) do not both believe that they are alone.

use std::{
    fs::{File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use super::{Allowed, Contention, Plan, RegionFile, source::Source};
use crate::{
    error::Error,
    layout::{AT_MAGIC, MAGIC},
    liveness,
    memory::{Mapping, Segment},
    placement::{HugePages, Pages},
};

/// How a segment is named.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// By a key, as with `ftok`.
    Key(libc::key_t),
    /// By the kernel's number for it, the `shmid` of `ipcs -m`.
    Id(libc::c_int),
}

impl Which {
    fn find(self, name: &Path) -> Result<Segment, Error> {
        let found = match self {
            Self::Key(key) => Segment::find(key),
            Self::Id(id) => Ok(Segment(id)),
        };
        found.and_then(|segment| segment.status().map(|_| segment)).map_err(|e| match e.raw_os_error() {
            Some(libc::ENOENT | libc::EINVAL | libc::EIDRM) => Error::NotFound { path: name.to_owned() },
            _ => Error::io(format!("looking for the segment {}", name.display()), e),
        })
    }
}

fn companion(segment: Segment) -> PathBuf {
    PathBuf::from(format!("/dev/shm/ironring-sysv-{}", segment.0))
}

/// Opens the companion of the segment, once its maker is done with both. Whose they are must be
/// allowed: the segment's owner, and who made it, can remove it or let others in.
pub(super) fn open(which: Which, name: &Path, allowed: Allowed, write: bool) -> Result<RegionFile, Error> {
    let segment = which.find(name)?;
    let looking = |e| Error::io(format!("looking at the segment {}", name.display()), e);
    let status = segment.status().map_err(looking)?;
    for owner in [status.shm_perm.uid, status.shm_perm.cuid] {
        allowed.check_owner(name, owner)?;
    }
    let mut contention = Contention::new();
    loop {
        match RegionFile::open(&companion(segment), allowed, write) {
            Ok(file) => {
                let mapping = Source::Segment(segment).map_read_only(file.as_file(), 0)?;
                let is_made = mapping.word(AT_MAGIC).load(Ordering::Acquire) == MAGIC;
                if is_made || !liveness::is_locked(file.as_file(), AT_MAGIC)? {
                    return Ok(file.of_other(Source::Segment(segment), status.shm_segsz as u64));
                }
            }
            // Its maker makes it right after the segment.
            Err(Error::NotFound { .. })
                if crate::record::now() / 1_000_000_000 <= status.shm_ctime as u64 + 1 => {}
            Err(Error::NotFound { path }) => {
                return Err(Error::Invalid {
                    field: "the segment's companion file",
                    found: format!("none at {}", path.display()),
                    expected:
                        "the file whose bytes are locked: if this is a ring whose maker was killed, remove \
                               it with `ipcrm -m`"
                            .into(),
                });
            }
            Err(error) => return Err(error),
        }
        contention.pause("waiting for the maker of the segment")?;
    }
}

/// Makes a region in a new segment, and its companion.
pub(super) fn create(which: Which, name: &Path, plan: &Plan) -> Result<RegionFile, Error> {
    let Which::Key(key) = which else {
        return Err(Error::Options {
            option: "the name",
            found: format!("{:?}", name.display().to_string()),
            expected: "sysv:KEY for a new segment, whose id the kernel chooses".into(),
        });
    };
    if key == libc::IPC_PRIVATE {
        return Err(Error::Options {
            option: "the name",
            found: format!("{:?}", name.display().to_string()),
            expected: "a key that is not 0 (IPC_PRIVATE), which nobody could find".into(),
        });
    }
    let (segment, pages) = allocate(key, plan).map_err(|e| match e {
        Error::Io { source, .. } if source.raw_os_error() == Some(libc::EEXIST) => {
            Error::AlreadyExists { path: name.to_owned() }
        }
        e => e,
    })?;
    make(segment, pages, plan).inspect_err(|_| {
        // What is left of it would be found under the key.
        let _ = segment.remove();
        let _ = std::fs::remove_file(companion(segment));
    })
}

/// A new segment, of the pages that are wished for if those are to be had.
fn allocate(key: libc::key_t, plan: &Plan) -> Result<(Segment, Pages), Error> {
    let ordinary = |pages| {
        let len = plan.geometry.region_len() as usize;
        let made = Segment::create(key, len, plan.mode as libc::c_int);
        let making = |e| Error::io(format!("making a System V segment of {len} bytes"), e);
        made.map(|segment| (segment, pages)).map_err(making)
    };
    let huge = || {
        let size = huge_page_size();
        let pages = Pages::Huge { size };
        let len = plan.wish.on(pages).file_len(plan.geometry.region_len());
        let made = Segment::create(key, len as usize, plan.mode as libc::c_int | libc::SHM_HUGETLB);
        made.map(|segment| (segment, pages)).map_err(|e| match e.raw_os_error() {
            Some(libc::ENOMEM) => Error::NoHugePages { pages: len / size, size },
            _ => Error::io("making a System V segment of huge pages", e),
        })
    };
    match plan.wish.huge_pages {
        Some(HugePages::Require) => huge(),
        Some(HugePages::Prefer) => huge().or_else(|e| match &e {
            Error::Io { source, .. } if source.raw_os_error() == Some(libc::EEXIST) => Err(e),
            _ => ordinary(Pages::Advised { huge: 0 }),
        }),
        Some(HugePages::Never) => ordinary(Pages::Small),
        None => ordinary(Pages::Ordinary),
    }
}

/// The size of the huge pages that a segment gets if it asks for no size.
fn huge_page_size() -> u64 {
    let found = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = found.lines().find_map(|line| line.strip_prefix("Hugepagesize:"));
    line.and_then(|kib| kib.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(2048) << 10
}

fn make(segment: Segment, pages: Pages, plan: &Plan) -> Result<RegionFile, Error> {
    let path = companion(segment);
    let making = |e| Error::io(format!("making the segment's companion, {}", path.display()), e);
    // One that is there was a segment's that is gone: the id is this one's now.
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(making(e)),
        _ => {}
    }
    let file: File = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&path)
        .map_err(making)?;
    // Until it is closed; who opens the ring meanwhile waits.
    let maker = file.try_clone().map_err(making)?;
    liveness::lock(&maker, AT_MAGIC)?;
    file.set_permissions(Permissions::from_mode(plan.mode)).map_err(making)?;
    let file = RegionFile::new(file, Some(path))?;
    let mapping = Mapping::segment(segment, false)?;
    let len = plan.wish.on(pages).file_len(plan.geometry.region_len());
    plan.prepare(&mapping, pages, file.as_lock_file(), || {
        mapping.populate().or_else(|e| match e.raw_os_error() {
            // Before Linux 5.14 it is allocated when it is first touched.
            Some(libc::EINVAL) => Ok(()),
            _ => Err(Error::io(format!("allocating {len} bytes for the ring"), e)),
        })
    })?;
    liveness::unlock(&maker, AT_MAGIC)?;
    Ok(file.of_other(Source::Segment(segment), len))
}
