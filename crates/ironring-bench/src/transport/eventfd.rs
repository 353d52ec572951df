//! An eventfd: the least that wakes a sleeper by a descriptor.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{FromRawFd, OwnedFd},
};

use ironring_testkit::{Args, Role};

use super::{
    Receiver, Sender,
    link::{End, Link, Setup},
    system_call,
    words::Words,
};

/// An eventfd, written once and read once a message, beside a message of 8 bytes, for a
/// ping-pong.
#[derive(Debug)]
pub struct Eventfd {
    words: Words,
    event: File,
}

impl Eventfd {
    fn take(args: &mut Args, name: &str) -> io::Result<Self> {
        let event = File::from(args.fd(&event_name(name)));
        Ok(Self { words: Words::take(args, name)?, event })
    }
}

/// The name under which the eventfd is passed on.
fn event_name(name: &str) -> String {
    format!("{name}-event")
}

impl Link for Eventfd {
    type Sender = Self;
    type Receiver = Self;

    fn new(setup: &Setup) -> io::Result<Self> {
        let words = Words::new(setup.size)?;
        // SAFETY: takes two integers and touches no memory.
        let fd = system_call(|| unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) } as isize)?;
        // SAFETY: the call above just opened `fd`, and nothing else knows its number.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) };
        Ok(Self { words, event: fd.into() })
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        self.words.pass(role, name).pass_fd(&event_name(name), &self.event)
    }

    fn sender(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<Self> {
        Self::take(args, name)
    }

    fn receiver(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<Self> {
        Self::take(args, name)
    }
}

impl Sender for Eventfd {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.words.write(message);
        self.event.write_all(&1_u64.to_ne_bytes())
    }
}

impl Receiver for Eventfd {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        loop {
            self.event.read_exact(&mut [0; 8])?;
            if self.words.read(into) {
                return Ok(());
            }
        }
    }
}
