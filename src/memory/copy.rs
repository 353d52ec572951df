//! Copies between private memory and memory that other processes may write.
//!
//! An ordinary copy may be read twice by optimised code: once where a value is checked
//! and once where it is used, with a peer's write in between. These copies read each byte
//! once: short ones word by word through relaxed atomics, longer ones in assembly, which
//! the compiler does not look into. They order nothing; the headers and cursors do.
//!
//! Which way is fastest for which length was measured (docs/BENCHMARKS.md): words while
//! they are few, 16-byte moves beyond, and for whole pages the processor's own string copy.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// The longest copy into shared memory that goes word by word, in bytes.
const WORDS_IN: usize = 128;
/// The shortest copy that is left to the processor's string copy.
#[cfg(target_arch = "x86_64")]
const STRING: usize = 2048;

/// Copies `len` bytes from private to shared memory.
///
/// # Safety
///
/// `src` is readable and `dst` writable for `len` bytes; they do not overlap; no Rust
/// reference covers the bytes at `dst`.
#[inline(always)]
pub(super) unsafe fn into_shared(src: *const u8, dst: *mut u8, len: usize) {
    if HAS_ASSEMBLY && (8..=64).contains(&len) {
        // SAFETY: as this function's, and the length is one that `short_in` takes.
        unsafe { short_in(src, dst, len) }
    } else if (len <= WORDS_IN || !HAS_ASSEMBLY) && dst.cast::<u64>().is_aligned() {
        // SAFETY: as this function's, and `dst` is aligned to a word.
        unsafe { words_in(src, dst, len) }
    } else {
        // SAFETY: as this function's.
        unsafe { long(src, dst, len) }
    }
}

/// Copies `len` bytes from shared to private memory.
///
/// # Safety
///
/// `src` is readable and `dst` writable for `len` bytes; they do not overlap; no Rust
/// reference covers the bytes at `src`.
#[inline(always)]
pub(super) unsafe fn out_of_shared(src: *const u8, dst: *mut u8, len: usize) {
    if HAS_ASSEMBLY && (8..=64).contains(&len) {
        // SAFETY: as this function's, and the length is one that `short_out` takes.
        unsafe { short_out(src, dst, len) }
    } else if (len < 8 || !HAS_ASSEMBLY) && src.cast::<u64>().is_aligned() {
        // SAFETY: as this function's, and `src` is aligned to a word.
        unsafe { words_out(src, dst, len) }
    } else {
        // SAFETY: as this function's.
        unsafe { long(src, dst, len) }
    }
}

/// # Safety
///
/// That of [`into_shared`], and `dst` is aligned to a word.
#[inline(always)]
unsafe fn words_in(src: *const u8, dst: *mut u8, len: usize) {
    let mut at = 0;
    while at + 8 <= len {
        // SAFETY: `at + 8` is at most `len`, which is readable from `src`.
        let from = unsafe { src.add(at) };
        // SAFETY: eight bytes are readable there, at any alignment.
        let word = unsafe { from.cast::<u64>().read_unaligned() };
        // SAFETY: `at + 8` is at most `len`, which is writable from `dst`.
        let to = unsafe { dst.add(at) };
        // SAFETY: aligned, since `dst` is and `at` is a multiple of eight.
        unsafe { AtomicU64::from_ptr(to.cast()) }.store(word, Relaxed);
        at += 8;
    }
    while at < len {
        // SAFETY: `at` is below `len`.
        let from = unsafe { src.add(at) };
        // SAFETY: readable, as above.
        let byte = unsafe { from.read() };
        // SAFETY: `at` is below `len`.
        let to = unsafe { dst.add(at) };
        // SAFETY: writable, as above.
        unsafe { AtomicU8::from_ptr(to) }.store(byte, Relaxed);
        at += 1;
    }
}

/// # Safety
///
/// That of [`out_of_shared`], and `src` is aligned to a word.
#[inline(always)]
unsafe fn words_out(src: *const u8, dst: *mut u8, len: usize) {
    let mut at = 0;
    while at + 8 <= len {
        // SAFETY: `at + 8` is at most `len`, which is readable from `src`.
        let from = unsafe { src.add(at) }.cast_mut();
        // SAFETY: aligned, since `src` is and `at` is a multiple of eight; only loaded.
        let word = unsafe { AtomicU64::from_ptr(from.cast()) }.load(Relaxed);
        // SAFETY: `at + 8` is at most `len`, which is writable from `dst`.
        let to = unsafe { dst.add(at) };
        // SAFETY: eight bytes are writable there, at any alignment.
        unsafe { to.cast::<u64>().write_unaligned(word) };
        at += 8;
    }
    while at < len {
        // SAFETY: `at` is below `len`.
        let from = unsafe { src.add(at) }.cast_mut();
        // SAFETY: readable, as above; only loaded.
        let byte = unsafe { AtomicU8::from_ptr(from) }.load(Relaxed);
        // SAFETY: `at` is below `len`.
        let to = unsafe { dst.add(at) };
        // SAFETY: writable, as above.
        unsafe { to.write(byte) };
        at += 1;
    }
}

