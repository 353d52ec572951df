//! Telling a forked child from its parent, by one load.
//!
//! A handle's mapping is not inherited over `fork` (`MADV_DONTFORK`), so a child
//! that used its parent's handle would touch addresses that are no longer its own.
//! Every operation therefore compares the handle's image number with the process's.
//! That number lies in a page which the kernel fills with zeros in a child
//! (`MADV_WIPEONFORK`), however the child was made: `fork`, or a bare `clone`.

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    error::{Error, NotHere},
    memory::TRUNCATED,
};

/// The memory image of one process: another in a forked child, without a system call. Or one of a
/// mapping, which is none of any process once its file was truncated: see [`crate::memory`]'s guard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    current: &'static AtomicU64,
    made_in: u64,
}

impl Image {
    /// The image of the calling process.
    pub(crate) fn of_this_process() -> Result<Self, Error> {
        static PAGE: OnceLock<&'static AtomicU64> = OnceLock::new();
        // Lies in ordinary memory, so a child continues from its parent's value and
        // never hands out a number that the parent's handles carry.
        static LAST: AtomicU64 = AtomicU64::new(0);

        let current = match PAGE.get() {
            Some(word) => *word,
            None => {
                let page = wiped_on_fork(1)
                    .map_err(|e| Error::io("making a page that a forked child sees empty", e))?;
                PAGE.get_or_init(|| &page[0])
            }
        };
        if current.load(Ordering::Relaxed) == 0 {
            let fresh = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            // A failure means that another thread has named this image meanwhile.
            let _ = current.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed);
        }
        Ok(Self { current, made_in: current.load(Ordering::Relaxed) })
    }

    /// Whether the calling process is the one that made this.
    #[inline(always)]
    pub(crate) fn is_current(self) -> bool {
        self.current.load(Ordering::Relaxed) == self.made_in
    }

    /// The same image, told by another word, which has its number.
    pub(crate) const fn kept_in(self, current: &'static AtomicU64) -> Self {
        Self { current, ..self }
    }

    /// Its number, which is never zero.
    pub(crate) const fn number(self) -> u64 {
        self.made_in
    }

    /// Why it is not current.
    #[cold]
    pub(crate) fn why_not(self) -> NotHere {
        if self.current.load(Ordering::Relaxed) == TRUNCATED { NotHere::Truncated } else { NotHere::Forked }
    }
}

/// Words that hold zero, and zero again in every forked child. They are never unmapped.
pub(crate) fn wiped_on_fork(words: usize) -> io::Result<&'static [AtomicU64]> {
    let len = (words * size_of::<AtomicU64>()).next_multiple_of(crate::layout::HEADER_LEN);
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches
    // no memory that exists.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the range is exactly the mapping made above.
    let wiped = unsafe { libc::madvise(page, len, libc::MADV_WIPEONFORK) };
    if wiped != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the pages are aligned, zeroed, mapped for ever, have room for so many, and are used through
    // this only.
    Ok(unsafe { std::slice::from_raw_parts(page.cast(), words) })
}
