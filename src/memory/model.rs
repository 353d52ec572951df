//! A region in a loom model: the same words and bytes, made of loom's own primitives.
//!
//! Every word is an atomic with a cell beside it, through which loom sees who writes and
//! who copies: a store, of a header or of a payload, counts as writing the cell; copying
//! a payload out counts as reading it. So loom itself reports a payload that is copied
//! out while it may still be written, a slot that is overwritten while it may still be
//! read, and a word that two participants write without an order between them. Loads of
//! headers and cursors do not touch the cell: they may meet the store.
//!
//! Nothing else here is known to loom: a reference count of loom's, say, would order
//! threads that the ring does not order.

use std::{
    io,
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering as Std},
    },
};

use loom::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::layout::{AT_CONSUMER, AT_HEAD, AT_PRODUCER, AT_RECORD_MARK, AT_RECORD_TAG, AT_TAIL, HEADER_LEN};

/// The words of the header page that a model has.
const HEADER_WORDS: [usize; 5] = [
    AT_TAIL,
    AT_HEAD,
    AT_PRODUCER + AT_RECORD_MARK,
    AT_PRODUCER + AT_RECORD_TAG,
    AT_CONSUMER + AT_RECORD_MARK,
];

const WORD: usize = size_of::<u64>();

/// What all participants share.
#[derive(Debug)]
pub(crate) struct Memory {
    /// First [`HEADER_WORDS`], then the data area.
    slots: Vec<Slot>,
}

impl Memory {
    /// Memory with a data area of `data_len` bytes, all zero.
    pub(crate) fn new(data_len: u64) -> Arc<Self> {
        let slots = HEADER_WORDS.len() + data_len as usize / WORD;
        Arc::new(Self { slots: (0..slots).map(|_| Slot::new()).collect() })
    }
}

#[derive(Debug)]
struct Slot {
    word: AtomicU64,
    copied: Cell<u64>,
}

// SAFETY: loom runs one thread at a time, and ends the model where two uses of the cell
// are not ordered.
unsafe impl Sync for Slot {}

impl Slot {
    fn new() -> Self {
        Self { word: AtomicU64::new(0), copied: Cell::new(0) }
    }
}

/// How long a participant lives: until it has made a given number of stores.
///
/// A killed process is known to others by nothing but the stores that it made before, so
/// one whose further stores are left out is one that was killed between two of them.
#[derive(Clone, Debug)]
pub struct Life(Arc<LifeState>);

#[derive(Debug)]
struct LifeState {
    stores_left: AtomicU32,
    is_over: std::sync::atomic::AtomicBool,
}

impl Life {
    /// A life that ends before store number `stores`, counted from 0.
    pub fn of(stores: u32) -> Self {
        Self(Arc::new(LifeState { stores_left: AtomicU32::new(stores), is_over: false.into() }))
    }

    /// A life without an end.
    pub fn endless() -> Self {
        Self::of(u32::MAX)
    }

    /// Whether the participant was killed: it wanted to store, and could not.
    pub fn is_over(&self) -> bool {
        self.0.is_over.load(Std::Relaxed)
    }

    /// Counts a store; false if it is not to happen.
    fn spend(&self) -> bool {
        let lives = self.0.stores_left.fetch_update(Std::Relaxed, Std::Relaxed, |n| n.checked_sub(1)).is_ok();
        if !lives {
            self.0.is_over.store(true, Std::Relaxed);
        }
        lives
    }
}

/// The memory as one participant maps it.
#[derive(Debug)]
pub(crate) struct Mapping {
    memory: Arc<Memory>,
    life: Life,
}

impl Mapping {
    pub(crate) fn of(memory: &Arc<Memory>, life: &Life) -> Arc<Self> {
        Arc::new(Self { memory: Arc::clone(memory), life: life.clone() })
    }

    pub(crate) fn word(self: &Arc<Self>, offset: usize) -> Word {
        let slot = HEADER_WORDS.iter().position(|at| *at == offset);
        let slot = slot.unwrap_or_else(|| panic!("the model has no word at {offset}: see HEADER_WORDS"));
        Word { slot, mapping: Arc::clone(self) }
    }

