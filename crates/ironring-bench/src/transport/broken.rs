//! What a transport must not do: for the tests of those who have to notice.

use std::io;

use ironring_testkit::{Args, Role};
use serde::{Deserialize, Serialize};

use super::{
    Pipe, Sender,
    link::{End, Link, Setup},
};

/// What happens to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// It never comes.
    Loses,
    /// It comes twice.
    Duplicates,
    /// It comes after its successor.
    Reorders,
    /// One of its bits changes on the way.
    Corrupts,
}

impl Defect {
    /// The number of the message.
    pub const AT: u64 = 100;

    const ALL: [Self; 4] = [Self::Loses, Self::Duplicates, Self::Reorders, Self::Corrupts];
}

/// A pipe with a defect.
#[derive(Debug)]
pub struct Broken<const DEFECT: usize>(Pipe);

/// The sending side of it.
#[derive(Debug)]
pub struct BrokenSender<const DEFECT: usize> {
    sender: <Pipe as Link>::Sender,
    sent: u64,
    kept: Vec<u8>,
}

impl<const DEFECT: usize> Link for Broken<DEFECT> {
    type Sender = BrokenSender<DEFECT>;
    type Receiver = <Pipe as Link>::Receiver;

    fn new(setup: &Setup) -> io::Result<Self> {
        Pipe::new(setup).map(Self)
    }

    fn pass(&self, role: Role, name: &str, end: End) -> Role {
        self.0.pass(role, name, end)
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Sender> {
        Ok(BrokenSender { sender: Pipe::sender(args, name, setup)?, sent: 0, kept: Vec::new() })
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Receiver> {
        Pipe::receiver(args, name, setup)
    }
}

impl<const DEFECT: usize> Sender for BrokenSender<DEFECT> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let number = self.sent;
        self.sent += 1;
        if number == Defect::AT + 1 && !self.kept.is_empty() {
            self.sender.send(message)?;
            return self.sender.send(&std::mem::take(&mut self.kept));
        }
        if number != Defect::AT {
            return self.sender.send(message);
        }
        match Defect::ALL[DEFECT] {
            Defect::Loses => Ok(()),
            Defect::Duplicates => {
                self.sender.send(message)?;
                self.sender.send(message)
            }
            Defect::Reorders => {
                self.kept = message.to_vec();
                Ok(())
            }
            Defect::Corrupts => {
                let mut copy = message.to_vec();
                copy[message.len() / 64 * 64 / 2] ^= 1;
                self.sender.send(&copy)
            }
        }
    }
}
