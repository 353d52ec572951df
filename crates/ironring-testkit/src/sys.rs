//! System calls as safe functions.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use libc::{c_int, pid_t};

use crate::Exit;

/// What a wait found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Stopped by this signal.
    Stopped(c_int),
    /// Ended, and reaped by this wait.
    Ended(Exit),
}

pub(crate) fn check(result: c_int) -> io::Result<c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Waits until `pid`, a child of this process, changes in a way that `flags` select.
///
/// Panics if `pid` is not an unreaped child: its owner keeps track of that.
pub(crate) fn wait(pid: pid_t, flags: c_int) -> Change {
    change(wait_status(pid, flags).1)
}

/// Waits until any child or tracee of this process changes: which, and its status, of which
/// [`change`] tells.
///
/// Panics if there is none.
pub(crate) fn wait_any() -> (pid_t, c_int) {
    wait_status(-1, libc::__WALL)
}

fn wait_status(pid: pid_t, flags: c_int) -> (pid_t, c_int) {
    let mut status = 0;
    loop {
        // SAFETY: `status` is a live c_int for the kernel to write to.
        let found = unsafe { libc::waitpid(pid, &raw mut status, flags) };
        if found > 0 {
            return (found, status);
        }
        let error = io::Error::last_os_error();
        assert!(error.kind() == io::ErrorKind::Interrupted, "waitpid({pid}): {error}");
    }
}

/// What a process's status says of it.
pub(crate) fn change(status: c_int) -> Change {
    if libc::WIFEXITED(status) {
        Change::Ended(Exit::Exited(libc::WEXITSTATUS(status)))
    } else if libc::WIFSIGNALED(status) {
        Change::Ended(Exit::Signalled(libc::WTERMSIG(status)))
    } else {
        Change::Stopped(libc::WSTOPSIG(status))
    }
}

/// The number and the first argument of the system call that the tracee `pid` has stopped at the
/// beginning of; nothing if that is its end.
pub(crate) fn entered_call(pid: pid_t) -> io::Result<Option<(u64, u64)>> {
    let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
    let size = size_of_val(&info);
    // SAFETY: the kernel writes at most `size` bytes to `info`, which is live and as large.
    let result = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, info.as_mut_ptr()) };
    check(result as c_int)?;
    // SAFETY: plain integers, for which zero bytes are valid; the kernel wrote the rest.
    let info = unsafe { info.assume_init() };
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return Ok(None);
    }
    // SAFETY: by `op` the kernel wrote this variant of the union, of plain integers.
    let entry = unsafe { info.u.entry };
    Ok(Some((entry.nr, entry.args[0])))
}

pub(crate) fn send_signal(pid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: takes two integers and touches no memory of ours; `pid` is a child that was not
    // reaped yet, so that its number is not another process's.
    check(unsafe { libc::kill(pid, signal) })?;
    Ok(())
}

/// Whether the child `pid` ended within `timeout`; does not reap it.
pub(crate) fn ends_within(pid: pid_t, timeout: Duration) -> io::Result<bool> {
    // SAFETY: takes two integers, and returns a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = check(fd as c_int)?;
    // SAFETY: the call above just opened `fd`, and nothing else knows its number.
    let _close_at_end = unsafe { OwnedFd::from_raw_fd(fd) };
    let deadline = std::time::Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let millis = c_int::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX);
        let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: `poll` is one live pollfd, and the count says one.
        match check(unsafe { libc::poll(&raw mut poll, 1, millis) }) {
            Ok(0) if std::time::Instant::now() >= deadline => return Ok(false),
            Ok(0) => {}
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Leaves `fd` open across `exec`. Only a system call: callable between fork and exec.
pub(crate) fn keep_across_exec(fd: RawFd) -> io::Result<()> {
    // SAFETY: F_SETFD takes an integer and touches no memory.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) })?;
    Ok(())
}

/// Has the kernel kill this process when the thread that forked it ends. Fails if the process
/// `parent` is gone already. Only system calls: callable between fork and exec.
pub(crate) fn die_with_parent(parent: u32) -> io::Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
    // SAFETY: getppid has no preconditions.
    let now = unsafe { libc::getppid() };
    if u32::try_from(now) == Ok(parent) { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
}

/// Same addresses in every run from the next `exec` on. Callable between fork and exec.
pub(crate) fn fixed_addresses() -> io::Result<()> {
    // SAFETY: takes an integer and touches no memory.
    check(unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) })?;
    Ok(())
}

/// Lets the parent trace this process. Callable between fork and exec.
pub(crate) fn trace_me() -> io::Result<()> {
    // SAFETY: PTRACE_TRACEME ignores its other arguments.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    check(result as c_int)?;
    Ok(())
}