    /// The whole data area.
    pub(crate) fn area(self: &Arc<Self>, offset: usize, len: usize) -> Area {
        assert_eq!(offset, HEADER_LEN);
        assert_eq!(HEADER_WORDS.len() + len / WORD, self.memory.slots.len());
        Area { len, mapping: Arc::clone(self) }
    }
}

/// One shared word.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    slot: usize,
    mapping: Arc<Mapping>,
}

impl Word {
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.slot().word.load(order)
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        if self.mapping.life.spend() {
            self.slot().copied.set(value);
            self.slot().word.store(value, order);
        }
    }

    fn slot(&self) -> &Slot {
        &self.mapping.memory.slots[self.slot]
    }
}

/// The bytes in which messages lie.
#[derive(Clone, Debug)]
pub(crate) struct Area {
    len: usize,
    mapping: Arc<Mapping>,
}

/// A range of the [`Area`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    at: usize,
    len: usize,
}

impl Area {
    /// The word at `position`, which counts on through laps of the area.
    pub(crate) fn word(&self, position: u64) -> Word {
        let offset = position as usize % self.len;
        assert!(offset.is_multiple_of(WORD), "position {position} is not one of a word");
        Word { slot: HEADER_WORDS.len() + offset / WORD, mapping: Arc::clone(&self.mapping) }
    }

    pub(crate) fn span(&self, offset: u64, len: usize) -> Option<Span> {
        let at = offset as usize;
        (at <= self.len && len <= self.len - at).then_some(Span { at, len })
    }

    /// There are no caches in a model.
    pub(crate) const fn expect_write(&self, _: u64) {}

    /// Copies `bytes` to `span`, word by word.
    pub(crate) fn write(&self, span: Span, bytes: &[u8]) {
        let len = bytes.len().min(span.len);
        for (at, chunk) in (span.at..).step_by(WORD).zip(bytes[..len].chunks(WORD)) {
            let word = self.word(at as u64);
            let mut value = word.slot().copied.get().to_le_bytes();
            value[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_le_bytes(value), Ordering::Relaxed);
        }
    }

    /// Copies the start of `span` to `buf`; returns how many bytes that are.
    pub(crate) fn read(&self, span: Span, buf: &mut [u8]) -> usize {
        let len = buf.len().min(span.len);
        for (at, chunk) in (span.at..).step_by(WORD).zip(buf[..len].chunks_mut(WORD)) {
            let value = self.word(at as u64).slot().copied.get().to_le_bytes();
            chunk.copy_from_slice(&value[..chunk.len()]);
        }
        len
    }
}

impl Span {
    /// No reference leads into a model's memory, since loom could not see its use.
    pub(crate) fn as_ptr(self) -> *mut u8 {
        panic!("a model's memory has no addresses")
    }

    pub(crate) const fn to_line_end(self) -> usize {
        const LINE: usize = crate::payload::CACHE_LINE as usize;
        LINE - self.at % LINE
    }

    pub(crate) const fn len(self) -> usize {
        self.len
    }

    pub(crate) fn skip(self, n: usize) -> Self {
        let n = n.min(self.len);
        Self { at: self.at + n, len: self.len - n }
    }

    pub(crate) fn first(self, len: usize) -> Self {
        Self { at: self.at, len: len.min(self.len) }
    }

    /// There are no files in a model.
    pub(crate) fn fill_from(self, _: BorrowedFd<'_>) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There are no files in a model.
    pub(crate) fn drain_to(self, _: BorrowedFd<'_>) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A role in a model. That one participant at a time has it is up to the model, which
/// lets a successor start only when it has joined the thread of the participant before:
/// that stands for the kernel's lock.
#[derive(Debug)]
pub(crate) struct Seat(pub(crate) Arc<Mapping>);

impl Seat {
    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.0
    }

    /// Nobody forks in a model.
    pub(crate) const fn is_here(&self) -> bool {
        true
    }

    /// Nobody removes a model's ring.
    pub(crate) const fn is_retired(&self) -> bool {
        false
    }
}
