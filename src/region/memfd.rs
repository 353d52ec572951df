//! Regions without a name, in a memfd.

use std::{
    fs::File,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
};

use super::{Plan, file::RegionFile};
use crate::{error::Error, placement::HugePages};

/// No participant can make the region shorter under another one, nor undo this.
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// Makes a region without a name, written and sealed: of huge pages, if those are asked for and to be
/// had.
pub(super) fn create(plan: &Plan) -> Result<RegionFile, Error> {
    match plan.wish.huge_pages {
        Some(HugePages::Require) => create_of(plan, libc::MFD_HUGETLB),
        Some(HugePages::Prefer) => create_of(plan, libc::MFD_HUGETLB).or_else(|_| create_of(plan, 0)),
        Some(HugePages::Never) | None => create_of(plan, 0),
    }
}

fn create_of(plan: &Plan, pages: libc::c_uint) -> Result<RegionFile, Error> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING | pages;
    // SAFETY: the name is a string that ends; the call returns a new descriptor or -1.
    let fd = unsafe { libc::memfd_create(c"ironring".as_ptr(), flags) };
    if fd == -1 {
        return Err(Error::os(if pages == 0 { "making a memfd" } else { "making a memfd of huge pages" }));
    }
    // SAFETY: the descriptor is new, and nobody else has it.
    let file = unsafe { File::from_raw_fd(fd) };
    plan.fill(&file)?;
    // SAFETY: the descriptor is open, and the call takes an integer.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) } == -1 {
        return Err(Error::os("sealing the memfd"));
    }
    RegionFile::new(file, None)
}

/// Takes a descriptor of a region: a memfd must be sealed, another file needs no seals.
pub(super) fn open(fd: OwnedFd) -> Result<RegionFile, Error> {
    let file = File::from(fd);
    // SAFETY: the descriptor is open; the call only reads.
    let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    // Files that are not in memory know no seals (EINVAL). Files in tmpfs have only the
    // one that forbids more, and so has a memfd that was made without leave to seal it.
    let is_plain_file = seals == -1 || (seals == libc::F_SEAL_SEAL && !is_memfd(&file));
    if !is_plain_file && seals & SEALS != SEALS {
        return Err(Error::Invalid {
            field: "the memfd's seals",
            found: format!("{seals:#x}"),
            expected: format!("{SEALS:#x}: sealed against shrinking and growing"),
        });
    }
    RegionFile::new(file, None)
}

/// Whether `file`, which lies in memory, is a memfd. Where /proc does not tell, one that has no name
/// is taken for one: it could be.
fn is_memfd(file: &File) -> bool {
    match std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
        Ok(target) => target.as_os_str().as_encoded_bytes().starts_with(b"/memfd:"),
        Err(_) => file.metadata().is_ok_and(|found| found.nlink() == 0),
    }
}
