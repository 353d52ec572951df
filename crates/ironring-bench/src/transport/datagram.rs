//! Sockets that keep messages apart.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, OwnedFd},
    ptr,
};

use super::{Receiver, Sender, expect_len, system_call};

/// The largest batch.
const MOST: usize = 64;

/// An end of a socket: `send` and `recv` for one message, `sendmmsg` and `recvmmsg` for a batch.
#[derive(Debug)]
pub struct Datagrams(OwnedFd);

impl From<OwnedFd> for Datagrams {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

/// Headers for messages of `size` bytes that lie one after another from `base` on, and the
/// vectors that the headers point to.
struct Headers {
    vectors: [libc::iovec; MOST],
    headers: [libc::mmsghdr; MOST],
    count: usize,
}

impl Headers {
    /// `bytes` long is the memory at `base`.
    fn new(base: *mut u8, bytes: usize, size: usize) -> Self {
        let empty = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        // SAFETY: integers and pointers, for which zero bytes are valid.
        let header = unsafe { MaybeUninit::<libc::mmsghdr>::zeroed().assume_init() };
        let count = (bytes / size).min(MOST);
        let mut all = Self { vectors: [empty; MOST], headers: [header; MOST], count };
        for (i, vector) in all.vectors.iter_mut().take(count).enumerate() {
            *vector = libc::iovec { iov_base: base.wrapping_add(i * size).cast(), iov_len: size };
        }
        all
    }

    /// The headers, each with its vector: to be used where `self` stays.
    fn pointers(&mut self) -> *mut libc::mmsghdr {
        for (header, vector) in self.headers.iter_mut().zip(&mut self.vectors) {
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        self.headers.as_mut_ptr()
    }
}

impl Sender for Datagrams {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (fd, flags) = (self.0.as_raw_fd(), libc::MSG_NOSIGNAL);
        // SAFETY: the kernel reads the bytes of the slice.
        let sent = system_call(|| unsafe { libc::send(fd, message.as_ptr().cast(), message.len(), flags) })?;
        expect_len(sent, message.len())
    }

    fn send_batch(&mut self, messages: &[u8], size: usize) -> io::Result<()> {
        let (fd, flags) = (self.0.as_raw_fd(), libc::MSG_NOSIGNAL);
        let mut left = messages;
        while !left.is_empty() {
            // The kernel only reads what a sender's vectors point to.
            let mut headers = Headers::new(left.as_ptr().cast_mut(), left.len(), size);
            let (first, count) = (headers.pointers(), headers.count as libc::c_uint);
            // SAFETY: the kernel reads `count` headers and the parts of `left` that they point to.
            let sent = system_call(|| unsafe { libc::sendmmsg(fd, first, count, flags) } as isize)?;
            left = &left[sent * size..];
        }
        Ok(())
    }
}

impl Receiver for Datagrams {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let (fd, at, len) = (self.0.as_raw_fd(), into.as_mut_ptr(), into.len());
        // The whole length of a message that is too long, too.
        // SAFETY: the kernel writes at most as many bytes as the slice has.
        let there = system_call(|| unsafe { libc::recv(fd, at.cast(), len, libc::MSG_TRUNC) })?;
        expect_len(there, len)
    }

    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> io::Result<usize> {
        let fd = self.0.as_raw_fd();
        let mut headers = Headers::new(into.as_mut_ptr(), into.len(), size);
        let (first, count) = (headers.pointers(), headers.count as libc::c_uint);
        let flags = libc::MSG_WAITFORONE | libc::MSG_TRUNC;
        let call = || {
            // SAFETY: the kernel writes to `count` headers and to the parts of `into` that they point to.
            unsafe { libc::recvmmsg(fd, first, count, flags, ptr::null_mut()) }
        };
        let there = system_call(|| call() as isize)?;
        headers.headers[..there].iter().try_for_each(|header| expect_len(header.msg_len as usize, size))?;
        Ok(there)
    }
}
