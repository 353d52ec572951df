//! A region mapped into this process.

use std::{
    fs::File,
    mem::ManuallyDrop,
    ops::Deref,
    os::fd::{AsRawFd, BorrowedFd},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::{
    copy,
    guard::{Guarded, guard},
    segment::{Attached, Segment},
};
use crate::{
    error::{Error, NotHere},
    layout::HEADER_LEN,
    region::{Lent, fork::Image},
};

/// A region of shared memory, mapped until this is dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    held: ManuallyDrop<Held>,
    /// Set where the mapping is not inherited over `fork`: a child's copy of this must
    /// not unmap whatever the child has at these addresses.
    owner: Option<Image>,
}

/// What keeps the bytes where they are, and then, to be let go of last, what keeps the locks of a file
/// that does not have the bytes.
#[derive(Debug)]
struct Held {
    /// Let go of first: what is unmapped is no longer guarded.
    guarded: Option<Guarded>,
    _bytes: Bytes,
    _lock: Option<MmapRaw>,
}

#[derive(Debug)]
enum Bytes {
    File {
        _map: MmapRaw,
    },
    Segment {
        _attached: Attached,
    },
    /// The caller keeps them.
    Lent,
}

// SAFETY: its bytes are accessed by atomics and by copies that assume nothing of them, and stay
// mapped until it is dropped.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of `file` for reading and writing.
    pub(crate) fn shared(file: &File, len: usize) -> Result<Arc<Self>, Error> {
        Self::of_file(map(file, len)?, None)
    }

    /// Maps as [`shared`](Self::shared) does, so that a forked child does not inherit it.
    pub(crate) fn not_inherited(file: &File, len: usize, image: Image) -> Result<Arc<Self>, Error> {
        let raw = map(file, len)?;
        raw.advise(Advice::DontFork).map_err(not_kept)?;
        Self::of_file(raw, Some(image))
    }

    /// Maps the first `len` bytes of `file` for reading only. No word of it may be
    /// stored to: the system would end the process.
    pub(crate) fn read_only(file: &File, len: usize) -> Result<Arc<Self>, Error> {
        let raw = pages(file, len)
            .and_then(|options| options.map_raw_read_only(file))
            .map_err(|e| Error::io("mapping the region for reading", e))?;
        Self::of_file(raw, None)
    }

    fn of_file(map: MmapRaw, owner: Option<Image>) -> Result<Arc<Self>, Error> {
        let base = NonNull::new(map.as_mut_ptr()).expect("a mapping is not at address zero");
        let len = map.len();
        let (guarded, owner) = guard(base.as_ptr(), len, owner)?;
        Ok(Self::of(base, len, Held { guarded, _bytes: Bytes::File { _map: map }, _lock: None }, owner))
    }

    fn of(base: NonNull<u8>, len: usize, held: Held, owner: Option<Image>) -> Arc<Self> {
        Arc::new(Self { base, len, held: ManuallyDrop::new(held), owner })
    }

    /// Attaches a System V segment.
    pub(crate) fn segment(segment: Segment, read_only: bool) -> Result<Arc<Self>, Error> {
        let attached = segment.attach(read_only).map_err(|e| Error::io("attaching the segment", e))?;
        let (base, len) = attached.range();
        let held = Held { guarded: None, _bytes: Bytes::Segment { _attached: attached }, _lock: None };
        Ok(Self::of(base, len, held, None))
    }

    /// Attaches a segment so that a forked child does not inherit it, and keeps the locks of `own`.
    pub(crate) fn own_segment(segment: Segment, own: &File, image: Image) -> Result<Arc<Self>, Error> {
        let lock = lock_keeper(own)?;
        let attached = segment.attach(false).map_err(|e| Error::io("attaching the segment", e))?;
        let (base, len) = attached.range();
        // SAFETY: the range is exactly what was attached, and of whole pages once rounded up by the kernel.
        if unsafe { libc::madvise(base.as_ptr().cast(), len, libc::MADV_DONTFORK) } == -1 {
            return Err(not_kept(std::io::Error::last_os_error()));
        }
        let held = Held { guarded: None, _bytes: Bytes::Segment { _attached: attached }, _lock: Some(lock) };
        Ok(Self::of(base, len, held, Some(image)))
    }

    /// Memory that the caller has mapped, and keeps.
    pub(crate) fn lent(lent: Lent) -> Arc<Self> {
        Self::of(lent.base, lent.len, Held { guarded: None, _bytes: Bytes::Lent, _lock: None }, None)
    }

    /// The same, keeping the locks of `own`.
    pub(crate) fn own_lent(lent: Lent, own: &File, image: Image) -> Result<Arc<Self>, Error> {
        let held = Held { guarded: None, _bytes: Bytes::Lent, _lock: Some(lock_keeper(own)?) };
        Ok(Self::of(lent.base, lent.len, held, Some(image)))
    }

    /// Writes what was changed in memory to the file on disk, and waits for it.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        let (base, len) = self.range();
        // SAFETY: the range is this mapping's.
        match unsafe { libc::msync(base.cast(), len, libc::MS_SYNC) } {
            -1 => Err(Error::os("writing the region to disk")),
            _ => Ok(()),
        }
    }

    /// Touches its last word where it is guarded, so that whoever waits finds out that the file was
    /// truncated, though nothing is left for it to look at.
    #[cold]
    pub(crate) fn look_at_its_end(&self) {
        if self.held.guarded.is_some() {
            let last = self.len - self.len % size_of::<u64>() - size_of::<u64>();
            // Relaxed: whatever it is, nobody wants to know.
            std::hint::black_box(self.word_now(last).load(Ordering::Relaxed));
        }
    }

    /// The image that is current where this may be touched, if it is not inherited.
    pub(crate) const fn image(&self) -> Option<Image> {
        self.owner
    }

    /// The eight-byte word at `offset`.
    ///
    /// # Panics
    ///
    /// If the word is not aligned, or not within the mapping: offsets are constants of
    /// the layout.
    pub(crate) fn word(self: &Arc<Self>, offset: usize) -> Word {
        self.kept(self.word_now(offset))
    }

    /// The word at `offset`, to be used at once, with the panics of [`word`](Self::word).
    pub(crate) fn word_now(&self, offset: usize) -> WordRef<'_> {
        let ptr: NonNull<u64> = self.at(offset, size_of::<u64>()).cast();
        assert!(ptr.is_aligned(), "offset {offset} is not one of a word");
        // SAFETY: aligned and within the mapping, which outlives the borrow of `self`;
        // all access to shared memory in this process is atomic.
        unsafe { AtomicU64::from_ptr(ptr.as_ptr()) }
    }

    /// The four-byte word at `offset`, to be kept, with the panics of [`word`](Self::word).
    pub(crate) fn half_word_kept(self: &Arc<Self>, offset: usize) -> HalfWord {
        self.kept(self.half_word(offset))
    }

    /// The four-byte word at `offset`, with the panics of [`word`](Self::word).
    pub(crate) fn half_word(&self, offset: usize) -> &AtomicU32 {
        let ptr: NonNull<u32> = self.at(offset, size_of::<u32>()).cast();
        assert!(ptr.is_aligned(), "offset {offset} is not one of a half word");
        // SAFETY: aligned and within the mapping, which outlives the borrow of `self`;
        // all access to shared memory in this process is atomic.
        unsafe { AtomicU32::from_ptr(ptr.as_ptr()) }
    }

    fn kept<A>(self: &Arc<Self>, word: &A) -> Kept<A> {
        Kept { word: NonNull::from(word), _mapping: Arc::clone(self) }
    }

    /// The `len` bytes at `offset`, as an area to keep messages in.
    ///
    /// # Panics
    ///
    /// If the area is not within the mapping, starts off a word, or is no whole number
    /// of words.
    pub(crate) fn area(self: &Arc<Self>, offset: usize, len: usize) -> Area {
        let base = self.at(offset, len);
        assert!(base.cast::<u64>().is_aligned() && len.is_multiple_of(size_of::<u64>()));
        // Zero where lengths are no power of two: every offset then is the first word's.
        let words = if len.is_power_of_two() { (len - 1) & !(size_of::<u64>() - 1) } else { 0 };
        Area { base, len, words, _mapping: Arc::clone(self) }
    }

    /// Where it lies in this process, and how many bytes it has.
    pub(super) fn range(&self) -> (*mut u8, usize) {
        (self.base.as_ptr(), self.len)
    }

    fn at(&self, offset: usize, len: usize) -> NonNull<u8> {
        assert!(
            offset.checked_add(len).is_some_and(|end| end <= self.len),
            "{len} bytes at {offset} are not within a region of {}",
            self.len
        );
        // SAFETY: the assertion above keeps the result within the mapping.
        unsafe { self.base.add(offset) }
    }
}

