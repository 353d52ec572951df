//! Giving a ring to another process: over a unix socket ([`Ring::serve`] and [`Ring::connect`]), or to
//! a program that is started ([`Ring::pass_to`] and [`Ring::inherited`]).
//!
//! The ring's descriptor is what is given, so it needs no name. Three messages of one length each:
//!
//! ```text
//! client                                server
//!   | connect ------------------------->  | whose process is it? (SO_PEERCRED)
//!   | hello: version, which messages -->  |
//!   | <------ reply: status, geometry     | with the descriptor, where the status is 0
//!   | ack: status --------------------->  | the ring is in use, or why not
//! ```
//!
//! Either side reads exactly as many bytes as there are to be, checks each of them, and gives up at
//! the deadline.

mod inherit;
mod wire;

use std::{
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::Duration,
};

use self::wire::{Ack, Hello, Reply, Socket, Status};
use crate::{
    Deadline, Error, Ring,
    algorithm::Algorithm,
    options::Options,
    payload::Payload,
    region::{Region, user},
};

/// The process at the other end of a socket, as the kernel knows it: from when it connected or
/// listened.
///
/// ```
/// use std::os::unix::net::UnixStream;
///
/// let (one, _other) = UnixStream::pair()?;
/// let peer = ironring::Peer::of(&one)?;
/// assert_eq!(peer.pid, std::process::id());
/// assert!(peer.is_same_user());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process; 0 if it is in another pid namespace.
    pub pid: u32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

impl Peer {
    /// Who is at the other end of `socket`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn of(socket: &UnixStream) -> Result<Self, Error> {
        let mut found = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
        let mut len = size_of::<libc::ucred>() as libc::socklen_t;
        let to = (&raw mut found).cast();
        // SAFETY: the descriptor is open, and the call writes at most `len` bytes to `found`.
        let done = unsafe {
            libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, to, &raw mut len)
        };
        if done == -1 || len as usize != size_of::<libc::ucred>() {
            return Err(Error::os("asking who is at the other end of the socket"));
        }
        Ok(Self { pid: found.pid.cast_unsigned(), uid: found.uid, gid: found.gid })
    }

    /// Whether it is a process of the same effective user: the usual answer to whom to trust. In a user
    /// namespace nobody is whose user has no number there (and who is told by that of all such, 65534).
    pub fn is_same_user(&self) -> bool {
        user::is_own(self.uid)
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} of user {}", self.pid, self.uid)
    }
}

/// How long a server may take that a name leads to.
const PATIENCE: Duration = Duration::from_secs(10);

/// The descriptor that a server of this user gives away at `path`, whichever ring's it is.
pub(crate) fn fetch(path: &Path) -> Result<OwnedFd, Error> {
    let deadline = Deadline::after(PATIENCE);
    let socket = connect(path, deadline)?;
    let peer = admitted(&socket, Peer::is_same_user)?;
    let socket = Socket::new(&socket, deadline);
    let (fd, _) = ask(&socket, peer, Hello::ANY)?;
    socket.send(&Ack::bytes(Status::Done), None)?;
    Ok(fd)
}

fn connect(path: &Path, deadline: Deadline) -> Result<UnixStream, Error> {
    wire::connect(path, deadline).map_err(|e| Error::io(format!("connecting to {}", path.display()), e))
}

fn admitted(socket: &UnixStream, admits: impl FnOnce(&Peer) -> bool) -> Result<Peer, Error> {
    let peer = Peer::of(socket)?;
    if admits(&peer) { Ok(peer) } else { Err(Error::Refused { peer, reason: "it was not admitted".into() }) }
}

/// Asks a server for its ring; gives its descriptor, and what the server says of it.
fn ask(socket: &Socket<'_>, peer: Peer, wanted: Hello) -> Result<(OwnedFd, Hello), Error> {
    socket.send(&wanted.bytes(), None)?;
    let (bytes, fd) = socket.receive_with_fd("reply")?;
    let reply = Reply::read(&bytes)?;
    match (reply.status, fd) {
        (Status::Done, Some(fd)) => Ok((fd, reply.ring)),
        (Status::Done, None) => Err(Error::Handshake { found: "a reply without a descriptor".into() }),
        (Status::OtherMessages, _) => {
            let reason = format!("its ring is of {}, and {wanted} were asked for", reply.ring);
            Err(Error::Refused { peer, reason })
        }
        (status, _) => Err(Error::Refused { peer, reason: status.to_string() }),
    }
}

