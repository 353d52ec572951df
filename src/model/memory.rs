//! A region in a loom model: the same words and bytes, made of loom's own primitives.
//!
//! Every word of the data area is an atomic with a cell beside it, through which loom sees
//! who writes and who copies: a store, of a header or of a payload, counts as writing the
//! cell; copying a payload out counts as reading it. So loom itself reports a payload that
//! is copied out while it may still be written, a slot that is overwritten while it may
//! still be read, and a word that two participants write without an order between them.
//! Loads of headers and cursors do not touch the cell: they may meet the store. So has
//! every word of the header page and of the records; but not an exchange ring's hints and
//! entries, which all its participants may store to.
//!
//! Nothing else here is known to loom but the locks that stand for the kernel's: a
//! reference count of loom's, say, would order threads that the ring does not order.

use std::{
    io,
    os::fd::BorrowedFd,
    sync::{Arc, atomic::Ordering as Std},
};

use loom::{
    cell::Cell,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use crate::{
    geometry::{Exchange, Geometry},
    layout::{
        AT_CONSUMER, AT_CONSUMERS_WAIT, AT_HEAD, AT_PRODUCER, AT_PRODUCERS_WAIT, AT_RECORD_ATTACHMENTS,
        AT_RECORD_DISPLACED, AT_RECORD_DISPLACED_BEFORE, AT_RECORD_DROPPED, AT_RECORD_DROPPED_BEFORE,
        AT_RECORD_MARK, AT_RECORD_PID, AT_RECORD_PRODUCERS, AT_RECORD_REDELIVERED, AT_RECORD_ROLE,
        AT_RECORD_SINCE, AT_RECORD_STATE, AT_RECORD_TAG, AT_SESSION, AT_TAIL, RECORD_EXPECTED, RECORD_HELD,
        RECORD_INTENT, RECORD_LAST, RECORD_LAST_TAG, RECORD_NEXT_TAG,
    },
};

/// The words of the header page that an SPSC model has.
const SPSC_WORDS: [usize; 5] = [
    AT_TAIL,
    AT_HEAD,
    AT_PRODUCER + AT_RECORD_MARK,
    AT_PRODUCER + AT_RECORD_TAG,
    AT_CONSUMER + AT_RECORD_MARK,
];

/// The words of a record in an exchange ring, before those of the held slots.
const RECORD_WORDS: [usize; 16] = [
    AT_RECORD_STATE,
    AT_RECORD_PID,
    AT_RECORD_ATTACHMENTS,
    AT_RECORD_SINCE,
    AT_RECORD_ROLE,
    AT_RECORD_REDELIVERED,
    AT_RECORD_DROPPED,
    AT_RECORD_DROPPED_BEFORE,
    AT_RECORD_DISPLACED,
    AT_RECORD_DISPLACED_BEFORE,
    AT_RECORD_PRODUCERS,
    RECORD_INTENT,
    RECORD_EXPECTED,
    RECORD_LAST,
    RECORD_LAST_TAG,
    RECORD_NEXT_TAG,
];

const WORD: usize = size_of::<u64>();

/// What all participants share: the words that a model has, in the order of their offsets.
#[derive(Debug)]
pub(crate) struct Memory {
    offsets: Vec<usize>,
    slots: Vec<Slot>,
    /// Which participants' records are locked.
    locks: Vec<AtomicBool>,
    waits: Option<Waits>,
}

/// What a model has in which participants sleep, and the ring is closed.
#[derive(Debug)]
struct Waits {
    has_membarrier: bool,
    /// By the words' offsets.
    words: Vec<(usize, Sleepers)>,
}

/// A word, and those who sleep on it.
#[derive(Debug)]
struct Sleepers {
    word: AtomicU32,
    bed: Arc<Bed>,
}

/// What is slept on, of one word, or of several on which somebody sleeps at once.
#[derive(Debug)]
struct Bed {
    lock: Mutex<()>,
    woken: Condvar,
}

impl Bed {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: Mutex::new(()), woken: Condvar::new() })
    }
}

