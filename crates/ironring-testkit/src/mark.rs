//! The victim's side of single-stepping: where the operation begins and ends.
//!
//! ```
//! use ironring_testkit::mark;
//!
//! let mut sum = 0u64;
//! mark::begin();
//! sum += 1;
//! mark::end();
//! ```
//!
//! In a victim of [`Role::spawn_traced`](crate::Role::spawn_traced) each mark is a trap that stops
//! it for its tracer. In any other process a mark is a comparison and a jump. Either way the
//! compiler moves no access to shared memory across a mark.
//!
//! How a mark looks, and what counts as the operation's:
//!
//! ```text
//! begin:  cmp  byte ptr [TRAPS], 0
//!         je   1f
//!         int3                        <- the victim stops behind this, at count 0
//!      1: the operation, n instructions
//! end:    cmp  byte ptr [TRAPS], 0    <- counted, END_INSTRUCTIONS
//!         je   2f                     <- counted
//!         int3                        <- the operation has ended, at count n + END_INSTRUCTIONS
//!         nop  "RING"                 <- tells this int3 from begin's
//!      2:
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the marks trap. Set at most once, before the role runs.
static TRAPS: AtomicBool = AtomicBool::new(false);

/// A no-operation of seven bytes that behind an `int3` says: this is the end.
#[cfg(target_arch = "x86_64")]
const END_TAG: [u8; 7] = *b"\x0f\x1f\x80RING";
#[cfg(not(target_arch = "x86_64"))]
const END_TAG: [u8; 7] = [0xff; 7];

/// How many instructions of [`end`] itself are counted before it traps. Each is one more point at
/// which a victim may be killed, with its operation complete.
pub const END_INSTRUCTIONS: u64 = 2;

/// Begins the operation to be stepped through.
///
/// ```
/// ironring_testkit::mark::begin();
/// // The operation.
/// ironring_testkit::mark::end();
/// ```
#[inline(always)]
pub fn begin() {
    // SAFETY: reads one byte of a static and changes nothing but flags. The trap stops a traced
    // process; once its tracer let it go, the signal's handler does nothing.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!(
            "cmp byte ptr [rip + {traps}], 0",
            "je 2f",
            "int3",
            "2:",
            traps = sym TRAPS,
            options(nostack),
        );
    }
}

/// Ends the operation to be stepped through.
///
/// ```
/// ironring_testkit::mark::begin();
/// // The operation.
/// ironring_testkit::mark::end();
/// ```
#[inline(always)]
pub fn end() {
    // SAFETY: as in `begin`; END_TAG is a no-operation.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!(
            "cmp byte ptr [rip + {traps}], 0",
            "je 2f",
            "int3",
            ".byte 0x0f, 0x1f, 0x80",
            ".ascii \"RING\"",
            "2:",
            traps = sym TRAPS,
            options(nostack),
        );
    }
}

/// Whether `code`, which follows an `int3`, says that it was the end's.
pub(crate) fn is_end(code: [u8; 8]) -> bool {
    code.starts_with(&END_TAG)
}

/// Makes the marks of this process trap.
///
/// The handler is for the time after its tracer let it go: without one a trap would kill it.
pub(crate) fn trap_from_now_on() {
    extern "C" fn nothing(_signal: libc::c_int) {}
    let handler = nothing as extern "C" fn(libc::c_int);
    // SAFETY: the handler does nothing, which may be done in any thread at any time.
    let before = unsafe { libc::signal(libc::SIGTRAP, handler as libc::sighandler_t) };
    assert_ne!(before, libc::SIG_ERR, "SIGTRAP can be handled");
    // Relaxed: the role starts behind this in the same thread.
    TRAPS.store(true, Ordering::Relaxed);
}
