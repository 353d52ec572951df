//! Forking, and waiting for the fork.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `child` in a forked process, which ends with status 0, or 101 if it panics. To
/// be called in a process with one thread.
pub(crate) fn fork(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: this process has one thread, so that its child finds no lock held.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            let done = catch_unwind(AssertUnwindSafe(child));
            // SAFETY: ends the child without running what its parent registered.
            unsafe { libc::_exit(if done.is_ok() { 0 } else { 101 }) }
        }
        pid => pid,
    }
}

/// Waits for a fork to end well.
pub(crate) fn join(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: `status` is a live integer for the kernel to write to.
    let found = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((found, status), (pid, 0), "the child ended with wait status {status:#x}");
}

/// Sleeps for half a minute, then dies, so that a test that fails leaves nothing behind.
pub(crate) fn idle() -> ! {
    // SAFETY: takes an integer; the signal's default is to end this process.
    unsafe { libc::alarm(30) };
    loop {
        // SAFETY: has no preconditions.
        unsafe { libc::pause() };
    }
}
