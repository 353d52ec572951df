//! Filters of system calls, as programs for the kernel (`seccomp`).

use std::io;

use crate::place::check;

/// Loads the word at `k` of `struct seccomp_data`.
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
/// Goes on `jt` instructions further where the word is `k`, else `jf`.
const IS: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
/// Where `struct seccomp_data` has a call's number.
const NUMBER: u32 = 0;

const fn does(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k }
}

/// Ends this process at any call that is not one of `calls`.
pub(crate) fn allow_only(calls: &[libc::c_long]) -> io::Result<()> {
    install(calls, libc::SECCOMP_RET_ALLOW, libc::SECCOMP_RET_KILL_PROCESS)
}

/// Has each of `calls` fail with EPERM, as container runtimes do it.
pub(crate) fn forbid(calls: &[libc::c_long]) -> io::Result<()> {
    install(calls, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32, libc::SECCOMP_RET_ALLOW)
}

fn install(calls: &[libc::c_long], these: u32, others: u32) -> io::Result<()> {
    let mut program = vec![does(LOAD, NUMBER)];
    for call in calls {
        program.push(libc::sock_filter { code: IS, jt: 0, jf: 1, k: *call as u32 });
        program.push(does(RETURN, these));
    }
    program.push(does(RETURN, others));
    load(&mut program)
}

fn load(program: &mut [libc::sock_filter]) -> io::Result<()> {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: takes integers.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    // SAFETY: the program is as long as it says, and lives during the call.
    check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) })
}

/// Has `call` fail with EPERM where the argument of that index is `value`.
pub(crate) fn forbid_with(call: libc::c_long, argument: u32, value: u32) -> io::Result<()> {
    // Arguments are words of eight bytes, behind the number, the architecture and an address.
    let at = 16 + 8 * argument + if cfg!(target_endian = "big") { 4 } else { 0 };
    load(&mut [
        does(LOAD, NUMBER),
        libc::sock_filter { code: IS, jt: 0, jf: 3, k: call as u32 },
        does(LOAD, at),
        libc::sock_filter { code: IS, jt: 0, jf: 1, k: value },
        does(RETURN, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        does(RETURN, libc::SECCOMP_RET_ALLOW),
    ])
}

/// Leaves this thread `read`, `write`, the return from a signal, and its end.
pub(crate) fn strictly() -> io::Result<()> {
    // SAFETY: takes integers.
    check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) })
}
