//! What a victim does.

use ironring::{Role, Wait};
use ironring_testkit::{Args, mark};

use crate::{
    kills::named,
    peer::{Kind, Waiting, passed, receiver, sender},
};

named! {
    pub(crate) enum Operation {
        RecvSleeps "recv that sleeps",
        SendSleeps "send that sleeps",
        SendWakes "send that wakes",
        RecvWakes "recv that wakes",
    }
}
use Operation::*;

impl Operation {
    /// What is waited for.
    pub(crate) fn waiting(self) -> Waiting {
        match self {
            RecvSleeps | SendWakes => Waiting::ForMessage,
            SendSleeps | RecvWakes => Waiting::ForRoom,
        }
    }

    /// Whether the victim is the one who waits.
    pub(crate) fn sleeps(self) -> bool {
        matches!(self, RecvSleeps | SendSleeps)
    }
}

/// Of those who wait.
pub(crate) fn role_of(waiting: Waiting) -> Role {
    match waiting {
        Waiting::ForMessage => Role::Consumer,
        Waiting::ForRoom => Role::Producer,
    }
}

/// Of those who wake them.
pub(crate) fn waker_of(waiting: Waiting) -> Role {
    match role_of(waiting) {
        Role::Consumer => Role::Producer,
        Role::Producer => Role::Consumer,
    }
}

/// The number of the victim's message, or of the one that it waits for.
pub(crate) const FIRST: u64 = 1;

/// The role of a victim.
pub(crate) fn victim<A: Kind>(mut args: Args) {
    let ring = passed::<A>(&mut args, "ring");
    match args.parse("operation") {
        RecvSleeps | RecvWakes => {
            let mut consumer = receiver(&ring, Wait::Park);
            mark::begin();
            let received = consumer.recv_value();
            mark::end();
            received.expect("a message");
        }
        SendSleeps | SendWakes => {
            let mut producer = sender(&ring, Wait::Park);
            mark::begin();
            let sent = producer.send(&FIRST);
            mark::end();
            sent.expect("room");
        }
    }
}
