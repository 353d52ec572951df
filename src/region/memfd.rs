//! Regions without a name, in a memfd.

use std::{
    fs::File,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use super::{draft, file::RegionFile};
use crate::{error::Error, header::Identity};

/// No participant can make the region shorter under another one, nor undo this.
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// Makes a region without a name, written and sealed.
pub(super) fn create(identity: &Identity) -> Result<RegionFile, Error> {
    // SAFETY: the name is a string that ends; the call returns a new descriptor or -1.
    let fd = unsafe { libc::memfd_create(c"ironring".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    if fd == -1 {
        return Err(Error::os("making a memfd"));
    }
    // SAFETY: the descriptor is new, and nobody else has it.
    let file = unsafe { File::from_raw_fd(fd) };
    draft::fill(&file, identity)?;
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

/// Whether `file`, which lies in memory, is a memfd, as far as /proc tells.
fn is_memfd(file: &File) -> bool {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .is_ok_and(|target| target.as_os_str().as_encoded_bytes().starts_with(b"/memfd:"))
}
