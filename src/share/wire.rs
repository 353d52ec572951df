//! What the two sides of a handshake say, and how it gets there.

use std::{
    fmt, io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    path::Path,
};

use crate::{Deadline, Error, Kind, geometry::Geometry, header::Identity};

/// Every message of a handshake is of this length, in bytes.
pub(super) const LEN: usize = 40;

const HELLO: u64 = u64::from_le_bytes(*b"ironHELO");
const REPLY: u64 = u64::from_le_bytes(*b"ironRPLY");
const ACK: u64 = u64::from_le_bytes(*b"ironACKN");
const VERSION: u32 = 1;

/// A message: magic, version, status, kind, message size, message alignment, zero, type tag.
type Message = [u8; LEN];

fn message(magic: u64, status: Status, ring: Hello) -> Message {
    let mut bytes = [0; LEN];
    let mut at = 0;
    let mut put = |value: &[u8]| {
        bytes[at..at + value.len()].copy_from_slice(value);
        at += value.len();
    };
    put(&magic.to_le_bytes());
    for half in [VERSION, status as u32, ring.kind, ring.size, ring.align, 0] {
        put(&half.to_le_bytes());
    }
    put(&ring.tag.to_le_bytes());
    bytes
}

/// Takes a message to pieces, none of which is believed yet but for being of this kind.
fn parts(bytes: &Message, magic: u64, what: &str) -> Result<(Status, Hello), Error> {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let half = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let other = |found: String| Error::Handshake { found };
    if word(0) != magic {
        return Err(other(format!("{:#x} where {what} begins", word(0))));
    }
    if half(8) != VERSION {
        return Err(other(format!("{what} of version {}, and this is {VERSION}", half(8))));
    }
    let status = Status::from_code(half(12)).ok_or_else(|| other(format!("the status {}", half(12))))?;
    if half(28) != 0 {
        return Err(other(format!("{:#x} where {what} has zeros", half(28))));
    }
    Ok((status, Hello { kind: half(16), size: half(20), align: half(24), tag: word(32) }))
}

/// How a handshake goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Done = 0,
    NotAdmitted = 1,
    OtherMessages = 2,
    NotUsable = 3,
}

impl Status {
    const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Done),
            1 => Some(Self::NotAdmitted),
            2 => Some(Self::OtherMessages),
            3 => Some(Self::NotUsable),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "it agrees",
            Self::NotAdmitted => "it does not admit this process",
            Self::OtherMessages => "it has a ring of other messages",
            Self::NotUsable => "it cannot use the ring",
        })
    }
}

/// Which ring is asked for, or given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    kind: u32,
    size: u32,
    align: u32,
    tag: u64,
}

impl Hello {
    /// Whichever there is.
    pub(super) const ANY: Self = Self { kind: 0, size: 0, align: 0, tag: 0 };

    pub(super) fn wanted(kind: Kind, geometry: &Geometry) -> Self {
        Self {
            kind: kind.code(),
            size: geometry.message_size,
            align: geometry.message_align,
            tag: geometry.type_tag,
        }
    }

    pub(super) fn of(identity: &Identity) -> Self {
        Self::wanted(identity.kind, &identity.geometry)
    }

    pub(super) fn fits(&self, ring: &Self) -> bool {
        *self == Self::ANY || self == ring
    }

    pub(super) fn bytes(self) -> Message {
        message(HELLO, Status::Done, self)
    }

    pub(super) fn read(bytes: &Message) -> Result<Self, Error> {
        parts(bytes, HELLO, "a hello").map(|(_, hello)| hello)
    }
}

impl fmt::Display for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Kind::from_code(self.kind) {
            Some(kind) => write!(f, "{kind}")?,
            None => write!(f, "kind {}", self.kind)?,
        }
        match self.size {
            0 => write!(f, " messages of bytes")?,
            size => write!(f, " messages of {size} bytes aligned to {}", self.align)?,
        }
        write!(f, " with type tag {}", self.tag)
    }
}

/// What the server says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) status: Status,
    pub(super) ring: Hello,
}