/// How participants wait in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// Not at all: they look again and again, and nobody closes the ring. There are no words
    /// to sleep on, nor the fences behind each change of the ring, which would order more.
    Never,
    /// They sleep, and have the kernel fence others.
    WithMembarrier,
    /// They sleep, and the kernel fences nobody.
    WithoutMembarrier,
}

impl Memory {
    /// The memory of a ring of this geometry, all zero.
    pub(crate) fn new(geometry: &Geometry, sleep: Sleep) -> Arc<Self> {
        Arc::new(Self::of(geometry, sleep, Bed::new()))
    }

    /// The same, where one can sleep on its consumers' word and on that of `other` at once.
    pub(crate) fn beside(geometry: &Geometry, sleep: Sleep, other: &Self) -> Arc<Self> {
        let words = other.waits.iter().flat_map(|waits| &waits.words);
        let mut bed =
            words.filter(|(at, _)| *at == AT_CONSUMERS_WAIT).map(|(_, sleepers)| Arc::clone(&sleepers.bed));
        Arc::new(Self::of(geometry, sleep, bed.next().unwrap_or_else(Bed::new)))
    }

    fn of(geometry: &Geometry, sleep: Sleep, of_consumers: Arc<Bed>) -> Self {
        let data = geometry.data_offset() as usize..geometry.region_len() as usize;
        let mut all = vec![];
        match geometry.exchange {
            None => all.extend(SPSC_WORDS.map(|at| (at, Slot::of_one_writer()))),
            Some(exchange) => all.extend(exchange_words(exchange, geometry.capacity)),
        }
        all.extend(data.step_by(WORD).map(|at| (at, Slot::of_one_writer())));
        all.sort_by_key(|(at, _)| *at);
        let (offsets, slots) = all.into_iter().unzip();
        let participants = geometry.exchange.map_or(0, |exchange| exchange.participants);
        let locks = (0..participants).map(|_| AtomicBool::new(false)).collect();
        let sleepers = |bed| Sleepers { word: AtomicU32::new(0), bed };
        let waits = (sleep != Sleep::Never).then(|| Waits {
            has_membarrier: sleep == Sleep::WithMembarrier,
            words: vec![
                (AT_SESSION, sleepers(Bed::new())),
                (AT_CONSUMERS_WAIT, sleepers(of_consumers)),
                (AT_PRODUCERS_WAIT, sleepers(Bed::new())),
            ],
        });
        Self { offsets, slots, locks, waits }
    }

    /// The lock on the record of participant `number`.
    pub(crate) fn lock(&self, number: u32) -> &AtomicBool {
        &self.locks[number as usize]
    }

    fn index(&self, offset: usize) -> usize {
        self.offsets.binary_search(&offset).unwrap_or_else(|_| panic!("the model has no word at {offset}"))
    }
}

fn exchange_words(exchange: Exchange, capacity: u64) -> Vec<(usize, Slot)> {
    let mut all = vec![(AT_TAIL, Slot::of_all()), (AT_HEAD, Slot::of_all())];
    for number in 0..exchange.participants {
        let held = (0..2 * exchange.held as usize).map(|place| RECORD_HELD + WORD * place);
        let words = RECORD_WORDS.into_iter().chain(held);
        all.extend(words.map(|at| (exchange.record(number) + at, Slot::of_one_writer())));
    }
    let entries = (0..capacity as usize).map(|entry| exchange.entries_offset() + WORD * entry);
    all.extend(entries.map(|at| (at, Slot::of_all())));
    all
}

#[derive(Debug)]
struct Slot {
    word: AtomicU64,
    copied: Option<Cell<u64>>,
}

// SAFETY: loom runs one thread at a time, and ends the model where two uses of the cell
// are not ordered.
unsafe impl Sync for Slot {}

impl Slot {
    /// A word that is stored to by one participant after the other.
    fn of_one_writer() -> Self {
        Self { word: AtomicU64::new(0), copied: Some(Cell::new(0)) }
    }

