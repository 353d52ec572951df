//! A System V message queue.

use std::{io, mem::MaybeUninit, ptr};

use ironring_testkit::{Args, Role};

use super::{
    Receiver, Sender, expect_len,
    link::{End, Link, Setup},
    system_call,
};

/// A queue with room for 1 MiB, or as much as the kernel grants. It is gone when this is
/// dropped; only if this process is killed it stays (`ipcrm` removes it).
#[derive(Debug)]
pub struct SysvMq(libc::c_int);

impl Drop for SysvMq {
    fn drop(&mut self) {
        // SAFETY: IPC_RMID ignores the pointer.
        let _ = system_call(|| unsafe { libc::msgctl(self.0, libc::IPC_RMID, ptr::null_mut()) } as isize);
    }
}

impl Link for SysvMq {
    type Sender = Queue;
    type Receiver = Queue;

    fn new(setup: &Setup) -> io::Result<Self> {
        // SAFETY: takes two integers and touches no memory.
        let id = system_call(|| unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) } as isize)?;
        let queue = Self(id as libc::c_int);
        let longest = std::fs::read_to_string("/proc/sys/kernel/msgmax")?;
        if longest.trim().parse().is_ok_and(|longest: usize| setup.size > longest) {
            let longest = longest.trim();
            return Err(io::Error::other(format!(
                "a message of {} bytes: the kernel takes {longest} at most; allow more in /proc/sys/kernel/msgmax",
                setup.size
            )));
        }
        // Without privileges there is no more room than there is by default.
        match queue.enlarge() {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
            _ => Ok(queue),
        }
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        role.env(variable(name), self.0.to_string())
    }

    fn sender(_args: &mut Args, name: &str, setup: &Setup) -> io::Result<Queue> {
        Queue::find(name, setup.size)
    }

    fn receiver(_args: &mut Args, name: &str, setup: &Setup) -> io::Result<Queue> {
        Queue::find(name, setup.size)
    }
}

/// The environment variable by which a queue's number is passed on.
fn variable(name: &str) -> String {
    format!("IRONRING_BENCH_SYSV_MQ_{name}")
}

impl SysvMq {
    fn enlarge(&self) -> io::Result<()> {
        let mut state = MaybeUninit::<libc::msqid_ds>::uninit();
        // SAFETY: the kernel writes one msqid_ds, for which there is room.
        system_call(|| unsafe { libc::msgctl(self.0, libc::IPC_STAT, state.as_mut_ptr()) } as isize)?;
        // SAFETY: it was written.
        let mut state = unsafe { state.assume_init() };
        state.msg_qbytes = 1 << 20;
        // SAFETY: the kernel reads one msqid_ds.
        system_call(|| unsafe { libc::msgctl(self.0, libc::IPC_SET, &raw mut state) } as isize)?;
        Ok(())
    }
}

/// An end of a queue, with a message and the type before it that the calls want. There is no
/// call for several messages.
#[derive(Debug)]
pub struct Queue {
    id: libc::c_int,
    message: Vec<u8>,
}

const TYPE: usize = size_of::<libc::c_long>();

impl Queue {
    fn find(name: &str, size: usize) -> io::Result<Self> {
        let id = std::env::var(variable(name)).map_err(io::Error::other)?;
        let mut message = vec![0; TYPE + size];
        // Any positive type.
        message[..TYPE].copy_from_slice(&libc::c_long::to_ne_bytes(1));
        Ok(Self { id: id.parse().map_err(io::Error::other)?, message })
    }
}

impl Sender for Queue {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.message[TYPE..].copy_from_slice(message);
        let (at, len) = (self.message.as_ptr().cast(), message.len());
        // SAFETY: the kernel reads a type and `len` bytes, which the vector has.
        system_call(|| unsafe { libc::msgsnd(self.id, at, len, 0) } as isize)?;
        Ok(())
    }
}

impl Receiver for Queue {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let (at, len) = (self.message.as_mut_ptr().cast(), into.len());
        // SAFETY: the kernel writes a type and at most `len` bytes, for which the vector has room.
        let there = system_call(|| unsafe { libc::msgrcv(self.id, at, len, 0, 0) })?;
        into.copy_from_slice(&self.message[TYPE..]);
        expect_len(there, into.len())
    }
}
