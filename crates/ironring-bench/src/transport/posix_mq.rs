//! A POSIX message queue.

use std::{
    fs, io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{
    Receiver, Sender, expect_len,
    link::{Channel, Descriptors, Setup},
    system_call,
};

/// A queue with room for 1024 messages, or as many as the kernel grants.
pub type PosixMq = Descriptors<Kind>;

/// See [`PosixMq`].
#[derive(Debug)]
pub enum Kind {}

/// The limits of who has no privileges.
const LIMITS: &str = "/proc/sys/fs/mqueue";

impl Channel for Kind {
    type Sender = Queue;
    type Receiver = Queue;

    fn open(setup: &Setup) -> io::Result<(OwnedFd, OwnedFd)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = std::ffi::CString::new(format!("/ironring-bench-{}-{number}", std::process::id()))?;
        let granted = granted().unwrap_or(10);
        let mut error = io::Error::from_raw_os_error(libc::EINVAL);
        // With privileges more is granted; how much also depends on RLIMIT_MSGQUEUE.
        for messages in [1024, 512, 256, 128, 64, 32, 16, granted, 1] {
            match open(&name, messages, setup.size) {
                Ok(fd) => {
                    // SAFETY: the name is a NUL-terminated string that lives until the call is over.
                    system_call(|| unsafe { libc::mq_unlink(name.as_ptr()) } as isize)?;
                    return Ok((fd.try_clone()?, fd));
                }
                Err(other) => error = other,
            }
        }
        let size = setup.size;
        Err(io::Error::new(
            error.kind(),
            format!(
                "a queue for messages of {size} bytes: {error}; allow it in {LIMITS}/msgsize_max and by ulimit -q"
            ),
        ))
    }
}

fn granted() -> Option<i64> {
    fs::read_to_string(format!("{LIMITS}/msg_max")).ok()?.trim().parse().ok()
}

fn open(name: &std::ffi::CStr, messages: i64, size: usize) -> io::Result<OwnedFd> {
    // SAFETY: integers, for which zero bytes are valid.
    let mut wanted = unsafe { MaybeUninit::<libc::mq_attr>::zeroed().assume_init() };
    wanted.mq_maxmsg = messages;
    wanted.mq_msgsize = size as i64;
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
    // SAFETY: the name is a NUL-terminated string, and the kernel reads one mq_attr.
    let fd = unsafe { libc::mq_open(name.as_ptr(), flags, 0o600 as libc::mode_t, &raw const wanted) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above just opened `fd`, a descriptor on Linux, and nothing else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// An end of a queue. There is no call for several messages.
#[derive(Debug)]
pub struct Queue(OwnedFd);

impl From<OwnedFd> for Queue {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl Sender for Queue {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (fd, at, len) = (self.0.as_raw_fd(), message.as_ptr().cast(), message.len());
        // SAFETY: the kernel reads the bytes of the slice.
        system_call(|| unsafe { libc::mq_send(fd, at, len, 0) } as isize)?;
        Ok(())
    }
}

impl Receiver for Queue {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let (fd, at, len) = (self.0.as_raw_fd(), into.as_mut_ptr().cast(), into.len());
        // SAFETY: the kernel writes at most as many bytes as the slice has.
        let there = system_call(|| unsafe { libc::mq_receive(fd, at, len, ptr::null_mut()) })?;
        expect_len(there, len)
    }
}
