//! What the kernel does for those who wait: it lets them sleep on a word of the region, and
//! makes others fence.

use std::{
    io, ptr,
    sync::atomic::{AtomicU32, Ordering, compiler_fence},
    time::Duration,
};

use super::word::Woken;
use crate::memory::HalfWord;

/// Sleeps where the kernel cannot: one that forbids the call.
const NAP: Duration = Duration::from_millis(1);

/// Sleeps while `word` is `expected`, for `timeout` at most. A signal wakes too.
pub(super) fn wait(word: &HalfWord, expected: u32, timeout: Duration) -> Woken {
    let timeout_given = timespec(timeout);
    // SAFETY: the word is mapped as long as it lives, and the time is readable. The kernel
    // compares the word and writes nothing.
    let done = unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, &raw const timeout_given)
    };
    woken(done, timeout)
}

/// Words that one sleep may be on at most.
pub(super) const MAX_WORDS: usize = libc::FUTEX_WAITV_MAX as usize;

/// Sleeps while each of `words`, and the `bell`, [`MAX_WORDS`] at most, is as is expected of it, for
/// `timeout` at most. A signal wakes too.
pub(super) fn wait_any<'a>(
    words: impl Iterator<Item = (&'a HalfWord, u32)>,
    bell: (&AtomicU32, u32),
    timeout: Duration,
) -> Woken {
    let words = words.map(|(word, expected)| (&**word, expected)).chain([bell]);
    // SAFETY: integers, for which zero is a value.
    let mut waiters: [libc::futex_waitv; MAX_WORDS] = unsafe { std::mem::zeroed() };
    let mut count = 0;
    for (waiter, (word, expected)) in waiters.iter_mut().zip(words) {
        waiter.val = expected.into();
        waiter.uaddr = word.as_ptr().expose_provenance() as u64;
        waiter.flags = libc::FUTEX2_SIZE_U32 as u32;
        count += 1;
    }
    let mut now = timespec(Duration::ZERO);
    // SAFETY: `now` is writable. It does not fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let until = timespec(Duration::new(now.tv_sec as u64, now.tv_nsec as u32).saturating_add(timeout));
    // SAFETY: the words are mapped as long as they are borrowed, so many of the array were written,
    // and the time is readable. The kernel compares the words and writes nothing.
    let done = unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            waiters.as_ptr(),
            count,
            0,
            &raw const until,
            libc::CLOCK_MONOTONIC,
        )
    };
    woken(done, timeout)
}

/// Whether [`wait_any`] can sleep, and does not nap instead.
pub(super) fn sleeps_on_several() -> io::Result<()> {
    // SAFETY: of no words none is accessed, and where there is no time, none is read.
    unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            ptr::null::<libc::futex_waitv>(),
            0,
            0,
            ptr::null::<libc::timespec>(),
            0,
        )
    };
    let error = io::Error::last_os_error();
    // So it complains of the number of words, where it knows the call.
    if error.raw_os_error() == Some(libc::EINVAL) { Ok(()) } else { Err(error) }
}

/// How a sleep ended for which the kernel returned `done`.
fn woken(done: libc::c_long, timeout: Duration) -> Woken {
    if done >= 0 {
        return Woken::ByOther;
    }
    match io::Error::last_os_error().raw_os_error() {
        // The word was another already, or there was a signal.
        Some(libc::EAGAIN | libc::EINTR) => Woken::ByOther,
        Some(libc::ETIMEDOUT) => Woken::ByTime,
        _ => {
            std::thread::sleep(timeout.min(NAP));
            Woken::ByTime
        }
    }
}

/// Wakes all who sleep on `word`.
pub(super) fn wake_all(word: &AtomicU32) {
    // SAFETY: the word is mapped as long as it lives, and the kernel does not access it. It
    // cannot fail in a way that matters: where nobody can be woken, nobody sleeps for long.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, libc::c_int::MAX) };
}

/// Lets others make this process fence, by [`fence_others`], from now on, for who sleeps on
/// `_word`; false if the kernel does not.
pub(super) fn let_others_fence(_word: &HalfWord) -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
}

/// Makes every thread that runs fence, of all processes that let it, and this one, which is
/// about to sleep on `_word`; false if the kernel does not.
pub(super) fn fence_others(_word: &HalfWord) -> bool {
    membarrier(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED)
}

/// What [`fence_others`] needs of those whom it is to make fence, between their store and
/// the load behind it: that the compiler keeps their order.
#[inline(always)]
pub(super) fn may_be_fenced_here(_word: &HalfWord) {
    compiler_fence(Ordering::SeqCst);
}

fn membarrier(command: libc::membarrier_cmd) -> bool {
    // SAFETY: no memory is passed.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

fn timespec(time: Duration) -> libc::timespec {
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
    spec.tv_sec = libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX);
    spec
}
