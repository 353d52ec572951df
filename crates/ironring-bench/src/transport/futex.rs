//! A bare futex: what no transport that sleeps for each message can do with less.

use std::{
    ptr,
    sync::atomic::{AtomicU64, Ordering},
};

use ironring_testkit::Ledger;

use super::{Receiver, Sender};

/// One side of one direction: a count of messages, which is slept on, and a message of 8 bytes.
#[derive(Debug)]
pub struct Futex<'a> {
    count: &'a AtomicU64,
    message: &'a AtomicU64,
    passed: u64,
}

/// Words between two directions, so that they share no line.
const APART: usize = 32;

impl<'a> Futex<'a> {
    /// Words that two directions take.
    pub const WORDS: usize = 2 * APART;

    /// A side of the first direction, or of the other.
    pub fn new(words: &'a Ledger, is_other: bool) -> Self {
        let at = if is_other { APART } else { 0 };
        Self { count: words.word(at), message: words.word(at + 1), passed: 0 }
    }

    /// The half of the count that the kernel compares.
    fn half(&self) -> *const u32 {
        let half = usize::from(cfg!(target_endian = "big"));
        self.count.as_ptr().cast::<u32>().wrapping_add(half).cast_const()
    }
}

impl Sender for Futex<'_> {
    #[inline]
    fn send(&mut self, message: &[u8]) {
        let message = u64::from_ne_bytes(message.try_into().expect("8 bytes"));
        self.passed += 1;
        self.message.store(message, Ordering::Relaxed);
        // Release: pairs with the Acquire in `recv`.
        self.count.store(self.passed, Ordering::Release);
        // SAFETY: the word is mapped as long as it is borrowed, and the kernel does not access it.
        unsafe { libc::syscall(libc::SYS_futex, self.half(), libc::FUTEX_WAKE, 1) };
    }

    fn send_batch(&mut self, messages: &[u8], size: usize) {
        messages.chunks_exact(size).for_each(|message| self.send(message));
    }
}

impl Receiver for Futex<'_> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) {
        // Acquire: pairs with the Release in `send`.
        while self.count.load(Ordering::Acquire) == self.passed {
            let forever = ptr::null::<libc::timespec>();
            // SAFETY: the word is mapped as long as it is borrowed; the kernel compares it.
            unsafe {
                libc::syscall(libc::SYS_futex, self.half(), libc::FUTEX_WAIT, self.passed as u32, forever)
            };
        }
        self.passed += 1;
        into.copy_from_slice(&self.message.load(Ordering::Relaxed).to_ne_bytes());
    }

    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> usize {
        self.recv(&mut into[..size]);
        1
    }
}
