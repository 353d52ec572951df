//! Bytes with descriptors, sent over a unix socket by another way than the library's.

use std::{
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
};

/// As many as one message of these may have.
pub(crate) const MOST_FDS: usize = 16;

#[repr(C, align(8))]
struct Control {
    header: libc::cmsghdr,
    fds: [RawFd; MOST_FDS],
}

/// Sends `bytes`, at least one, with `fds`; returns how many bytes were taken.
pub(crate) fn send_with(socket: &UnixStream, bytes: &[u8], fds: &[RawFd]) -> io::Result<usize> {
    let len = size_of::<libc::cmsghdr>() + size_of_val(fds);
    let mut control = Control {
        header: libc::cmsghdr {
            cmsg_len: len as _,
            cmsg_level: libc::SOL_SOCKET,
            cmsg_type: libc::SCM_RIGHTS,
        },
        fds: [0; MOST_FDS],
    };
    control.fds[..fds.len()].copy_from_slice(fds);
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: `msghdr` is plain integers and pointers, for which zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    if !fds.is_empty() {
        header.msg_control = (&raw mut control).cast();
        header.msg_controllen = len.next_multiple_of(8) as _;
    }
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: the header points to bytes and control room that live during the call.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, flags) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}
