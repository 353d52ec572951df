//! A process for which no file system knows unnamed files.

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, sock_filter, sock_fprog,
};

/// The bit by which `O_TMPFILE` differs from `O_DIRECTORY`.
const UNNAMED: u32 = (libc::O_TMPFILE & !libc::O_DIRECTORY) as u32;

/// Where the kernel tells a filter the system call, and its third argument's lower half.
const CALL: u32 = 0;
const FLAGS: u32 = 16 + 2 * 8;

fn step(code: u32, jump_if: u8, jump_else: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: jump_if, jf: jump_else, k }
}

/// Lets the kernel refuse `openat` with `O_TMPFILE`, as some file systems do, for the
/// rest of this process's life.
pub(crate) fn from_now_on() {
    let filter = [
        step(BPF_LD | BPF_W | BPF_ABS, 0, 0, CALL),
        step(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, libc::SYS_openat as u32),
        step(BPF_LD | BPF_W | BPF_ABS, 0, 0, FLAGS),
        step(BPF_ALU | BPF_AND | BPF_K, 0, 0, UNNAMED),
        step(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0),
        step(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | libc::EOPNOTSUPP as u32),
        step(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW),
    ];
    let program = sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: takes integers.
    let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(done, 0, "no new privileges: {}", std::io::Error::last_os_error());
    let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
    // SAFETY: the kernel copies the program, which lives during the call.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(done, 0, "a filter: {}", std::io::Error::last_os_error());
}