    /// A word that anyone may store to at any time.
    fn of_all() -> Self {
        Self { word: AtomicU64::new(0), copied: None }
    }

    fn copied(&self) -> u64 {
        self.copied.as_ref().expect("a word of the data area").get()
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
    stores_left: std::sync::atomic::AtomicU32,
    is_over: std::sync::atomic::AtomicBool,
}

impl Life {
    /// A life that ends before store number `stores`, counted from 0.
    pub fn of(stores: u32) -> Self {
        Self(Arc::new(LifeState { stores_left: stores.into(), is_over: false.into() }))
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
    /// A model has no files that could be cut.
    pub(crate) const fn look_at_its_end(&self) {}

    pub(crate) fn of(memory: &Arc<Memory>, life: &Life) -> Arc<Self> {
        Arc::new(Self { memory: Arc::clone(memory), life: life.clone() })
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) const fn life(&self) -> &Life {
        &self.life
    }

    pub(crate) fn word(self: &Arc<Self>, offset: usize) -> Word {
        Word { slot: self.memory.index(offset), mapping: Arc::clone(self) }
    }

    pub(crate) fn half_word_kept(self: &Arc<Self>, offset: usize) -> HalfWord {
        let there = self.memory.waits.as_ref();
        let index = there.and_then(|waits| waits.words.iter().position(|(at, _)| *at == offset));
        HalfWord { index, mapping: Arc::clone(self) }
    }

    pub(crate) fn area(self: &Arc<Self>, offset: usize, len: usize) -> Area {
        Area { base: offset, len, mapping: Arc::clone(self) }
    }
}

/// One shared word.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    slot: usize,
    mapping: Arc<Mapping>,
}

/// A word that is used at once: here the same as one that is kept.
pub(crate) type WordRef<'a> = <&'a Area as HasWords>::Word;

/// What gives words.
pub(crate) trait HasWords {
    type Word;
}

impl HasWords for &Area {
    type Word = Word;
}

impl Word {
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.slot().word.load(order)
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        if self.mapping.life.spend() {
            if let Some(copied) = &self.slot().copied {
                copied.set(value);
            }
            self.slot().word.store(value, order);
        }
    }

    /// Succeeds for one that is no longer alive, so that it comes to an end.
    pub(crate) fn compare_exchange(
        &self,
        found: u64,
        value: u64,
        done: Ordering,
        failed: Ordering,
    ) -> Result<u64, u64> {
        if self.mapping.life.spend() {
            self.slot().word.compare_exchange(found, value, done, failed)
        } else {
            Ok(found)
        }
    }

    fn slot(&self) -> &Slot {
        &self.mapping.memory.slots[self.slot]
    }
}

/// A word that participants sleep on, or that says whether the ring is closed. Where the model
/// has none, it is zero for ever.
#[derive(Clone, Debug)]
pub(crate) struct HalfWord {
    index: Option<usize>,
    mapping: Arc<Mapping>,
}

impl HalfWord {
    pub(crate) const fn is_there(&self) -> bool {
        self.index.is_some()
    }