impl<M: Payload + ?Sized, A: Algorithm> Ring<M, A> {
    /// Gives the ring to whoever has connected to `socket`, if `admits` says so of it: the other
    /// side calls [`connect`](Self::connect). Returns who it is, when it has the ring.
    ///
    /// Who has the ring's descriptor can read and write all of it, for as long as it likes.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if `admits` says no, or the other side does not want this ring;
    /// [`Error::Handshake`] if it says something else than a handshake; [`Error::Io`], with
    /// `TimedOut` at the deadline.
    ///
    /// ```
    /// use std::{os::unix::net::UnixListener, time::Duration};
    ///
    /// use ironring::{Deadline, Options, Peer, spsc::Ring};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("socket");
    /// let listener = UnixListener::bind(&path)?;
    /// let soon = || Deadline::after(Duration::from_secs(5));
    ///
    /// // In another process:
    /// let client = std::thread::spawn(move || {
    ///     let ring = Ring::<[u8]>::connect(path, Peer::is_same_user, soon())?;
    ///     ring.producer()?.send(b"hello").expect("room");
    ///     Ok::<_, ironring::Error>(())
    /// });
    ///
    /// let ring = Ring::<[u8]>::anonymous(&Options::bytes(4096))?;
    /// let (socket, _) = listener.accept()?;
    /// let peer = ring.serve(&socket, Peer::is_same_user, soon())?;
    /// assert_eq!(peer.pid, std::process::id());
    /// assert_eq!(ring.consumer()?.recv()?.to_vec(), b"hello");
    /// client.join().expect("no panic")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve(
        &self,
        socket: &UnixStream,
        admits: impl FnOnce(&Peer) -> bool,
        deadline: Deadline,
    ) -> Result<Peer, Error> {
        let file = self.region.file().to_pass_on()?;
        let peer = Peer::of(socket)?;
        let socket = Socket::new(socket, deadline);
        let own = Hello::of(self.region.identity());
        if !admits(&peer) {
            // It may not be there to hear it.
            let _ = socket.send(&Reply::new(Status::NotAdmitted, own).bytes(), None);
            return Err(Error::Refused { peer, reason: "it was not admitted".into() });
        }
        let hello = Hello::read(&socket.receive("hello")?)?;
        if !hello.fits(&own) {
            socket.send(&Reply::new(Status::OtherMessages, own).bytes(), None)?;
            return Err(Error::Refused {
                peer,
                reason: format!("it asks for {hello}, and the ring is of {own}"),
            });
        }
        socket.send(&Reply::new(Status::Done, own).bytes(), Some(file.as_fd()))?;
        match Ack::read(&socket.receive("acknowledgement")?)? {
            Status::Done => Ok(peer),
            status => Err(Error::Refused { peer, reason: status.to_string() }),
        }
    }

    /// Gets the ring that the server listening at `path` gives away by [`serve`](Self::serve), if
    /// `admits` says so of that server. The ring must be one of `M`, with type tag 0. A memfd must be
    /// sealed, as for [`from_fd`](Self::from_fd).
    ///
    /// # Errors
    ///
    /// Those of [`serve`](Self::serve) and [`from_fd`](Self::from_fd).
    pub fn connect(
        path: impl AsRef<Path>,
        admits: impl FnOnce(&Peer) -> bool,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        Self::receive(&connect(path.as_ref(), deadline)?, admits, deadline)
    }

    /// The same over a socket that is connected to the server.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub fn receive(
        socket: &UnixStream,
        admits: impl FnOnce(&Peer) -> bool,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let peer = admitted(socket, admits)?;
        let socket = Socket::new(socket, deadline);
        let wanted = Hello::wanted(A::KIND, &A::geometry::<M>(&Options::messages(1))?);
        let (fd, said) = ask(&socket, peer, wanted)?;
        let ring = Region::from_fd(fd).and_then(|region| {
            // What was said is compared with what the ring says, and that is believed.
            if Hello::of(region.identity()) != said {
                return Err(Error::Handshake { found: format!("{said}, and another ring with it") });
            }
            Self::checked(region, None)
        });
        let status = if ring.is_ok() { Status::Done } else { Status::NotUsable };
        socket.send(&Ack::bytes(status), None)?;
        ring
    }
}
