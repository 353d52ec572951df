//! A transport between processes: how it is made, and how its ends get to who uses them.

use std::{
    io,
    marker::PhantomData,
    os::fd::{AsFd, OwnedFd},
};

use ironring::{Options, Wait};
use ironring_testkit::{Args, Role};

use super::{Idle, Receiver, Sender, Shared};

/// What a link is made for. Each takes of it what it can use.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Bytes of a message.
    pub size: usize,
    /// Messages that are sent together.
    pub batch: usize,
    /// How the sides of a ring wait.
    pub wait: Wait,
    /// What a ring is to be.
    pub options: Options,
    /// How many messages a queue of another crate holds.
    pub messages: u64,
    /// What its sides do while it is empty or full.
    pub idle: Idle,
}

/// One of the two ends of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where messages go in.
    Sending,
    /// Where they come out.
    Receiving,
}

/// A way for messages between processes, in one direction.
pub trait Link: Sized {
    /// Its sending side.
    type Sender: Sender;
    /// Its receiving side.
    type Receiver: Receiver;

    /// A new one.
    ///
    /// # Errors
    ///
    /// If the kernel lacks it, or does not grant what it takes; it says what.
    fn new(setup: &Setup) -> io::Result<Self>;

    /// Gives a process what it needs to use an end, under this name.
    fn pass(&self, role: Role, name: &str, end: End) -> Role;

    /// The sending side, in a process that was given that end.
    ///
    /// # Errors
    ///
    /// If it cannot be used.
    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Sender>;

    /// The receiving side, in a process that was given that end.
    ///
    /// # Errors
    ///
    /// If it cannot be used.
    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Receiver>;
}

impl<R: Shared> Link for R {
    type Sender = R::Producer;
    type Receiver = R::Consumer;

    fn new(setup: &Setup) -> io::Result<Self> {
        R::anonymous(&setup.options)
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        role.pass_fd(name, self)
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<R::Producer> {
        R::from_fd(args.fd(name))?.producer(setup.wait)
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<R::Consumer> {
        R::from_fd(args.fd(name))?.consumer(setup.wait)
    }
}

/// A transport of the kernel that is a descriptor at each end.
pub trait Channel {
    /// What sends through a descriptor.
    type Sender: Sender + From<OwnedFd>;
    /// What receives through one.
    type Receiver: Receiver + From<OwnedFd>;

    /// Opens one: the end that sends, and the one that receives.
    ///
    /// # Errors
    ///
    /// If the kernel does not grant it.
    fn open(setup: &Setup) -> io::Result<(OwnedFd, OwnedFd)>;
}

/// The two descriptors of a transport of the kernel.
#[derive(Debug)]
pub struct Descriptors<C> {
    sending: OwnedFd,
    receiving: OwnedFd,
    _channel: PhantomData<C>,
}

impl<C: Channel> Link for Descriptors<C> {
    type Sender = C::Sender;
    type Receiver = C::Receiver;

    fn new(setup: &Setup) -> io::Result<Self> {
        let (sending, receiving) = C::open(setup)?;
        Ok(Self { sending, receiving, _channel: PhantomData })
    }

    fn pass(&self, role: Role, name: &str, end: End) -> Role {
        let fd = match end {
            End::Sending => &self.sending,
            End::Receiving => &self.receiving,
        };
        role.pass_fd(name, fd.as_fd())
    }

    fn sender(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<C::Sender> {
        Ok(args.fd(name).into())
    }

    fn receiver(args: &mut Args, name: &str, _setup: &Setup) -> io::Result<C::Receiver> {
        Ok(args.fd(name).into())
    }
}
