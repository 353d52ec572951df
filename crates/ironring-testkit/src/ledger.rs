//! Counters in shared memory that outlive the processes that write them.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys;

/// A table of 64-bit words that a test shares with its children: what was acknowledged, what was
/// received, whether to start, whether to stop.
///
/// The words live in a memfd that parent and children map, so a kill leaves every store that was
/// made before it. The words start as 0.
///
/// ```
/// use ironring_testkit::Ledger;
///
/// const SENT: usize = 0;
/// const RECEIVED: usize = 1;
///
/// let ledger = Ledger::new(2)?;
/// ledger.add(SENT, 3);
/// ledger.set(RECEIVED, 2);
/// assert_eq!(ledger.get(SENT) - ledger.get(RECEIVED), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// [`get`](Ledger::get) is an Acquire load, [`set`](Ledger::set) a Release store and
/// [`add`](Ledger::add) does both; where that would order what a test wants unordered,
/// [`word`](Ledger::word) gives the atomic itself.
#[derive(Debug)]
pub struct Ledger {
    fd: OwnedFd,
    /// `len` words, mapped read-write and shared until drop.
    words: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and is reached only through atomics.
unsafe impl Send for Ledger {}
// SAFETY: as above; `&Ledger` gives nothing but `&AtomicU64`, which is Sync.
unsafe impl Sync for Ledger {}

impl Ledger {
    /// A ledger of `len` words, all 0. Give it to a child with [`Role::ledger`](crate::Role::ledger);
    /// the child finds it with [`Args::ledger`](crate::Args::ledger).
    ///
    /// ```
    /// # use ironring_testkit::Ledger;
    /// assert_eq!(Ledger::new(8)?.len(), 8);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the kernel says when it has no memory or no descriptor left.
    ///
    /// # Panics
    ///
    /// If `len` is 0.
    pub fn new(len: usize) -> io::Result<Ledger> {
        assert!(len > 0, "a ledger needs a word");
        // SAFETY: the name is a NUL-terminated string that lives for ever.
        let fd = unsafe { libc::memfd_create(c"ironring-ledger".as_ptr(), libc::MFD_CLOEXEC) };
        let fd = sys::check(fd)?;
        // SAFETY: the call above just opened `fd`, and nothing else knows its number.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let file = std::fs::File::from(fd);
        file.set_len((len * size_of::<AtomicU64>()) as u64)?;
        Ledger::from_fd(file.into())
    }

    /// Maps the ledger that `fd` is open on.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Ledger> {
        let file = std::fs::File::from(fd);
        let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let fd = OwnedFd::from(file);
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing of ours.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Ledger {
            fd,
            words: NonNull::new(address.cast()).expect("mmap never returns address 0 unasked"),
            len: bytes / size_of::<AtomicU64>(),
        })
    }

    /// How many words it has.
    ///
    /// ```
    /// # use ironring_testkit::Ledger;
    /// assert_eq!(Ledger::new(2)?.len(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[allow(clippy::len_without_is_empty, reason = "a ledger is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The word `i` itself.
    ///
    /// ```
    /// # use {ironring_testkit::Ledger, std::sync::atomic::Ordering};
    /// let ledger = Ledger::new(1)?;
    /// ledger.word(0).fetch_max(7, Ordering::Relaxed);
    /// assert_eq!(ledger.get(0), 7);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no word `i`.
    #[inline]
    pub fn word(&self, i: usize) -> &AtomicU64 {
        assert!(i < self.len, "word {i} of a ledger of {}", self.len);
        // SAFETY: `i < len`, so the address is inside the mapping.
        let word = unsafe { self.words.add(i) };
        // SAFETY: the mapping is page-aligned, lives as long as `self`, and is reached only through
        // atomics, here and in the children.
        unsafe { word.as_ref() }
    }

    /// Reads word `i`.
    ///
    /// ```
    /// # use ironring_testkit::Ledger;
    /// assert_eq!(Ledger::new(1)?.get(0), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no word `i`.
    #[inline]
    pub fn get(&self, i: usize) -> u64 {
        // Acquire pairs with the Release of `set` and `add`: what the writer did before is visible.
        self.word(i).load(Ordering::Acquire)
    }

    /// Stores `value` in word `i`.
    ///
    /// ```
    /// # use ironring_testkit::Ledger;
    /// let ledger = Ledger::new(1)?;
    /// ledger.set(0, 5);
    /// assert_eq!(ledger.get(0), 5);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no word `i`.
    #[inline]
    pub fn set(&self, i: usize, value: u64) {
        // Release pairs with the Acquire of `get`.
        self.word(i).store(value, Ordering::Release);
    }

    /// Adds `value` to word `i`, wrapping around, and returns the word before.
    ///
    /// ```
    /// # use ironring_testkit::Ledger;
    /// let ledger = Ledger::new(1)?;
    /// assert_eq!(ledger.add(0, 5), 0);
    /// assert_eq!(ledger.add(0, 1), 5);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no word `i`.
    #[inline]
    pub fn add(&self, i: usize, value: u64) -> u64 {
        // Release pairs with the Acquire of `get`; Acquire pairs with the Release of `set`.
        self.word(i).fetch_add(value, Ordering::AcqRel)
    }
}

impl AsFd for Ledger {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let bytes = self.len * size_of::<AtomicU64>();
        // SAFETY: `from_fd` made this mapping with this length, up to the rounding to pages that munmap
        // does as mmap did, and every reference into it borrowed `self`.
        unsafe { libc::munmap(self.words.as_ptr().cast(), bytes) };
    }
}
