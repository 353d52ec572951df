//! System V shared memory: segments that a key or an id names, and no file.

use std::{io, ptr::NonNull};

/// A segment, by the kernel's number for it: the `shmid` of `ipcs -m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment(pub(crate) libc::c_int);

/// A segment attached to this process, until this is dropped.
#[derive(Debug)]
pub(super) struct Attached {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: it gives access to nothing by itself.
unsafe impl Send for Attached {}
// SAFETY: as above.
unsafe impl Sync for Attached {}

impl Segment {
    /// The segment that `key` names.
    pub(crate) fn find(key: libc::key_t) -> io::Result<Self> {
        // SAFETY: takes integers.
        Self::checked(unsafe { libc::shmget(key, 0, 0) })
    }

    /// A new segment of `len` bytes that `key` names; `flags` beside those of making it.
    pub(crate) fn create(key: libc::key_t, len: usize, flags: libc::c_int) -> io::Result<Self> {
        // SAFETY: takes integers.
        Self::checked(unsafe { libc::shmget(key, len, libc::IPC_CREAT | libc::IPC_EXCL | flags) })
    }

    fn checked(id: libc::c_int) -> io::Result<Self> {
        if id == -1 { Err(io::Error::last_os_error()) } else { Ok(Self(id)) }
    }

    /// What the kernel says of it.
    pub(crate) fn status(self) -> io::Result<libc::shmid_ds> {
        // SAFETY: `shmid_ds` is plain integers, for which zero is a value.
        let mut status: libc::shmid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: `status` is writable.
        let done = unsafe { libc::shmctl(self.0, libc::IPC_STAT, &raw mut status) };
        if done == -1 { Err(io::Error::last_os_error()) } else { Ok(status) }
    }

    /// Takes its key away; it is gone when the last process detaches it.
    pub(crate) fn remove(self) -> io::Result<()> {
        // SAFETY: removing takes no structure.
        let done = unsafe { libc::shmctl(self.0, libc::IPC_RMID, std::ptr::null_mut()) };
        if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Attaches it, where the kernel finds place.
    pub(super) fn attach(self, read_only: bool) -> io::Result<Attached> {
        let flags = if read_only { libc::SHM_RDONLY } else { 0 };
        // SAFETY: at an address of the kernel's choice it touches no memory that exists.
        let base = unsafe { libc::shmat(self.0, std::ptr::null(), flags) };
        if base.addr() == usize::MAX {
            return Err(io::Error::last_os_error());
        }
        let mut attached =
            Attached { base: NonNull::new(base.cast()).ok_or(io::ErrorKind::AddrInUse)?, len: 0 };
        // Asked now: attached, it can be no other segment of that number.
        attached.len = self.status()?.shm_segsz;
        Ok(attached)
    }
}

impl Attached {
    pub(super) fn range(&self) -> (NonNull<u8>, usize) {
        (self.base, self.len)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: attached at this address by `attach`, and nothing uses it any more.
        unsafe { libc::shmdt(self.base.as_ptr().cast()) };
    }
}