/// A ptrace request whose `data` is an integer (a signal or a set of options), never an address.
pub(crate) fn trace(request: TraceRequest, pid: pid_t, data: c_int) -> io::Result<()> {
    let nowhere = ptr::null_mut::<libc::c_void>();
    // SAFETY: these requests ignore the address, take `data` by value, and neither read nor
    // write memory of this process.
    let result = unsafe { libc::ptrace(request as _, pid, nowhere, libc::c_long::from(data)) };
    check(result as c_int)?;
    Ok(())
}

/// The requests that [`trace`] may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum TraceRequest {
    Continue = libc::PTRACE_CONT,
    SingleStep = libc::PTRACE_SINGLESTEP,
    /// To the beginning or the end of the next system call.
    SystemCall = libc::PTRACE_SYSCALL,
    Detach = libc::PTRACE_DETACH,
    SetOptions = libc::PTRACE_SETOPTIONS,
}

/// The `si_code` of the signal that the stopped tracee `pid` is about to get.
pub(crate) fn signal_code(pid: pid_t) -> io::Result<c_int> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let nowhere = ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel writes one siginfo_t to `info`, which is live and as large.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, pid, nowhere, info.as_mut_ptr()) };
    check(result as c_int)?;
    // SAFETY: siginfo_t is plain integers, for which zero bytes are valid; the kernel wrote the rest.
    let info = unsafe { info.assume_init() };
    Ok(info.si_code)
}

/// The 8 bytes of the stopped tracee `pid` at its instruction pointer.
pub(crate) fn next_code(pid: pid_t) -> [u8; 8] {
    read_code(pid, instruction_pointer(pid))
}

/// Where the tracee's `struct user` has its instruction pointer.
#[cfg(target_arch = "x86_64")]
const INSTRUCTION_POINTER: usize = std::mem::offset_of!(libc::user_regs_struct, rip);

/// The address of the instruction that the stopped tracee `pid` does next.
#[cfg(target_arch = "x86_64")]
pub(crate) fn instruction_pointer(pid: pid_t) -> u64 {
    let nothing = ptr::null_mut::<libc::c_void>();
    // SAFETY: PTRACE_PEEKUSER takes an offset into the tracee's `struct user`, which begins with
    // its user_regs_struct, and returns the word; libc's wrapper writes nothing of ours.
    let rip = unsafe { libc::ptrace(libc::PTRACE_PEEKUSER, pid, INSTRUCTION_POINTER, nothing) };
    rip.cast_unsigned()
}

/// Lets the stopped tracee `pid` go on at `address`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn set_instruction_pointer(pid: pid_t, address: u64) -> io::Result<()> {
    // SAFETY: PTRACE_POKEUSER takes an offset as PTRACE_PEEKUSER does, and the word by value.
    let result = unsafe { libc::ptrace(libc::PTRACE_POKEUSER, pid, INSTRUCTION_POINTER, address) };
    check(result as c_int)?;
    Ok(())
}

/// The 8 bytes of the stopped tracee `pid` at `address`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn read_code(pid: pid_t, address: u64) -> [u8; 8] {
    let nothing = ptr::null_mut::<libc::c_void>();
    // SAFETY: PTRACE_PEEKTEXT reads the tracee's memory, not ours, and fails where it has none.
    let code = unsafe { libc::ptrace(libc::PTRACE_PEEKTEXT, pid, address, nothing) };
    code.to_ne_bytes()
}

/// Writes `code` to the stopped tracee `pid` at `address`: to its own copy of the page.
#[cfg(target_arch = "x86_64")]
pub(crate) fn write_code(pid: pid_t, address: u64, code: [u8; 8]) -> io::Result<()> {
    let word = libc::c_long::from_ne_bytes(code);
    // SAFETY: PTRACE_POKETEXT writes the tracee's memory, not ours, and takes the word by value.
    let result = unsafe { libc::ptrace(libc::PTRACE_POKETEXT, pid, address, word) };
    check(result as c_int)?;
    Ok(())
}

/// Elsewhere nothing is ever traced: see `Role::spawn_traced`.
#[cfg(not(target_arch = "x86_64"))]
mod untraced {
    use super::{io, pid_t};

    pub(crate) fn instruction_pointer(_pid: pid_t) -> u64 {
        0
    }

    pub(crate) fn set_instruction_pointer(_pid: pid_t, _address: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn read_code(_pid: pid_t, _address: u64) -> [u8; 8] {
        [0; 8]
    }

    pub(crate) fn write_code(_pid: pid_t, _address: u64, _code: [u8; 8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
#[cfg(not(target_arch = "x86_64"))]
pub(crate) use untraced::{instruction_pointer, read_code, set_instruction_pointer, write_code};
