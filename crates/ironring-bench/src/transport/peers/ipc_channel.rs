//! ipc-channel: bytes through a channel of the kernel (a socket that keeps messages apart).

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
};

use ::ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender, bytes_channel};
use ironring_testkit::{Args, Role};

use super::failed;
use crate::transport::{End, Link, Receiver, Sender, Setup, expect_len};

/// By this the receiver tells the sender where it is: the channel is theirs alone.
#[derive(Debug)]
pub struct IpcChannel {
    tells: io::PipeWriter,
    learns: io::PipeReader,
}

/// The receiving side.
pub struct Receiving {
    /// Where the sender will bring the channel.
    server: Option<IpcOneShotServer<IpcBytesReceiver>>,
    channel: Option<IpcBytesReceiver>,
}

impl Link for IpcChannel {
    type Sender = IpcBytesSender;
    type Receiver = Receiving;

    fn new(_setup: &Setup) -> io::Result<Self> {
        let (learns, tells) = io::pipe()?;
        Ok(Self { tells, learns })
    }

    fn pass(&self, role: Role, name: &str, end: End) -> Role {
        match end {
            End::Sending => role.pass_fd(name, &self.learns),
            End::Receiving => role.pass_fd(name, &self.tells),
        }
    }

    fn sender(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<Self::Sender> {
        let mut place = String::new();
        // One line: others have the pipe open, and it does not end.
        BufReader::new(File::from(args.fd(name))).read_line(&mut place)?;
        let (sender, receiver) = bytes_channel()?;
        IpcSender::connect(place.trim_end().to_owned())?.send(receiver).map_err(failed)?;
        Ok(sender)
    }

    fn receiver(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<Self::Receiver> {
        let (server, place) = IpcOneShotServer::new()?;
        File::from(args.fd(name)).write_all(format!("{place}\n").as_bytes())?;
        Ok(Receiving { server: Some(server), channel: None })
    }
}

impl Sender for IpcBytesSender {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        IpcBytesSender::send(self, message)
    }
}

impl Receiving {
    /// The channel, which the sender may have brought meanwhile.
    fn channel(&mut self) -> io::Result<&IpcBytesReceiver> {
        if let Some(server) = self.server.take() {
            self.channel = Some(server.accept().map_err(failed)?.1);
        }
        self.channel.as_ref().ok_or_else(|| io::Error::other("the sender has brought no channel"))
    }
}

impl Receiver for Receiving {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let message = self.channel()?.recv().map_err(failed)?;
        expect_len(message.len(), into.len())?;
        into.copy_from_slice(&message);
        Ok(())
    }
}
