//! A bare futex: what no transport that sleeps for each message can do with less.

use std::{io, ptr};

use ironring_testkit::{Args, Role};

use super::{
    Receiver, Sender,
    link::{End, Link, Setup},
    words::Words,
};

/// A count of messages, which is slept on, and a message of 8 bytes, for a ping-pong.
#[derive(Debug)]
pub struct Futex(Words);

impl Futex {
    /// The half of the count that the kernel compares.
    fn half(&self) -> *const u32 {
        let half = usize::from(cfg!(target_endian = "big"));
        self.0.count().as_ptr().cast::<u32>().wrapping_add(half).cast_const()
    }
}

impl Link for Futex {
    type Sender = Self;
    type Receiver = Self;

    fn new(setup: &Setup) -> io::Result<Self> {
        Words::new(setup.size).map(Self)
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        self.0.pass(role, name)
    }

    fn sender(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<Self> {
        Words::take(args, name).map(Self)
    }

    fn receiver(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<Self> {
        Words::take(args, name).map(Self)
    }
}

impl Sender for Futex {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.write(message);
        // SAFETY: the word is mapped as long as it is borrowed, and the kernel does not access it.
        unsafe { libc::syscall(libc::SYS_futex, self.half(), libc::FUTEX_WAKE, 1) };
        Ok(())
    }
}

impl Receiver for Futex {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        while !self.0.read(into) {
            let (half, passed) = (self.half(), self.0.passed() as u32);
            let forever = ptr::null::<libc::timespec>();
            // SAFETY: the word is mapped as long as it is borrowed; the kernel compares it.
            unsafe { libc::syscall(libc::SYS_futex, half, libc::FUTEX_WAIT, passed, forever) };
        }
        Ok(())
    }
}