#[cfg(target_arch = "x86_64")]
const HAS_ASSEMBLY: bool = true;
#[cfg(not(target_arch = "x86_64"))]
const HAS_ASSEMBLY: bool = false;

/// Copies the last and then the first half of 8 to 64 bytes, which overlap, by moves of one
/// word, so that of two cache lines the second is written before the first (see
/// `stage_bytes` in `spsc/tail.rs`): what a message is written with just before it is sent most often are words, and
/// a wider load would have to wait for them to leave the store buffer.
///
/// # Safety
///
/// `src` is readable and `dst` writable for `len` bytes, 8 to 64; they do not overlap.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn short_in(src: *const u8, dst: *mut u8, len: usize) {
    use core::arch::asm;
    if len <= 16 {
        // SAFETY: the first and the last 8 bytes are within `len`.
        unsafe {
            asm!(
                "mov {a}, [{src}]",
                "mov {b}, [{src} + {len} - 8]",
                "mov [{dst} + {len} - 8], {b}",
                "mov [{dst}], {a}",
                src = in(reg) src, dst = in(reg) dst, len = in(reg) len,
                a = out(reg) _, b = out(reg) _,
                options(nostack, preserves_flags)
            );
        }
    } else if len <= 32 {
        // SAFETY: the first and the last 16 bytes are within `len`.
        unsafe {
            asm!(
                "mov {a}, [{src}]",
                "mov {b}, [{src} + 8]",
                "mov {c}, [{src} + {len} - 16]",
                "mov {d}, [{src} + {len} - 8]",
                "mov [{dst} + {len} - 16], {c}",
                "mov [{dst} + {len} - 8], {d}",
                "mov [{dst}], {a}",
                "mov [{dst} + 8], {b}",
                src = in(reg) src, dst = in(reg) dst, len = in(reg) len,
                a = out(reg) _, b = out(reg) _, c = out(reg) _, d = out(reg) _,
                options(nostack, preserves_flags)
            );
        }
    } else {
        // SAFETY: the first and the last 32 bytes are within `len`.
        unsafe {
            asm!(
                "mov {a}, [{src} + {len} - 32]",
                "mov {b}, [{src} + {len} - 24]",
                "mov {c}, [{src} + {len} - 16]",
                "mov {d}, [{src} + {len} - 8]",
                "mov [{dst} + {len} - 32], {a}",
                "mov [{dst} + {len} - 24], {b}",
                "mov [{dst} + {len} - 16], {c}",
                "mov [{dst} + {len} - 8], {d}",
                "mov {a}, [{src}]",
                "mov {b}, [{src} + 8]",
                "mov {c}, [{src} + 16]",
                "mov {d}, [{src} + 24]",
                "mov [{dst}], {a}",
                "mov [{dst} + 8], {b}",
                "mov [{dst} + 16], {c}",
                "mov [{dst} + 24], {d}",
                src = in(reg) src, dst = in(reg) dst, len = in(reg) len,
                a = out(reg) _, b = out(reg) _, c = out(reg) _, d = out(reg) _,
                options(nostack, preserves_flags)
            );
        }
    }
}

/// Copies the first and the last half of 8 to 64 bytes, which overlap.
///
/// # Safety
///
/// `src` is readable and `dst` writable for `len` bytes, 8 to 64; they do not overlap.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn short_out(src: *const u8, dst: *mut u8, len: usize) {
    use core::arch::asm;
    if len <= 16 {
        // SAFETY: as this function's; 8 to 16 bytes are a length that `short_in` takes.
        unsafe { short_in(src, dst, len) }
    } else if len <= 32 {
        // SAFETY: the first and the last 16 bytes are within `len`.
        unsafe {
            asm!(
                "movups {a}, [{src}]",
                "movups {b}, [{src} + {len} - 16]",
                "movups [{dst}], {a}",
                "movups [{dst} + {len} - 16], {b}",
                src = in(reg) src, dst = in(reg) dst, len = in(reg) len,
                a = out(xmm_reg) _, b = out(xmm_reg) _,
                options(nostack, preserves_flags)
            );
        }
    } else {
        // SAFETY: the first and the last 32 bytes are within `len`.
        unsafe {
            asm!(
                "movups {a}, [{src}]",
                "movups {b}, [{src} + 16]",
                "movups {c}, [{src} + {len} - 32]",
                "movups {d}, [{src} + {len} - 16]",
                "movups [{dst}], {a}",
                "movups [{dst} + 16], {b}",
                "movups [{dst} + {len} - 32], {c}",
                "movups [{dst} + {len} - 16], {d}",
                src = in(reg) src, dst = in(reg) dst, len = in(reg) len,
                a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                options(nostack, preserves_flags)
            );
        }
    }
}

