//! TCP over the loopback device.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::fd::OwnedFd,
};

use super::{
    link::{Channel, Descriptors, Setup},
    stream::Stream,
};

/// A connection to 127.0.0.1 with TCP_NODELAY at both ends; buffers as the kernel tunes them,
/// which fixed ones only limit.
pub type Tcp = Descriptors<Kind>;

/// See [`Tcp`].
#[derive(Debug)]
pub enum Kind {}

impl Channel for Kind {
    type Sender = Stream;
    type Receiver = Stream;

    fn open(_setup: &Setup) -> io::Result<(OwnedFd, OwnedFd)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let sending = TcpStream::connect(listener.local_addr()?)?;
        let (receiving, peer) = listener.accept()?;
        if peer != sending.local_addr()? {
            return Err(io::Error::other(format!("{peer} has connected, which nobody expected")));
        }
        sending.set_nodelay(true)?;
        receiving.set_nodelay(true)?;
        Ok((sending.into(), receiving.into()))
    }
}