    pub(crate) fn has_membarrier(&self) -> bool {
        self.mapping.memory.waits.as_ref().is_some_and(|waits| waits.has_membarrier)
    }

    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.sleepers().map_or(0, |sleepers| sleepers.word.load(order))
    }

    pub(crate) fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
        self.alive().map_or(0, |sleepers| sleepers.word.fetch_or(bits, order))
    }

    pub(crate) fn fetch_and(&self, bits: u32, order: Ordering) -> u32 {
        self.alive().map_or(0, |sleepers| sleepers.word.fetch_and(bits, order))
    }

    /// Succeeds for one that is no longer alive, so that it comes to an end.
    pub(crate) fn compare_exchange(
        &self,
        found: u32,
        value: u32,
        done: Ordering,
        failed: Ordering,
    ) -> Result<u32, u32> {
        self.alive().map_or(Ok(found), |sleepers| sleepers.word.compare_exchange(found, value, done, failed))
    }

    /// Sleeps, if the word is `expected`, until somebody wakes all.
    pub(crate) fn sleep_while(&self, expected: u32) {
        let Some(sleepers) = self.alive() else { return };
        let guard = sleepers.bed.lock.lock().expect("no thread panics with it");
        if sleepers.word.load(Ordering::Acquire) == expected {
            drop(sleepers.bed.woken.wait(guard));
        }
    }

    /// Sleeps, if each of `words` is as is expected of it, until somebody wakes all who sleep on one.
    pub(crate) fn sleep_while_all(words: &[(&Self, u32)]) {
        let Some(first) = words.first().and_then(|(word, _)| word.alive()) else { return };
        let mut guard = first.bed.lock.lock().expect("no thread panics with it");
        let is = |(word, expected): &(&Self, u32)| word.load(Ordering::Acquire) == *expected;
        // Whoever wakes on the other's account sleeps on.
        while words.iter().all(is) {
            guard = first.bed.woken.wait(guard).expect("no thread panics with it");
        }
    }

    pub(crate) fn wake_all(&self) {
        let Some(sleepers) = self.alive() else { return };
        let guard = sleepers.bed.lock.lock().expect("no thread panics with it");
        sleepers.bed.woken.notify_all();
        drop(guard);
    }

    fn sleepers(&self) -> Option<&Sleepers> {
        Some(&self.mapping.memory.waits.as_ref()?.words.get(self.index?)?.1)
    }

    /// The same, for one that lives on.
    fn alive(&self) -> Option<&Sleepers> {
        self.sleepers().filter(|_| self.mapping.life.spend())
    }
}

/// A range of words: records, entries, or the bytes in which messages lie.
#[derive(Clone, Debug)]
pub struct Area {
    base: usize,
    len: usize,
    mapping: Arc<Mapping>,
}

/// A range of the [`Area`].
#[derive(Clone, Copy, Debug)]
pub struct Span {
    at: usize,
    len: usize,
}

impl Area {
    /// The word at `position`, which counts on through laps of the area.
    pub(crate) fn word(&self, position: u64) -> Word {
        let offset = position as usize % self.len;
        assert!(offset.is_multiple_of(WORD), "position {position} is not one of a word");
        self.mapping.word(self.base + offset)
    }

    pub(crate) fn checked_word(&self, offset: u64) -> Option<Word> {
        ((offset as usize) < self.len).then(|| self.word(offset))
    }

    /// # Safety
    ///
    /// Always safe here: loom's words are checked.
    pub(crate) unsafe fn word_within(&self, offset: u64) -> Word {
        self.word(offset)
    }

    /// # Safety
    ///
    /// As above.
    pub(crate) const unsafe fn span_within(&self, offset: u64, len: usize) -> Span {
        Span { at: offset as usize, len }
    }

    pub(crate) fn span(&self, offset: u64, len: usize) -> Option<Span> {
        let at = offset as usize;
        (at <= self.len && len <= self.len - at).then_some(Span { at, len })
    }

    /// There are no caches in a model.
    pub(crate) const fn expect_write(&self, _: u64) {}

    pub(crate) const fn expect_word(&self, _: u64) {}

    pub(crate) const fn expect_read(&self, _: u64) {}

    /// Copies `bytes` to `span`, word by word.
    pub(crate) fn write(&self, span: Span, bytes: &[u8]) {
        let len = bytes.len().min(span.len);
        for (at, chunk) in (span.at..).step_by(WORD).zip(bytes[..len].chunks(WORD)) {
            let word = self.word(at as u64);
            let mut value = word.slot().copied().to_le_bytes();
            value[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_le_bytes(value), Ordering::Relaxed);
        }
    }

    /// Copies the start of `span` to `buf`; returns how many bytes that are.
    pub(crate) fn read(&self, span: Span, buf: &mut [u8]) -> usize {
        let len = buf.len().min(span.len);
        for (at, chunk) in (span.at..).step_by(WORD).zip(buf[..len].chunks_mut(WORD)) {
            let value = self.word(at as u64).slot().copied().to_le_bytes();
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
