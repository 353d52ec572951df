//! Guard pages: whatever this process maps of a file, shared, lies between two pages that nobody
//! may touch, so an access beyond it ends the process.
//!
//! This takes the place of the C library's own `mmap` and `munmap`, in the test's executable only.

use std::{
    ffi::{c_int, c_void},
    ptr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

const PAGE: usize = 4096;
/// Where guarded mappings begin, and 0: far more than a test has at once.
static GUARDED: [AtomicUsize; 1024] = [const { AtomicUsize::new(0) }; 1024];

/// How many mappings have guards now.
pub(crate) fn guarded() -> usize {
    GUARDED.iter().filter(|at| at.load(Relaxed) != 0).count()
}

/// # Safety
///
/// As the system call.
unsafe fn system_mmap(
    at: *mut c_void,
    len: usize,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: i64,
) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { libc::syscall(libc::SYS_mmap, at, len, prot, flags, fd, offset) as *mut c_void }
}

/// # Safety
///
/// As the system call.
unsafe fn system_munmap(at: *mut c_void, len: usize) -> c_int {
    // SAFETY: the caller's.
    unsafe { libc::syscall(libc::SYS_munmap, at, len) as c_int }
}

/// The C library's `mmap64`, with guard pages around what is shared of a file.
///
/// # Safety
///
/// As that.
#[unsafe(no_mangle)]
unsafe extern "C" fn mmap64(
    at: *mut c_void,
    len: usize,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: i64,
) -> *mut c_void {
    let shared = flags & libc::MAP_TYPE != libc::MAP_PRIVATE;
    if fd < 0 || !shared || flags & libc::MAP_FIXED != 0 || len == 0 {
        // SAFETY: the caller's.
        return unsafe { system_mmap(at, len, prot, flags, fd, offset) };
    }
    let whole = len.next_multiple_of(PAGE) + 2 * PAGE;
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new pages, wherever the kernel finds room.
    let room = unsafe { system_mmap(ptr::null_mut(), whole, libc::PROT_NONE, private, -1, 0) };
    if room == libc::MAP_FAILED {
        return room;
    }
    let inner = room.wrapping_byte_add(PAGE);
    // SAFETY: over pages that were just reserved, and that nobody knows of.
    let mapped = unsafe { system_mmap(inner, len, prot, flags | libc::MAP_FIXED, fd, offset) };
    let free = |slot: &&AtomicUsize| slot.compare_exchange(0, inner as usize, Relaxed, Relaxed).is_ok();
    if mapped == libc::MAP_FAILED || GUARDED.iter().find(free).is_none() {
        // SAFETY: nobody knows of these pages.
        unsafe { system_munmap(room, whole) };
        return libc::MAP_FAILED;
    }
    mapped
}

/// As [`mmap64`].
///
/// # Safety
///
/// As that.
#[unsafe(no_mangle)]
unsafe extern "C" fn mmap(
    at: *mut c_void,
    len: usize,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: i64,
) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { mmap64(at, len, prot, flags, fd, offset) }
}

/// The C library's `munmap`, which takes the guards away too.
///
/// # Safety
///
/// As that.
#[unsafe(no_mangle)]
unsafe extern "C" fn munmap(at: *mut c_void, len: usize) -> c_int {
    let taken = |slot: &&AtomicUsize| slot.compare_exchange(at as usize, 0, Relaxed, Relaxed).is_ok();
    if at.is_null() || GUARDED.iter().find(taken).is_none() {
        // SAFETY: the caller's.
        return unsafe { system_munmap(at, len) };
    }
    // SAFETY: the mapping that the caller gives back, and the pages around it, which are ours.
    unsafe { system_munmap(at.wrapping_byte_sub(PAGE), len.next_multiple_of(PAGE) + 2 * PAGE) }
}
