//! Regions in memory that the caller has mapped, with a companion file whose bytes are locked.

use std::{
    fs::{OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
};

use super::{
    Name, Plan, RegionFile,
    directory::Directory,
    source::{Lent, Source},
};
use crate::{error::Error, header::check_boot_is_known, memory::Mapping, placement::Pages};

/// A page: memory that is less aligned could not be locked or populated by itself.
const ALIGN: usize = crate::layout::HEADER_LEN;

fn check(lent: Lent) -> Result<(), Error> {
    if lent.base.addr().get().is_multiple_of(ALIGN) {
        return Ok(());
    }
    Err(Error::Options {
        option: "memory",
        found: format!("at {:p}", lent.base),
        expected: format!("at a multiple of {ALIGN}, as `mmap` gives it"),
    })
}

/// Makes a region there, and the companion, which must not be there yet.
pub(super) fn create(lent: Lent, lock: &Name, plan: &Plan) -> Result<RegionFile, Error> {
    check(lent)?;
    let path = lock.path();
    let needed = plan.geometry.region_len();
    if lent.len as u64 != needed {
        return Err(Error::Options {
            option: "memory",
            found: format!("of {} bytes", lent.len),
            expected: format!("of {needed} bytes, which a ring of these options needs: see `Ring::len_of`"),
        });
    }
    if plan.wish.huge_pages.is_some() || plan.wish.node.is_some() {
        return Err(Error::Options {
            option: "huge_pages and node",
            found: "anything".into(),
            expected: "left out for memory that the caller has mapped: it is of the pages that it is of"
                .into(),
        });
    }
    check_boot_is_known()?;
    Directory::of(path, lock.allowed())?;
    let making = |e| Error::io(format!("making the lock file {}", path.display()), e);
    let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
    let file = made.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path: path.to_owned() },
        _ => making(e),
    })?;
    file.set_permissions(Permissions::from_mode(plan.mode)).map_err(making)?;
    let file = RegionFile::new(file, Some(path.to_owned())).inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })?;
    // SAFETY: the caller lent that many bytes, and nobody uses them before the magic is there.
    unsafe { lent.base.write_bytes(0, lent.len) };
    plan.prepare(&Mapping::lent(lent), Pages::Ordinary, file.as_lock_file(), || Ok(()))?;
    Ok(file.of_other(Source::Callers(lent), needed))
}

/// Opens the region there, and its companion.
pub(super) fn open(lent: Lent, lock: &Name) -> Result<RegionFile, Error> {
    check(lent)?;
    let file = RegionFile::open(lock.path(), lock.allowed(), true)?;
    Ok(file.of_other(Source::Callers(lent), lent.len as u64))
}
