//! Receives from any number of byte rings in one event loop, by `epoll` and plain system calls:
//!
//! ```text
//! cargo run --release --example epoll -- NAME...
//! ```
//!
//! Prints each message behind the name of its ring, and ends when all rings are closed.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, Write},
    os::fd::AsRawFd,
    process::ExitCode,
};

use ironring::{Readiness, RecvError, spsc};

/// A ring that is received from.
struct Source {
    name: String,
    consumer: spsc::Consumer<[u8]>,
    /// Closed with this, it would be watched no longer.
    readiness: Readiness,
}

/// An `epoll` instance.
struct Epoll(libc::c_int);

impl Epoll {
    fn new() -> io::Result<Self> {
        // SAFETY: takes an integer.
        match unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(Self(fd)),
        }
    }

    /// Tells of `source` by its `number`, once for each change: it is received from until it is
    /// empty.
    fn add(&self, source: &Source, number: u64) -> io::Result<()> {
        let events = (libc::EPOLLIN | libc::EPOLLET) as u32;
        let mut event = libc::epoll_event { events, u64: number };
        let fd = source.readiness.as_raw_fd();
        // SAFETY: both descriptors are open, and the event is readable.
        match unsafe { libc::epoll_ctl(self.0, libc::EPOLL_CTL_ADD, fd, &raw mut event) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Sleeps until some are readable; their numbers.
    fn wait(&self) -> io::Result<Vec<u64>> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        // SAFETY: there is room for as many events as is said.
        match unsafe { libc::epoll_wait(self.0, events.as_mut_ptr(), events.len() as libc::c_int, -1) } {
            -1 => Err(io::Error::last_os_error()),
            count => Ok(events[..count as usize].iter().map(|event| event.u64).collect()),
        }
    }
}

impl Source {
    /// Prints all that has come; false if no more will.
    fn drain(&mut self, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
        loop {
            match self.consumer.try_recv() {
                Ok(message) => {
                    writeln!(out, "{}: {}", self.name, String::from_utf8_lossy(&message.to_vec()))?
                }
                // The descriptor becomes readable when there is more.
                Err(RecvError::Empty) => return Ok(true),
                Err(RecvError::Disconnected) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Prints to `out` what comes in the rings of these names, until all are closed.
pub fn run(names: impl IntoIterator<Item = String>, mut out: impl Write) -> Result<(), Box<dyn Error>> {
    let epoll = Epoll::new()?;
    let mut sources = BTreeMap::new();
    for (number, name) in (0..).zip(names) {
        let mut consumer = spsc::Ring::<[u8]>::open(&name)?.consumer()?;
        let readiness = consumer.readiness()?;
        let source = Source { name, consumer, readiness };
        epoll.add(&source, number)?;
        sources.insert(number, source);
    }
    while !sources.is_empty() {
        for number in epoll.wait()? {
            if let Some(source) = sources.get_mut(&number)
                && !source.drain(&mut out)?
            {
                sources.remove(&number);
            }
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(std::env::args().skip(1), std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("epoll: {error}");
            ExitCode::FAILURE
        }
    }
}
