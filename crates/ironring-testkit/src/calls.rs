//! How many system calls a process makes, counted by a trace of it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::process;

use libc::{c_int, pid_t};

use crate::Exit;
use crate::sys::{self, Change, TraceRequest};

/// How a process ends that may not be traced.
const UNTRACED: i32 = 77;

/// Goes on in a child, and counts the system calls that it makes between two looks at its
/// processor time (`clock_gettime`, which is not counted itself), by whichever of its threads: from
/// a thread's first look on, until each thread that has looked once has looked again. This process
/// traces the child to its end, gives the count to `tell`, and ends as the child did. A trace makes
/// each call some microseconds longer.
///
/// To be called while this process has one thread.
///
/// ```no_run
/// use ironring_testkit::{Args, count_system_calls};
///
/// fn sender(mut args: Args) {
///     let ledger = args.ledger();
///     count_system_calls(|calls| ledger.set(0, calls));
///     // What is counted.
/// }
/// ```
///
/// # Panics
///
/// If no process can be started.
pub fn count_system_calls(tell: impl FnOnce(u64)) {
    let parent = process::id();
    // SAFETY: by the contract above no other thread has a lock that the child would miss.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: {}", io::Error::last_os_error());
    if child == 0 {
        if sys::die_with_parent(parent).and_then(|()| sys::trace_me()).is_err() {
            process::exit(UNTRACED);
        }
        // SAFETY: takes an integer; the parent lets this process go on.
        unsafe { libc::raise(libc::SIGSTOP) };
        return;
    }
    let (calls, status) = trace(child);
    tell(calls);
    process::exit(status);
}

/// What was seen of a process.
#[derive(Default)]
struct Count {
    calls: u64,
    /// The threads that have looked at their time, and whether they are to look again.
    inside: HashMap<pid_t, bool>,
}

/// Traces a process to its end: its calls, and its status, 128 and the signal if one killed it.
fn trace(child: pid_t) -> (u64, i32) {
    let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE;
    let (mut count, mut known) = (Count::default(), HashSet::new());
    loop {
        let (thread, status) = sys::wait_any();
        let stopped = match sys::change(status) {
            Change::Stopped(signal) => signal,
            Change::Ended(_) if thread != child => continue,
            Change::Ended(Exit::Exited(code)) => return (count.calls, code),
            Change::Ended(Exit::Signalled(signal)) => return (count.calls, 128 + signal),
        };
        let is_first = known.insert(thread);
        if is_first && thread == child {
            // If it fails, so does the resume, and the count is of nothing.
            let _ = sys::trace(TraceRequest::SetOptions, thread, options);
        }
        let is_event = status >> 16 != 0;
        let signal = match stopped {
            signal if signal == libc::SIGTRAP | 0x80 => {
                count.call(thread);
                0
            }
            libc::SIGTRAP if is_event => 0,
            // With it each thread begins.
            libc::SIGSTOP if is_first => 0,
            signal => signal,
        };
        // A thread that was killed meanwhile is told of by the next wait.
        let _ = sys::trace(TraceRequest::SystemCall, thread, signal);
    }
}

impl Count {
    /// A thread begins or ends a system call.
    fn call(&mut self, thread: pid_t) {
        let Ok(Some((number, argument))) = sys::entered_call(thread) else { return };
        if number == libc::SYS_clock_gettime as u64 {
            if [libc::CLOCK_PROCESS_CPUTIME_ID, libc::CLOCK_THREAD_CPUTIME_ID].contains(&(argument as c_int))
            {
                let inside = self.inside.entry(thread).or_default();
                *inside = !*inside;
            }
        } else if self.inside.values().any(|inside| *inside) {
            self.calls += 1;
        }
    }
}
