//! Pairs of unix sockets.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use super::{
    datagram::Datagrams,
    link::{Channel, Descriptors, Setup},
    stream::Stream,
    system_call,
};

/// A pair of stream sockets, with a send buffer of 1 MiB or as much as /proc/sys/net/core/wmem_max grants.
pub type UnixStream = Descriptors<StreamKind>;
/// A pair of datagram sockets, with the same buffer.
pub type UnixDgram = Descriptors<DgramKind>;
/// A pair of sockets for sequenced packets, with the same buffer.
pub type UnixSeqpacket = Descriptors<SeqpacketKind>;

macro_rules! kind {
    ($kind:ident, $of:literal, $type:ident, $end:ident) => {
        #[doc = concat!("See [`", $of, "`].")]
        #[derive(Debug)]
        pub enum $kind {}

        impl Channel for $kind {
            type Sender = $end;
            type Receiver = $end;

            fn open(_setup: &Setup) -> io::Result<(OwnedFd, OwnedFd)> {
                pair(libc::$type)
            }
        }
    };
}

kind!(StreamKind, "UnixStream", SOCK_STREAM, Stream);
kind!(DgramKind, "UnixDgram", SOCK_DGRAM, Datagrams);
kind!(SeqpacketKind, "UnixSeqpacket", SOCK_SEQPACKET, Datagrams);

/// Two connected sockets; what is sent is counted against the sender's buffer.
fn pair(kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    static ROOM: libc::c_int = 1 << 20;
    let mut fds = [-1; 2];
    let kind = kind | libc::SOCK_CLOEXEC;
    // SAFETY: the kernel writes two descriptors to the array of two.
    system_call(|| unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) } as isize)?;
    // SAFETY: the call above just opened both, and nothing else knows their numbers.
    let [sending, receiving] = fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let len = size_of_val(&ROOM) as libc::socklen_t;
    let room = &raw const ROOM;
    let set = || {
        let fd = sending.as_raw_fd();
        // SAFETY: the kernel reads one integer, which lives for ever.
        unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, room.cast(), len) }
    };
    system_call(|| set() as isize)?;
    Ok((sending, receiving))
}