/// Never called: see `HAS_ASSEMBLY`.
///
/// # Safety
///
/// That of [`long`].
#[cfg(not(target_arch = "x86_64"))]
unsafe fn short_in(src: *const u8, dst: *mut u8, len: usize) {
    // SAFETY: as this function's.
    unsafe { long(src, dst, len) }
}

#[cfg(not(target_arch = "x86_64"))]
use short_in as short_out;

/// # Safety
///
/// `src` is readable and `dst` writable for `len` bytes; they do not overlap.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn long(src: *const u8, dst: *mut u8, len: usize) {
    use core::arch::asm;
    if !(64..STRING).contains(&len) {
        // SAFETY: copies exactly `len` bytes upwards (the direction flag is clear wherever
        // Rust code runs), and changes the three registers that are named.
        unsafe {
            asm!(
                "rep movsb",
                inout("rcx") len => _, inout("rsi") src => _, inout("rdi") dst => _,
                options(nostack, preserves_flags)
            );
        }
    } else {
        // SAFETY: as long as at least 64 bytes are left, copies 64; what is left then, if
        // anything, with the last 64 bytes, which begin within the copy since `len` is at
        // least 64.
        unsafe {
            asm!(
                "2:",
                "movups {a}, [{src}]",
                "movups {b}, [{src} + 16]",
                "movups {c}, [{src} + 32]",
                "movups {d}, [{src} + 48]",
                "movups [{dst}], {a}",
                "movups [{dst} + 16], {b}",
                "movups [{dst} + 32], {c}",
                "movups [{dst} + 48], {d}",
                "add {src}, 64",
                "add {dst}, 64",
                "sub {left}, 64",
                "cmp {left}, 64",
                "jae 2b",
                "test {left}, {left}",
                "jz 3f",
                "movups {a}, [{src} + {left} - 64]",
                "movups {b}, [{src} + {left} - 48]",
                "movups {c}, [{src} + {left} - 32]",
                "movups {d}, [{src} + {left} - 16]",
                "movups [{dst} + {left} - 64], {a}",
                "movups [{dst} + {left} - 48], {b}",
                "movups [{dst} + {left} - 32], {c}",
                "movups [{dst} + {left} - 16], {d}",
                "3:",
                src = inout(reg) src => _, dst = inout(reg) dst => _, left = inout(reg) len => _,
                a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                options(nostack)
            );
        }
    }
}

/// Byte by byte, where one side is not aligned to a word.
///
/// # Safety
///
/// `src` is readable and `dst` writable for `len` bytes; they do not overlap.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn long(src: *const u8, dst: *mut u8, len: usize) {
    for at in 0..len {
        // SAFETY: `at` is below `len`.
        let from = unsafe { src.add(at) }.cast_mut();
        // SAFETY: readable, as above; only loaded.
        let byte = unsafe { AtomicU8::from_ptr(from) }.load(Relaxed);
        // SAFETY: `at` is below `len`.
        let to = unsafe { dst.add(at) };
        // SAFETY: writable, as above.
        unsafe { AtomicU8::from_ptr(to) }.store(byte, Relaxed);
    }
}

/// Asks for the cache line at `at`, to be written soon. Any address may be given.
#[cfg_attr(
    target_arch = "x86_64",
    expect(clippy::pointers_in_nomem_asm_block, reason = "a hint reads and writes nothing")
)]
#[inline(always)]
pub(super) fn prefetch_write(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it faults at no address and changes nothing.
    unsafe {
        core::arch::asm!("prefetchw [{at}]", at = in(reg) at, options(nostack, preserves_flags, nomem));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Asks for the cache line at `at`, to be read soon. Any address may be given.
#[cfg_attr(
    target_arch = "x86_64",
    expect(clippy::pointers_in_nomem_asm_block, reason = "a hint reads and writes nothing")
)]
#[inline(always)]
pub(super) fn prefetch_read(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prefetcht0 [{at}]", at = in(reg) at, options(nostack, preserves_flags, nomem));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_alignment_is_copied_and_nothing_beside_it() {
        let source: Vec<u8> = (0..6000).map(|i| (i * 7 % 251) as u8 | 1).collect();
        for len in (0..300).chain([1024, 2047, 2048, 2049, 4095, 4096]) {
            for (from, to) in [(0, 0), (1, 0), (0, 1), (3, 5), (8, 8)] {
                for copy in [into_shared, out_of_shared] {
                    // Words, so that offset 0 is aligned to one.
                    let mut target = vec![0_u64; 600];
                    let (src, dst) = (&source[from..], &mut bytemuck::cast_slice_mut(&mut target)[to..]);
                    assert!(src.len() >= len && dst.len() >= len);
                    // SAFETY: both are at least `len` bytes long.
                    unsafe { copy(src.as_ptr(), dst.as_mut_ptr(), len) };
                    let target: &[u8] = bytemuck::cast_slice(&target);
                    assert_eq!(&target[to..to + len], &source[from..from + len], "{len} bytes");
                    assert!(target[..to].iter().chain(&target[to + len..]).all(|b| *b == 0), "{len} bytes");
                }
            }
        }
    }
}