impl Reply {
    pub(super) const fn new(status: Status, ring: Hello) -> Self {
        Self { status, ring }
    }

    pub(super) fn bytes(self) -> Message {
        message(REPLY, self.status, self.ring)
    }

    pub(super) fn read(bytes: &Message) -> Result<Self, Error> {
        parts(bytes, REPLY, "a reply").map(|(status, ring)| Self { status, ring })
    }
}

/// What the client says last.
pub(super) struct Ack;

impl Ack {
    pub(super) fn bytes(status: Status) -> Message {
        message(ACK, status, Hello::ANY)
    }

    pub(super) fn read(bytes: &Message) -> Result<Status, Error> {
        parts(bytes, ACK, "an acknowledgement").map(|(status, _)| status)
    }
}

/// A stream to the peer, until a deadline. Whether the socket blocks does not matter.
pub(super) struct Socket<'a> {
    stream: &'a UnixStream,
    deadline: Deadline,
}

/// Room for the control message of one descriptor, and to see that there are more.
#[repr(C, align(8))]
struct Control([u8; 64]);

impl<'a> Socket<'a> {
    pub(super) const fn new(stream: &'a UnixStream, deadline: Deadline) -> Self {
        Self { stream, deadline }
    }

    /// Sends all of `bytes`, and `fd` with the first of them.
    pub(super) fn send(&self, bytes: &Message, mut fd: Option<BorrowedFd<'_>>) -> Result<(), Error> {
        let mut sent = 0;
        while sent < LEN {
            wait(self.stream.as_raw_fd(), libc::POLLOUT, self.deadline)
                .map_err(|e| Error::io("waiting to say something to the peer", e))?;
            match send_some(self.stream.as_raw_fd(), &bytes[sent..], fd) {
                Ok(n) => {
                    sent += n;
                    fd = None;
                }
                Err(e) if is_transient(&e) => {}
                Err(e) => return Err(Error::io("saying something to the peer", e)),
            }
        }
        Ok(())
    }

    pub(super) fn receive(&self, what: &str) -> Result<Message, Error> {
        match self.receive_with_fd(what)? {
            (bytes, None) => Ok(bytes),
            (_, Some(_)) => Err(Error::Handshake { found: format!("a descriptor with the {what}") }),
        }
    }

