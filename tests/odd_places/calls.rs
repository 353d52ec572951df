//! The system calls that docs/REGIONS.md lists, by what they are needed for.

use libc::c_long;

/// To send and receive, with waiting, and to look for the dead and repair what they left.
pub(crate) const STEADY: &[c_long] = &[
    libc::SYS_futex,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_clock_nanosleep,
    libc::SYS_utimensat,
    libc::SYS_fcntl,
    libc::SYS_statx,
];

/// To open a ring and to attach; each participant that is repaired is locked in the same way.
pub(crate) const ATTACH: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_uname,
    libc::SYS_geteuid,
    libc::SYS_getpid,
    libc::SYS_read,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
];

/// To make one, beside those to attach.
pub(crate) const CREATE: &[c_long] =
    &[libc::SYS_memfd_create, libc::SYS_ftruncate, libc::SYS_fallocate, libc::SYS_fchmod, libc::SYS_linkat];

/// What Rust's runtime needs beside: memory, the end, a panic's message.
pub(crate) const RUST: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_write,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigreturn,
    libc::SYS_exit_group,
    libc::SYS_exit,
    libc::SYS_getrandom,
    libc::SYS_pause,
    libc::SYS_alarm,
];