/// A mapping of `own`, whatever its length, that is never touched: it keeps the file's description, and so
/// its locks.
fn lock_keeper(own: &File) -> Result<MmapRaw, Error> {
    let kept = MmapOptions::new().len(HEADER_LEN).map_raw_read_only(own);
    let kept = kept.map_err(|e| Error::io("mapping the lock file", e))?;
    kept.advise(Advice::DontFork).map_err(not_kept)?;
    Ok(kept)
}

fn not_kept(error: std::io::Error) -> Error {
    Error::io("keeping the mapping from forked children", error)
}

/// Maps the first `len` bytes of `file` for reading and writing.
fn map(file: &File, len: usize) -> Result<MmapRaw, Error> {
    pages(file, len).and_then(|options| options.map_raw(file)).map_err(|e| Error::io("mapping the region", e))
}

/// What maps the first `len` bytes of `file`, in whole pages: of huge ones, half a page could not be
/// unmapped.
fn pages(file: &File, len: usize) -> std::io::Result<MmapOptions> {
    let len = match super::huge_page_size(file)? {
        Some(size) => len.next_multiple_of(size as usize),
        None => len,
    };
    let mut options = MmapOptions::new();
    options.len(len);
    Ok(options)
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // A truncated one is this process's, too.
        if self.owner.is_none_or(|image| image.is_current() || image.why_not() == NotHere::Truncated) {
            // SAFETY: dropped here alone, and nothing uses it afterwards: words and
            // areas share ownership of `self`.
            unsafe { ManuallyDrop::drop(&mut self.held) }
        }
    }
}

