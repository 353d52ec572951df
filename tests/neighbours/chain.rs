//! A fault that is none of a ring's goes where it went before.

use std::sync::atomic::{AtomicUsize, Ordering};

use ironring_testkit::{Args, Exit, Role};

use crate::trials::Tests;

pub(crate) const TESTS: Tests = &[
    ("a stranger's fault ends the process as before", || assert_eq!(end_of("default"), BUS)),
    ("a stranger's fault goes to the handler that was there", || {
        assert_eq!(end_of("plain"), Exit::Exited(7))
    }),
    ("a stranger's fault goes to the handler with all it is told", || {
        assert_eq!(end_of("informed"), Exit::Exited(8));
    }),
    ("a signal that was ignored still is", || assert_eq!(end_of("ignored"), Exit::Exited(0))),
];

const BUS: Exit = Exit::Signalled(libc::SIGBUS);

fn end_of(handler: &str) -> Exit {
    Role::new("stranger").arg(handler).spawn().expect("a process").wait()
}

/// Where the fault is to be.
static FAULT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn plain(_: libc::c_int) {
    // SAFETY: it ends the process, and nothing else.
    unsafe { libc::_exit(7) }
}

extern "C" fn informed(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel gives a valid one to a handler that was installed with SA_SIGINFO.
    let info = unsafe { &*info };
    // SAFETY: the signal has an address.
    let address = unsafe { info.si_addr() };
    let is_right = address.addr() == FAULT.load(Ordering::Relaxed);
    // SAFETY: it ends the process, and nothing else.
    unsafe { libc::_exit(if is_right { 8 } else { 9 }) }
}

/// A process that has a handler, then the guard, and then touches a page behind a file's end.
pub(crate) fn stranger(mut args: Args) {
    let handler: String = args.parse("handler");
    // SAFETY: plain numbers, for which zero is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    match handler.as_str() {
        "plain" => action.sa_sigaction = plain as *const () as usize,
        "informed" => {
            action.sa_sigaction = informed as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
        }
        "ignored" => action.sa_sigaction = libc::SIG_IGN,
        _ => action.sa_sigaction = libc::SIG_DFL,
    }
    // SAFETY: the action is one, and its handler does what a handler may.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) }, 0);
    ironring::guard_against_truncation().expect("a guard");
    ironring::guard_against_truncation().expect("the same");
    if handler == "ignored" {
        // SAFETY: the signal goes to this thread.
        unsafe { libc::raise(libc::SIGBUS) };
        return;
    }
    let file = tempfile::tempfile_in("/dev/shm").expect("a file");
    file.set_len(4096).expect("a page");
    let map = memmap2::MmapOptions::new().len(4096).map_raw(&file).expect("a mapping");
    file.set_len(0).expect("nothing");
    FAULT.store(map.as_ptr().addr(), Ordering::Relaxed);
    // SAFETY: the page is mapped; that it is not in the file any more is what this is about.
    unsafe { map.as_mut_ptr().write_volatile(1) };
}
