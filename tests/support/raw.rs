//! A region's file, mapped without the library's help.

use std::{
    fs::{File, OpenOptions},
    os::fd::AsFd,
    path::Path,
    sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
};

use memmap2::{MmapOptions, MmapRaw};

use super::layout::{AT_CHECKSUM, AT_MAGIC, fnv1a};

/// Another participant's view of a region: it may write anything.
pub(crate) struct Raw {
    map: MmapRaw,
}

impl Raw {
    pub(crate) fn open(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path).expect("the region's file");
        Self::of(&file)
    }

    /// Maps the file behind `ring`'s descriptor.
    pub(crate) fn of(ring: &impl AsFd) -> Self {
        let file = File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"));
        Self { map: MmapOptions::new().map_raw(&file).expect("a mapping") }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn byte(&self, at: usize) -> &AtomicU8 {
        assert!(at < self.len());
        // SAFETY: the assertion keeps it within the mapping.
        let ptr = unsafe { self.map.as_mut_ptr().add(at) };
        // SAFETY: mapped as long as `self`; shared memory is written by atomics and by
        // other processes only, as far as this one knows.
        unsafe { AtomicU8::from_ptr(ptr) }
    }

    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at + 8 <= self.len());
        // SAFETY: the assertion keeps it within the mapping.
        let ptr = unsafe { self.map.as_mut_ptr().add(at) };
        // SAFETY: aligned, as the mapping starts on a page; else as in `byte`.
        unsafe { AtomicU64::from_ptr(ptr.cast()) }
    }

    pub(crate) fn get(&self, at: usize, len: usize) -> Vec<u8> {
        (at..at + len).map(|at| self.byte(at).load(Relaxed)).collect()
    }

    pub(crate) fn set(&self, at: usize, bytes: &[u8]) {
        for (i, byte) in bytes.iter().enumerate() {
            self.byte(at + i).store(*byte, Relaxed);
        }
    }

    /// The rest of its last page, which lies behind the file's end: zero unless somebody who maps
    /// the region has written there.
    pub(crate) fn behind(&self) -> Vec<u8> {
        const PAGE: usize = 4096;
        (self.len()..self.len().next_multiple_of(PAGE))
            .map(|at| {
                let ptr = self.map.as_ptr().wrapping_add(at);
                // SAFETY: a mapping has whole pages; read as others may write it.
                unsafe { ptr.read_volatile() }
            })
            .collect()
    }

    /// What the checksum ought to be.
    pub(crate) fn checksum(&self) -> u64 {
        fnv1a(self.get(AT_MAGIC + 8, AT_CHECKSUM - 8))
    }

    /// Makes the checksum fit what the identity says now.
    pub(crate) fn mend_checksum(&self) {
        self.word(AT_CHECKSUM).store(self.checksum(), Relaxed);
    }
}