    /// Receives a message, and the descriptor with it.
    pub(super) fn receive_with_fd(&self, what: &str) -> Result<(Message, Option<OwnedFd>), Error> {
        let mut bytes = [0; LEN];
        let mut received = 0;
        let mut fds = Vec::new();
        while received < LEN {
            wait(self.stream.as_raw_fd(), libc::POLLIN, self.deadline)
                .map_err(|e| Error::io(format!("waiting for the peer's {what}"), e))?;
            match receive_some(self.stream.as_raw_fd(), &mut bytes[received..], &mut fds) {
                Ok(0) => {
                    let found = format!("the end, after {received} of the {LEN} bytes of the {what}");
                    return Err(Error::Handshake { found });
                }
                Ok(n) => received += n,
                Err(e) if is_transient(&e) => {}
                Err(e) => return Err(Error::io(format!("reading the peer's {what}"), e)),
            }
            if fds.len() > 1 {
                return Err(Error::Handshake { found: format!("{} descriptors", fds.len()) });
            }
        }
        Ok((bytes, fds.pop()))
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Waits until `fd` is ready, or hung up, or the deadline has passed.
fn wait(fd: RawFd, events: libc::c_short, deadline: Deadline) -> io::Result<()> {
    loop {
        let millis = match deadline.remaining() {
            None => -1,
            Some(left) if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
            Some(left) => libc::c_int::try_from(left.as_millis() + 1).unwrap_or(libc::c_int::MAX),
        };
        let mut polled = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one entry, which the call may write.
        match unsafe { libc::poll(&raw mut polled, 1, millis) } {
            0 => {}
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            _ => return Ok(()),
        }
    }
}

fn send_some(socket: RawFd, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<usize> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control([0; 64]);
    // SAFETY: `msghdr` is plain integers and pointers, for which zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    if let Some(fd) = fd {
        const FD: libc::c_uint = size_of::<RawFd>() as libc::c_uint;
        header.msg_control = control.0.as_mut_ptr().cast();
        // SAFETY: computes from an integer.
        header.msg_controllen = unsafe { libc::CMSG_SPACE(FD) } as _;
        // SAFETY: the header has control room for one descriptor, aligned.
        let first = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
        // SAFETY: computes from an integer.
        let len = unsafe { libc::CMSG_LEN(FD) };
        let value =
            libc::cmsghdr { cmsg_len: len as _, cmsg_level: libc::SOL_SOCKET, cmsg_type: libc::SCM_RIGHTS };
        // SAFETY: `first` points to room for a header within `control`.
        unsafe { first.write(value) };
        // SAFETY: behind that header there is room for one descriptor.
        let data = unsafe { libc::CMSG_DATA(first) };
        // SAFETY: as above; it need not be aligned.
        unsafe { data.cast::<RawFd>().write_unaligned(fd.as_raw_fd()) };
    }
    // SAFETY: the header points to bytes and control room that live during the call.
    let n = unsafe { libc::sendmsg(socket, &raw const header, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) };
    usize::try_from(n).map_err(|_| io::Error::last_os_error())
}

fn receive_some(socket: RawFd, bytes: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut control = Control([0; 64]);
    // SAFETY: `msghdr` is plain integers and pointers, for which zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len() as _;
    // SAFETY: the header points to room for bytes and control that lives during the call.
    let n = unsafe { libc::recvmsg(socket, &raw mut header, libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT) };
    let n = usize::try_from(n).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has filled the header in, with control messages within `control`.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while let Some(found) = std::ptr::NonNull::new(next) {
        // SAFETY: a control message's header lies there; copied, since it need not be aligned.
        let cmsg = unsafe { found.as_ptr().read_unaligned() };
        if cmsg.cmsg_level == libc::SOL_SOCKET && cmsg.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: its data lies behind the header.
            let data = unsafe { libc::CMSG_DATA(next) };
            // SAFETY: computes from an integer.
            let before = unsafe { libc::CMSG_LEN(0) } as usize;
            for i in 0..cmsg.cmsg_len.saturating_sub(before) / size_of::<RawFd>() {
                // SAFETY: within the data of the message, by its length.
                let at = unsafe { data.cast::<RawFd>().add(i) };
                // SAFETY: a descriptor's number lies there.
                let fd = unsafe { at.read_unaligned() };
                // SAFETY: the kernel has made the descriptor for this process, and nobody else has it.
                fds.push(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
        // SAFETY: `next` is a control message of this header.
        next = unsafe { libc::CMSG_NXTHDR(&raw const header, next) };
    }
    if header.msg_flags & libc::MSG_CTRUNC != 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more descriptors than one came with it"));
    }
    Ok(n)
}

/// Connects to the server at `path`, whose queue may be full until the deadline.
pub(super) fn connect(path: &Path, deadline: Deadline) -> io::Result<UnixStream> {
    // SAFETY: takes integers.
    let fd = unsafe {
        libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0)
    };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `sockaddr_un` is plain bytes, for which zero is a value.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() || bytes.len() >= address.sun_path.len() || bytes.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no path that a socket can have"));
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = from.cast_signed() as libc::c_char;
    }
    let mut backoff = crate::region::Contention::until(deadline);
    loop {
        let len = size_of::<libc::sockaddr_un>() as libc::socklen_t;
        // SAFETY: the descriptor is open, and the address a whole one.
        let done = unsafe { libc::connect(socket.as_fd().as_raw_fd(), (&raw const address).cast(), len) };
        if done == 0 {
            return Ok(UnixStream::from(socket));
        }
        match io::Error::last_os_error() {
            // A full queue tells nobody when it has room.
            e if is_transient(&e) => backoff.pause("connecting").map_err(|_| io::ErrorKind::TimedOut)?,
            e => return Err(e),
        }
    }
}
