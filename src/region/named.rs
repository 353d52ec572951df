//! Regions that have a name: made, opened and removed by any number of processes at
//! once.
//!
//! A name is taken by `link`, which fails where it exists, and given back only by a
//! process that holds the removal lock of the very file that has it (byte 0). So
//! between that process's look at the name and its `unlink`, the name cannot have come
//! to mean another ring.

use std::{path::Path, sync::atomic::Ordering};

use super::{
    Allowed, Contention, Name, Plan, Region,
    directory::Directory,
    draft::Draft,
    file::{Inode, RegionFile},
    salvage,
    source::Source,
};
use crate::{
    error::Error,
    header::BOOT_ID,
    layout::{AT_MAGIC, AT_RETIRED, HEADER_LEN, MAGIC},
    liveness,
    memory::Mapping,
    waiting::wake_everybody,
};

/// Makes a region at `path`; one whose removal was interrupted is out of the way first.
pub(super) fn create_file(path: &Path, allowed: Allowed, plan: &Plan) -> Result<RegionFile, Error> {
    Directory::prepare(path, allowed)?;
    let mut contention = Contention::new();
    loop {
        match Draft::new(path)?.publish(path, plan) {
            Err(exists @ Error::AlreadyExists { .. }) => match RegionFile::open(path, allowed, true) {
                Ok(file) if is_retired(&file)? => {
                    finish_removal(&file, path)?;
                }
                Err(Error::NotFound { .. }) => {}
                _ => return Err(exists),
            },
            made => return RegionFile::new(made?, Some(path.to_owned())),
        }
        contention.pause("making the ring, whose name others take and remove meanwhile")?;
    }
}

/// Opens the region called `name`; one whose removal was interrupted is not found.
pub(super) fn open(name: &Name) -> Result<Region, Error> {
    let mut contention = Contention::new();
    loop {
        let region = match Region::of(name.open(true)?) {
            Ok(region) => region,
            Err(Error::Invalid { field: BOOT_ID, .. }) if salvage::by_checksums(name)? => {
                contention.pause("opening the ring, which others take over after a restart")?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(path) = region.file().path() else { return Ok(region) };
        if !region.is_retired() {
            return Ok(region);
        }
        finish_removal(region.file(), path)?;
        contention.pause("opening the ring, which is being removed")?;
    }
}

/// Removes the ring called `name`: those who have it open keep it, and learn that it
/// is retired; a new ring of that name is another one.
///
/// A ring whose header is spoilt is removed too, as long as its magic is there; a file
/// that is no ring is left alone.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Invalid`] if it is no ring; [`Error::Io`].
///
/// ```
/// use ironring::{Options, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders");
/// let ring = spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096))?;
/// ironring::remove(&path)?;
/// assert!(ring.is_retired());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove(name: impl Into<Name>) -> Result<(), Error> {
    let name = name.into();
    let mut contention = Contention::new();
    loop {
        let file = name.open(true)?;
        let Some(path) = file.path() else {
            return Err(Error::Unsupported {
                found: "a ring without a name".into(),
                needed: "one to remove: it goes with its last user",
            });
        };
        // A ring that was retired before has been removed by somebody else; what
        // remains is to unlink it, and then to look whether a new one has its name.
        let was_retired = is_retired(&file)?;
        if finish_removal(&file, path)? && !was_retired {
            return Ok(());
        }
        contention.pause("removing the ring, which others remove and make meanwhile")?;
    }
}

/// Closes the ring called `name`, whatever it carries, as [`Ring::close`](crate::Ring::close) does.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Invalid`] if it is no ring; [`Error::Io`].
///
/// ```
/// use ironring::{Options, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders");
/// let ring = spsc::Ring::<u64>::create(&path, &Options::messages(8))?;
/// ironring::close(&path)?;
/// assert!(ring.is_closed());
/// ironring::reopen(&path)?;
/// assert!(!ring.is_closed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn close(name: impl Into<Name>) -> Result<(), Error> {
    Region::open(&name.into()).map(|region| region.close())
}

/// Opens the ring called `name` again, whatever it carries, as [`Ring::reopen`](crate::Ring::reopen)
/// does: see [`close`].
///
/// # Errors
///
/// As [`close`].
pub fn reopen(name: impl Into<Name>) -> Result<(), Error> {
    Region::open(&name.into()).map(|region| region.reopen())
}

/// Retires the ring in `file` and takes the name `path` from it, unless somebody else
/// is at it or the name is another file's by now. Says whether it did.
fn finish_removal(file: &RegionFile, path: &Path) -> Result<bool, Error> {
    let own = file.reopen()?;
    if !liveness::lock(&own, AT_MAGIC)? {
        return Ok(false);
    }
    // The lock goes with `own`, at every return.
    match std::fs::symlink_metadata(path) {
        Ok(found) if Inode::of(&found) == file.inode() => {}
        _ => return Ok(false),
    }
    let header = header(file)?;
    header.word(AT_RETIRED).store(1, Ordering::Release);
    wake_everybody(&header, || file.touch());
    if let Source::Segment(segment) = file.source() {
        segment.remove().map_err(|e| Error::io("removing the segment", e))?;
    }
    std::fs::remove_file(path).map_err(|e| Error::io(format!("removing {}", path.display()), e))?;
    Ok(true)
}

fn is_retired(file: &RegionFile) -> Result<bool, Error> {
    Ok(header(file)?.word(AT_RETIRED).load(Ordering::Acquire) != 0)
}

/// The header page of a file that says it is a ring, whatever else it says.
fn header(file: &RegionFile) -> Result<std::sync::Arc<Mapping>, Error> {
    file.mappable_len()?;
    let header = file.map(HEADER_LEN)?;
    let magic = header.word(AT_MAGIC).load(Ordering::Acquire);
    if magic != MAGIC {
        return Err(Error::Invalid {
            field: "magic",
            found: format!("{magic:#x}"),
            expected: format!("{MAGIC:#x}: not a ring, so it is left alone"),
        });
    }
    Ok(header)
}
