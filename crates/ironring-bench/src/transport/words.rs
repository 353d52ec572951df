//! Two words in shared memory, for the floors of blocking: a count of messages, and a message
//! of 8 bytes.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use ironring_testkit::{Args, Ledger, Role};

/// One direction's words.
#[derive(Debug)]
pub(super) struct Words {
    ledger: Ledger,
    passed: u64,
}

impl Words {
    pub(super) fn new(size: usize) -> io::Result<Self> {
        if size != 8 {
            return Err(io::Error::other(format!("messages of {size} bytes: this floor is of 8 bytes")));
        }
        Ok(Self { ledger: Ledger::new(2)?, passed: 0 })
    }

    pub(super) fn pass(&self, role: Role, name: &str) -> Role {
        role.pass_fd(name, &self.ledger)
    }

    pub(super) fn take(args: &mut Args, name: &str) -> io::Result<Self> {
        Ok(Self { ledger: Ledger::from_fd(args.fd(name))?, passed: 0 })
    }

    pub(super) fn count(&self) -> &AtomicU64 {
        self.ledger.word(0)
    }

    /// Writes a message, and that there is one more.
    #[inline]
    pub(super) fn write(&mut self, message: &[u8]) {
        let message = u64::from_ne_bytes(message.try_into().expect("8 bytes"));
        self.passed += 1;
        self.ledger.word(1).store(message, Ordering::Relaxed);
        // Release: pairs with the Acquire in `read`.
        self.count().store(self.passed, Ordering::Release);
    }

    /// Reads the next message, if there is one.
    #[inline]
    pub(super) fn read(&mut self, into: &mut [u8]) -> bool {
        // Acquire: pairs with the Release in `write`.
        if self.count().load(Ordering::Acquire) == self.passed {
            return false;
        }
        self.passed += 1;
        into.copy_from_slice(&self.ledger.word(1).load(Ordering::Relaxed).to_ne_bytes());
        true
    }

    /// How many messages this side has written or read.
    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }
}
