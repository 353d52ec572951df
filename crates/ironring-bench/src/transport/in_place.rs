//! The rings of this crate, with messages that are written and read in the ring.

use std::io;

use ironring::{Deadline, mpmc, spsc};
use ironring_testkit::{Args, Role};

use super::{
    Receiver, Sender, Shared, expect_len,
    link::{End, Link, Setup},
    ours::in_order,
};
use crate::stamp;

/// A ring whose messages are made and looked at where they lie: a sender puts the message's
/// number into each of its lines there, a receiver looks at each, and nobody copies the rest.
/// Both sides trust their peers, which is what references into shared memory take.
#[derive(Debug)]
pub struct InPlace<R>(R);

/// A side of it.
#[derive(Debug)]
pub struct Side<H>(H);

macro_rules! kind {
    ($kind:ident) => {
        impl Link for InPlace<$kind::Ring<[u8]>> {
            type Sender = Side<$kind::Producer<[u8], ironring::Trusting>>;
            type Receiver = Side<$kind::Consumer<[u8], ironring::Trusting>>;

            fn new(setup: &Setup) -> io::Result<Self> {
                Shared::anonymous(&setup.options).map(Self)
            }

            fn pass(&self, role: Role, name: &str, _end: End) -> Role {
                role.pass_fd(name, &self.0)
            }

            fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Sender> {
                let producer = <$kind::Ring<[u8]> as Link>::sender(args, name, setup)?;
                // SAFETY: the ring is anonymous, and who was given it keeps the protocol: the
                // processes of this measurement, by this crate's handles.
                Ok(Side(unsafe { producer.trust_peers() }))
            }

            fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self::Receiver> {
                let consumer = <$kind::Ring<[u8]> as Link>::receiver(args, name, setup)?;
                // SAFETY: as in `sender`.
                Ok(Side(unsafe { consumer.trust_peers() }))
            }
        }

        impl Sender for Side<$kind::Producer<[u8], ironring::Trusting>> {
            #[inline]
            fn send(&mut self, message: &[u8]) -> io::Result<()> {
                let mut claim = in_order(self.0.claim_by(message.len(), Deadline::NEVER))?;
                stamp::write(&mut claim, stamp::number(message));
                in_order(claim.publish())
            }
        }

        impl Receiver for Side<$kind::Consumer<[u8], ironring::Trusting>> {
            #[inline]
            fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
                let message = in_order(self.0.recv())?;
                expect_len(message.len(), into.len())?;
                stamp::copy(&message, into);
                Ok(())
            }
        }
    };
}

kind!(spsc);
kind!(mpmc);