/// A shared word, alive as long as the mapping it lies in.
#[derive(Debug)]
pub(crate) struct Kept<A> {
    word: NonNull<A>,
    _mapping: Arc<Mapping>,
}

/// One of eight bytes.
pub(crate) type Word = Kept<AtomicU64>;
/// One of four.
pub(crate) type HalfWord = Kept<AtomicU32>;

// SAFETY: it gives nothing but `&A`, which any thread may use, and which stays valid wherever
// the last clone is dropped.
unsafe impl<A: Sync> Send for Kept<A> {}
// SAFETY: as above.
unsafe impl<A: Sync> Sync for Kept<A> {}

impl<A> Clone for Kept<A> {
    fn clone(&self) -> Self {
        Self { word: self.word, _mapping: Arc::clone(&self._mapping) }
    }
}

impl<A> Deref for Kept<A> {
    type Target = A;

    #[inline(always)]
    fn deref(&self) -> &A {
        // SAFETY: made of a reference by `Mapping::kept`, to a word of the mapping, which
        // `_mapping` keeps mapped.
        unsafe { self.word.as_ref() }
    }
}

/// A shared word, borrowed from the mapping or the area that it lies in.
pub(crate) type WordRef<'a> = &'a AtomicU64;

/// The bytes in which messages lie.
#[derive(Clone, Debug)]
pub struct Area {
    base: NonNull<u8>,
    len: usize,
    /// Masks a position to the offset of a word.
    words: usize,
    _mapping: Arc<Mapping>,
}

// SAFETY: its bytes are accessed by atomics and by copies that assume nothing of them.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

/// A range of an [`Area`], checked to lie within it: used with that area only.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: by itself it gives access to nothing; its area may go to any thread.
unsafe impl Send for Span {}
// SAFETY: as above.
unsafe impl Sync for Span {}

