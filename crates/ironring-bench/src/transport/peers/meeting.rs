//! Sockets of libraries, which meet at a path: the sender learns that its receiver listens, and that all has come.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read, Write},
    marker::PhantomData,
    os::fd::AsRawFd,
    path::Path,
    time::Duration,
};

use ironring_testkit::{Args, Role};
use tempfile::TempDir;

use crate::transport::{End, Link, Receiver, Sender, Setup, note::Note, system_call};

/// A socket of a library, which sends or receives.
pub trait Socket: Sender + Receiver + Sized {
    /// Whether the library is there.
    ///
    /// # Errors
    ///
    /// If not: it says how to install it.
    fn is_there() -> io::Result<()>;

    /// Opens the socket of one end: the receiver's listens, and the sender's is connected to it.
    ///
    /// # Errors
    ///
    /// Those of the library.
    fn open(place: Place, setup: &Setup) -> io::Result<Self>;
}

/// A way for messages between two such sockets, as its maker keeps it: a directory of its own, and a pipe by
/// which the receiver says how far it is.
#[derive(Debug)]
pub struct Meeting<S> {
    _dir: TempDir,
    address: Note,
    word: (io::PipeReader, io::PipeWriter),
    _socket: PhantomData<fn() -> S>,
}

/// What a side has of it.
#[derive(Debug)]
pub struct Place {
    /// Where the receiver listens.
    address: CString,
    pub(super) end: End,
    /// By which the receiver gives its word: a byte when it listens, and one when it is done.
    word: File,
}

fn pipe(name: &str) -> String {
    format!("{name}-word")
}

impl<S: Socket> Link for Meeting<S> {
    type Sender = S;
    type Receiver = S;

    fn new(_setup: &Setup) -> io::Result<Self> {
        S::is_there()?;
        let dir = tempfile::tempdir()?;
        let address = Note::new(&format!("ipc://{}", Path::new(dir.path()).join("socket").display()))?;
        Ok(Self { _dir: dir, address, word: io::pipe()?, _socket: PhantomData })
    }

    fn pass(&self, role: Role, name: &str, end: End) -> Role {
        let role = self.address.pass(role, name);
        match end {
            End::Sending => role.pass_fd(&pipe(name), &self.word.0),
            End::Receiving => role.pass_fd(&pipe(name), &self.word.1),
        }
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<S> {
        S::open(Place::take(args, name, End::Sending)?, setup)
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<S> {
        S::open(Place::take(args, name, End::Receiving)?, setup)
    }
}

/// How long one side may wait for the other. Who takes longer has failed, and that is told elsewhere before.
const MOST: Duration = Duration::from_secs(60);

impl Place {
    fn take(args: &mut Args, name: &str, end: End) -> io::Result<Self> {
        let address = CString::new(Note::take(args, name)?)?;
        Ok(Self { address, word: args.fd(&pipe(name)).into(), end })
    }

    /// Meets the other side there: `join` listens or connects. A sender does not try before its receiver
    /// listens: who finds nobody tries again much later, and meanwhile the measurement has begun.
    pub(super) fn meet(&mut self, join: impl FnOnce(&CStr) -> io::Result<()>) -> io::Result<()> {
        match self.end {
            End::Receiving => {
                join(&self.address)?;
                self.word.write_all(&[0])
            }
            End::Sending => {
                self.hear(MOST, "that it listens")?;
                join(&self.address)
            }
        }
    }

    /// A sender awaits that its receiver is done: what is still on its way when a socket is closed may never
    /// come.
    pub(super) fn await_end(&mut self) -> io::Result<()> {
        self.hear(MOST, "that it is done")
    }

    /// A receiver says that it is done; a sender says nothing.
    pub(super) fn leave(&mut self) {
        if self.end == End::Receiving {
            // Whoever was to learn it may have failed.
            let _ = self.word.write_all(&[0]);
        }
    }

    /// Awaits the receiver's next word.
    fn hear(&mut self, most: Duration, what: &str) -> io::Result<()> {
        let mut word = libc::pollfd { fd: self.word.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let most_ms = most.as_millis() as libc::c_int;
        // SAFETY: it writes to one pollfd, whose descriptor is open.
        match system_call(|| unsafe { libc::poll(&raw mut word, 1, most_ms) } as isize)? {
            0 => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the receiver has not said within {most:?} {what}"),
            )),
            _ => self.word.read_exact(&mut [0]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fmt::Debug,
        os::fd::OwnedFd,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;
    use crate::{
        contender::{Contender, Peer},
        transport::{
            Idle,
            peers::{nng, zeromq},
        },
    };

    /// The places of two sides.
    fn pair(address: &str) -> (Place, Place) {
        let (hears, says) = io::pipe().expect("a pipe");
        let place = |word: OwnedFd, end| {
            let address = CString::new(address).expect("no NUL");
            Place { address, word: word.into(), end }
        };
        (place(hears.into(), End::Sending), place(says.into(), End::Receiving))
    }

    #[test]
    fn a_sender_does_not_try_before_its_receiver_listens() {
        let (mut sender, mut receiver) = pair("");
        let listens = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let tries = sender.meet(|_| {
                    assert!(listens.load(Ordering::SeqCst), "nobody listens");
                    Ok(())
                });
                tries.expect("it is told");
            });
            // Long enough for a sender that does not wait.
            thread::sleep(Duration::from_millis(100));
            let listening = receiver.meet(|_| {
                listens.store(true, Ordering::SeqCst);
                Ok(())
            });
            listening.expect("it can tell");
        });
    }

    #[test]
    fn a_sender_hears_no_other_word_for_the_end() {
        let (mut sender, mut receiver) = pair("");
        receiver.meet(|_| Ok(())).expect("it can tell");
        sender.meet(|_| Ok(())).expect("it is told");
        let early = sender.hear(Duration::ZERO, "that it is done").expect_err("it is not");
        assert_eq!(early.kind(), io::ErrorKind::TimedOut, "{early}");
        receiver.leave();
        sender.await_end().expect("now it is");
    }

    #[test]
    fn a_receiver_that_cannot_listen_says_nothing() {
        let (mut sender, mut receiver) = pair("");
        receiver.meet(|_| Err(io::ErrorKind::AddrInUse.into())).expect_err("it cannot");
        sender.hear(Duration::ZERO, "that it listens").expect_err("it does not");
    }

    /// A sender that is told that somebody listens where nobody does.
    fn is_not_connected<S: Socket + Debug>(peer: Peer) {
        if let Err(why) = S::is_there() {
            println!("NOT RUN: {why}");
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let (sender, mut receiver) = pair(&format!("ipc://{}", dir.path().join("nobody").display()));
        receiver.meet(|_| Ok(())).expect("it can tell");
        let setup = Contender::Peer { peer, messages: 64, idle: Idle::Waits }.setup(8, 1);
        S::open(sender, &setup).expect_err("nobody is there");
    }

    #[test]
    fn zeromq_is_not_open_before_it_is_connected() {
        is_not_connected::<zeromq::Socket>(Peer::ZeroMq);
    }

    #[test]
    fn nng_is_not_open_before_it_is_connected() {
        is_not_connected::<nng::Socket>(Peer::Nng);
    }
}
