//! A file that is cut short under its mappings: an error, where this was asked for, instead of the
//! process's death.
//!
//! Touching a page behind a file's end raises SIGBUS in the thread that did it. The handler looks
//! whether the page is one of a ring's, puts pages of zeros in place of the whole mapping, and lets the
//! thread go on; and it marks the image of that mapping, which every operation compares anyway before it
//! touches anything. So an operation costs no more, and the next one finds that its ring is gone.

use std::{
    io, ptr,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{
    error::Error,
    region::{Image, wiped_on_fork},
};

/// Makes this process get errors, and not die, when a ring's file is truncated by somebody: opt-in, since
/// it installs a handler for SIGBUS.
///
/// Call it before rings are made or opened: what was mapped before is not guarded. A call that was under way
/// when the file was truncated fails, or reports what it could not know to be lost; each one after that gives
/// [`SendError::Truncated`](crate::SendError::Truncated) or
/// [`RecvError::Truncated`](crate::RecvError::Truncated). Whoever sleeps learns within a second.
/// The other calls on such a ring find no header, and say that.
///
/// References to messages (of [`Trusting`](crate::Trusting) handles) then point to zeros.
///
/// Faults that are none of a ring's go to the handler that was there before, or end the process as
/// they would have. Calling this again does nothing. A child that was forked has the guard, for what it
/// maps itself and for the rings that it inherited.
///
/// ```
/// use ironring::{Options, RecvError, spsc};
///
/// ironring::guard_against_truncation()?;
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("ring");
/// let ring = spsc::Ring::<[u8]>::create(&path, &Options::bytes(64 << 10))?;
/// let mut consumer = ring.consumer()?;
/// std::fs::File::options().write(true).open(&path)?.set_len(0)?;
/// assert!(consumer.try_recv().is_err()); // it finds out
/// assert_eq!(consumer.recv().err(), Some(RecvError::Truncated));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Io`] if the system refuses memory, or the handler.
pub fn guard_against_truncation() -> Result<(), Error> {
    static IS_INSTALLED: Mutex<bool> = Mutex::new(false);
    let failed = |error| Error::io("installing the guard against truncation", error);
    // Nothing is left half done where a thread panics with it.
    let mut is_installed = IS_INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if *is_installed {
        return Ok(());
    }
    let guard = match GUARD.get() {
        Some(guard) => guard,
        None => {
            let guard = Guard {
                places: (0..PLACES).map(|_| Place::default()).collect(),
                images: wiped_on_fork(PLACES).map_err(failed)?,
                before: action(None).map_err(failed)?,
            };
            // Set before the handler can run.
            GUARD.get_or_init(|| guard)
        }
    };
    let mut ours = guard.before;
    ours.sa_sigaction = on_bus_error as *const () as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    action(Some(&ours)).map_err(failed)?;
    *is_installed = true;
    Ok(())
}

/// How many mappings can be guarded at a time.
const PLACES: usize = 4096;
/// What an image is where the file under its mapping is gone; no process is this.
pub(crate) const TRUNCATED: u64 = u64::MAX;
/// The range of a place that is being taken.
const TAKEN: u64 = 1;
/// The smallest page, and the bits of a range that count such pages: up to a terabyte of them.
const PAGE: u64 = 4096;
const COUNT_BITS: u32 = 28;

static GUARD: OnceLock<Guard> = OnceLock::new();

struct Guard {
    places: Box<[Place]>,
    /// The images of the mappings that a forked child does not inherit, a place each: zero there.
    images: &'static [AtomicU64],
    /// What was done with the signal before.
    before: libc::sigaction,
}

/// A mapping that is guarded.
#[derive(Default)]
struct Place {
    /// The number of its first page, and behind that how many there are: in one word, so that a handler
    /// never sees the one of this mapping and the other of the next. Zero where the place is free.
    range: AtomicU64,
    /// Whether a forked child has it, too.
    is_inherited: AtomicBool,
}

/// A mapping's place; to be dropped before it is unmapped.
#[derive(Debug)]
pub(super) struct Guarded(usize);

/// Guards a mapping of a file, if this was asked for: the `len` bytes, of whole pages, at `base`. One that
/// a forked child does not inherit has an image, which is another one then.
pub(super) fn guard(
    base: *mut u8,
    len: usize,
    image: Option<Image>,
) -> Result<(Option<Guarded>, Option<Image>), Error> {
    let Some(guard) = GUARD.get() else { return Ok((None, image)) };
    let place = guard.take(base, len, image)?;
    let image = image.map(|image| image.kept_in(&guard.images[place.0]));
    Ok((Some(place), image))
}

impl Guard {
    fn take(&self, base: *mut u8, len: usize, image: Option<Image>) -> Result<Guarded, Error> {
        let range = packed(base.addr(), len)?;
        let is_free = |(number, place): &(usize, &Place)| {
            let range = place.range.load(Ordering::Relaxed);
            // Or of a parent, in a child that has not inherited it.
            let is_stale = range > TAKEN
                && !place.is_inherited.load(Ordering::Relaxed)
                && self.images[*number].load(Ordering::Relaxed) == 0;
            (range == 0 || is_stale)
                // Relaxed: only this process has places, and what they say is published below.
                && place.range.compare_exchange(range, TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        let (number, place) =
            self.places.iter().enumerate().find(is_free).ok_or_else(|| Error::Unsupported {
                found: format!("{PLACES} mappings of rings that are guarded against truncation"),
                needed: "fewer: drop handles and rings that are not used",
            })?;
        place.is_inherited.store(image.is_none(), Ordering::Relaxed);
        self.images[number].store(image.map_or(0, Image::number), Ordering::Relaxed);
        // Release: pairs with the Acquire in `replace`.
        place.range.store(range, Ordering::Release);
        Ok(Guarded(number))
    }

    /// Puts pages of zeros in place of the mapping that has `address`; false if none has. Called by
    /// a signal handler: it does nothing but loads, stores and system calls.
    fn replace(&self, address: usize) -> bool {
        for (place, image) in self.places.iter().zip(self.images) {
            // Acquire: pairs with the Release in `take`.
            let (base, len) = unpacked(place.range.load(Ordering::Acquire));
            if base == 0 || !(base..base + len).contains(&address) {
                continue;
            }
            let is_inherited = place.is_inherited.load(Ordering::Relaxed);
            if !is_inherited && image.load(Ordering::Relaxed) == 0 {
                continue;
            }
            if !is_inherited {
                image.store(TRUNCATED, Ordering::Relaxed);
            }
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let at = ptr::without_provenance_mut(base);
            // SAFETY: the range is that of a mapping which is there until its place is free, and which a
            // thread of this process is using right now. Nothing relies on what it contains.
            let zeros = unsafe { libc::mmap(at, len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
            if zeros == libc::MAP_FAILED {
                return false;
            }
            if !is_inherited {
                // SAFETY: the range is the one that was mapped just now. If it fails, a child has zeros more.
                unsafe { libc::madvise(zeros, len, libc::MADV_DONTFORK) };
            }
            return true;
        }
        false
    }
}

/// Where a mapping lies and how long it is, in one word.
fn packed(base: usize, len: usize) -> Result<u64, Error> {
    let (first, count) = (base as u64 / PAGE, (len as u64).div_ceil(PAGE));
    if first >> (u64::BITS - COUNT_BITS) != 0 || count >> COUNT_BITS != 0 {
        return Err(Error::Unsupported {
            found: format!("a mapping of {len} bytes at {base:#x}"),
            needed: "less than a terabyte within the lower 256 TiB, to guard it against truncation",
        });
    }
    Ok(first << COUNT_BITS | count)
}

fn unpacked(range: u64) -> (usize, usize) {
    let (first, count) = (range >> COUNT_BITS, range & ((1 << COUNT_BITS) - 1));
    ((first * PAGE) as usize, (count * PAGE) as usize)
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let guard = GUARD.get().expect("it was taken of one");
        guard.places[self.0].range.store(0, Ordering::Release);
    }
}

/// The handler.
extern "C" fn on_bus_error(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // Of a page that is not there, and not of memory that is broken.
    const BUS_ADRERR: libc::c_int = 2;
    let Some(guard) = GUARD.get() else { return };
    // SAFETY: the kernel gives a valid one to a handler that was installed with SA_SIGINFO.
    let about = unsafe { &*info };
    // SAFETY: the signal is one that has an address; one that was sent has another number there.
    let address = unsafe { about.si_addr() };
    // SAFETY: it gives the address of this thread's own number.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: it may be read by its own thread.
    let before = unsafe { *errno };
    let is_ours = about.si_code == BUS_ADRERR && guard.replace(address.addr());
    // SAFETY: it may be written by its own thread.
    unsafe { *errno = before };
    if !is_ours {
        pass_on(&guard.before, signal, info, context);
    }
}

/// Does with the signal what was done before.
fn pass_on(
    before: &libc::sigaction,
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let handler = before.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        // The fault comes again when this returns, and is not to be survived; one that was sent by a
        // process, and is ignored, stays so.
        // SAFETY: `si_code` as in the handler.
        let is_sent = unsafe { (*info).si_code } <= 0;
        if handler == libc::SIG_IGN && is_sent {
            return;
        }
        // SAFETY: SIG_DFL is an action for this signal.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        if is_sent {
            // SAFETY: it sends a signal to this thread, which ends the process when the handler returns.
            unsafe { libc::raise(signal) };
        }
    } else if before.sa_flags & libc::SA_SIGINFO != 0 {
        type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: it was installed with SA_SIGINFO, as a function of this type.
        let handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: it was installed without SA_SIGINFO, as a function of this type.
        let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(handler) };
        handler(signal);
    }
}

/// Sets what is done with SIGBUS, if that is given; tells what was done before.
fn action(new: Option<&libc::sigaction>) -> io::Result<libc::sigaction> {
    // SAFETY: plain numbers, for which zero is a value.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `new` is null or readable, and `before` is writable.
    match unsafe { libc::sigaction(libc::SIGBUS, new, &raw mut before) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(before),
    }
}