impl Area {
    /// The word at `position`, which counts on through laps of the area. The area's length
    /// must be a power of two.
    #[inline(always)]
    pub(crate) fn word(&self, position: u64) -> WordRef<'_> {
        debug_assert!(self.len.is_power_of_two() && position.is_multiple_of(8));
        let offset = position as usize & self.words;
        // SAFETY: a power of two less one, without its low three bits, or zero: below
        // `len` and a multiple of eight, as `len` is, so a word lies there.
        let ptr = unsafe { self.base.add(offset) };
        // SAFETY: the base is aligned to a word and the offset a multiple of one; the
        // area is mapped as long as `self`; access is atomic everywhere.
        unsafe { AtomicU64::from_ptr(ptr.as_ptr().cast()) }
    }

    /// The word at `offset`, or `None` where that is not one of a word of the area.
    #[inline(always)]
    pub(crate) fn checked_word(&self, offset: u64) -> Option<WordRef<'_>> {
        let offset = offset as usize;
        if offset >= self.len || !offset.is_multiple_of(size_of::<u64>()) {
            return None;
        }
        // SAFETY: below `len` and a multiple of eight, as `len` is, so a word lies there.
        let ptr = unsafe { self.base.add(offset) };
        // SAFETY: the base is aligned to a word and the offset a multiple of one; the
        // area is mapped as long as `self`; access is atomic everywhere.
        Some(unsafe { AtomicU64::from_ptr(ptr.as_ptr().cast()) })
    }

    /// The word at `offset`.
    ///
    /// # Safety
    ///
    /// A word of the area lies there.
    #[inline(always)]
    pub(super) unsafe fn word_within(&self, offset: u64) -> WordRef<'_> {
        // SAFETY: within the area, as the caller promises.
        let ptr = unsafe { self.base.add(offset as usize) };
        // SAFETY: aligned, as the caller promises; the area is mapped as long as `self`; access
        // is atomic everywhere.
        unsafe { AtomicU64::from_ptr(ptr.as_ptr().cast()) }
    }

    /// The `len` bytes at `offset`.
    ///
    /// # Safety
    ///
    /// They are all in the area.
    #[inline(always)]
    pub(super) unsafe fn span_within(&self, offset: u64, len: usize) -> Span {
        // SAFETY: within the area, as the caller promises.
        let ptr = unsafe { self.base.add(offset as usize) };
        Span { ptr, len }
    }

    /// The `len` bytes at `offset`, or `None` where they leave the area. Whether a
    /// neighbour's bytes lie in it, the caller knows.
    #[inline(always)]
    pub(crate) fn span(&self, offset: u64, len: usize) -> Option<Span> {
        if offset as usize > self.len || self.len - (offset as usize) < len {
            return None;
        }
        // SAFETY: just found to be within the area.
        Some(unsafe { self.span_within(offset, len) })
    }

    /// Fetches the line at `offset` for writing, ahead of the stores to it.
    #[inline(always)]
    pub(crate) fn expect_write(&self, offset: u64) {
        copy::prefetch_write(self.base.as_ptr().wrapping_add(offset as usize));
    }

    /// Fetches the line at `offset` for reading, ahead of the loads from it.
    #[inline(always)]
    pub(crate) fn expect_read(&self, offset: u64) {
        copy::prefetch_read(self.base.as_ptr().wrapping_add(offset as usize));
    }

    /// Fetches the line of the word at `position`, as [`word`](Self::word) finds it, for writing.
    #[inline(always)]
    pub(crate) fn expect_word(&self, position: u64) {
        copy::prefetch_write(self.base.as_ptr().wrapping_add(position as usize & self.words));
    }

    /// Copies `bytes` to the start of `span`; what does not fit is left out.
    #[inline(always)]
    pub(crate) fn write(&self, span: Span, bytes: &[u8]) {
        let len = bytes.len().min(span.len);
        // SAFETY: `len` bytes are readable at `bytes` and writable at the span, which
        // lies in an area that is mapped as long as `self`; private memory and shared
        // memory do not overlap.
        unsafe { copy::into_shared(bytes.as_ptr(), span.ptr.as_ptr(), len) }
    }

    /// Copies the start of `span` to `buf`; returns how many bytes that are.
    #[inline(always)]
    pub(crate) fn read(&self, span: Span, buf: &mut [u8]) -> usize {
        let len = buf.len().min(span.len);
        // SAFETY: `len` bytes are readable at the span, which lies in an area that is
        // mapped as long as `self`, and writable at `buf`; the two do not overlap.
        unsafe { copy::out_of_shared(span.ptr.as_ptr(), buf.as_mut_ptr(), len) }
        len
    }
}

impl Span {
    /// The address of its first byte.
    pub(crate) const fn as_ptr(self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// Its length in bytes.
    pub(crate) const fn len(self) -> usize {
        self.len
    }

    /// How many bytes lie between its start and the end of the cache line that it is in.
    pub(crate) fn to_line_end(self) -> usize {
        const LINE: usize = crate::payload::CACHE_LINE as usize;
        LINE - self.ptr.addr().get() % LINE
    }

    /// What is left of it behind the first `n` bytes; nothing where it is shorter.
    pub(crate) fn skip(self, n: usize) -> Self {
        let n = n.min(self.len);
        // SAFETY: `n` is at most the span's length, so the result is in the same area.
        let ptr = unsafe { self.ptr.add(n) };
        Self { ptr, len: self.len - n }
    }

    /// Its first `len` bytes, or all of it where it is shorter.
    pub(crate) fn first(self, len: usize) -> Self {
        Self { ptr: self.ptr, len: len.min(self.len) }
    }

    /// Lets the kernel fill the span from `fd`: one `read` call.
    pub(crate) fn fill_from(self, fd: BorrowedFd<'_>) -> std::io::Result<usize> {
        // SAFETY: the kernel writes at most `len` bytes to memory that is mapped and
        // that no Rust reference covers.
        let n = unsafe { libc::read(fd.as_raw_fd(), self.ptr.as_ptr().cast(), self.len) };
        usize::try_from(n).map_err(|_| std::io::Error::last_os_error())
    }

    /// Lets the kernel take the span's bytes to `fd`: one `write` call.
    pub(crate) fn drain_to(self, fd: BorrowedFd<'_>) -> std::io::Result<usize> {
        // SAFETY: the kernel reads at most `len` bytes of memory that is mapped.
        let n = unsafe { libc::write(fd.as_raw_fd(), self.ptr.as_ptr().cast(), self.len) };
        usize::try_from(n).map_err(|_| std::io::Error::last_os_error())
    }
}
