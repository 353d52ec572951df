//! What several tests share: a directory in memory, and a region's bytes by another way
//! than the library's.

#![allow(dead_code, reason = "no test needs all of it")]

pub(crate) mod backing;
pub(crate) mod forks;
pub(crate) mod huge;
pub(crate) mod layout;
pub(crate) mod raw;
pub(crate) mod sending;

/// A new directory in shared memory, of mode 0700, removed when dropped.
pub(crate) fn shared_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").expect("a directory in /dev/shm")
}

/// `len` bytes that depend on `seed`.
pub(crate) fn bytes(len: usize, seed: u64) -> Vec<u8> {
    (0..len as u64).map(|i| (seed.wrapping_mul(31).wrapping_add(i * 7) % 251) as u8).collect()
}
