//! DPDK: its rte_ring, in C (rte_ring.c), where that could be compiled; between processes in a memfd.

use std::{
    ffi::{c_int, c_uint, c_void},
    io,
};

use ironring_testkit::{Args, Ledger, Role};

use crate::transport::{End, Idle, Link, Receiver, Sender, Setup};

unsafe extern "C" {
    fn ironring_rte_bytes(size: c_uint, count: c_uint) -> isize;
    fn ironring_rte_init(at: *mut c_void, count: c_uint) -> c_int;
    fn ironring_rte_send(ring: *mut c_void, messages: *const c_void, size: c_uint, count: c_uint) -> c_uint;
    fn ironring_rte_recv(ring: *mut c_void, into: *mut c_void, size: c_uint, count: c_uint) -> c_uint;
}

/// A ring of elements as long as the messages: values of one size.
#[derive(Debug)]
pub struct RteRing(Ledger);

impl RteRing {
    fn at(&self) -> *mut c_void {
        self.0.word(0).as_ptr().cast()
    }
}

/// A side of a ring.
#[derive(Debug)]
pub struct Side {
    ring: RteRing,
    idle: Idle,
}

impl Side {
    fn given(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self> {
        Ok(Self { ring: RteRing(Ledger::from_fd(args.fd(name))?), idle: setup.idle })
    }
}

impl Link for RteRing {
    type Sender = Side;
    type Receiver = Side;

    fn new(setup: &Setup) -> io::Result<Self> {
        // One element stays empty.
        let count = (setup.messages + 1).next_power_of_two() as c_uint;
        // SAFETY: it computes.
        let bytes = unsafe { ironring_rte_bytes(setup.size as c_uint, count) };
        let Ok(bytes) = usize::try_from(bytes) else {
            let size = setup.size;
            return Err(io::Error::other(format!(
                "rte_ring has no {count} elements of {size} bytes: {bytes}"
            )));
        };
        let ring = Self(Ledger::new(bytes.div_ceil(8))?);
        // SAFETY: the memory has as many bytes as such a ring takes, is mapped from a page's start, and is
        // nobody else's yet.
        match unsafe { ironring_rte_init(ring.at(), count) } {
            0 => Ok(ring),
            error => Err(io::Error::from_raw_os_error(-error)),
        }
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        role.pass_fd(name, &self.0)
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Side> {
        Side::given(args, name, setup)
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Side> {
        Side::given(args, name, setup)
    }
}

impl Sender for Side {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.send_batch(message, message.len())
    }

    #[inline]
    fn send_batch(&mut self, mut messages: &[u8], size: usize) -> io::Result<()> {
        let at = self.ring.at();
        while !messages.is_empty() {
            let (from, count) = (messages.as_ptr().cast(), messages.len() / size);
            // SAFETY: the ring was made for elements of this size, this is its only producer, and as many are
            // read at most as the slice has.
            let sent = unsafe { ironring_rte_send(at, from, size as c_uint, count as c_uint) };
            messages = &messages[sent as usize * size..];
            if sent == 0 {
                self.idle.pause();
            }
        }
        Ok(())
    }
}

impl Receiver for Side {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let size = into.len();
        self.recv_batch(into, size).map(drop)
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> io::Result<usize> {
        let at = self.ring.at();
        let (to, count) = (into.as_mut_ptr().cast(), into.len() / size);
        self.idle.until(|| {
            // SAFETY: the ring was made for elements of this size, this is its only consumer, and as many are
            // written at most as the slice has room for.
            let came = unsafe { ironring_rte_recv(at, to, size as c_uint, count as c_uint) };
            Ok((came > 0).then_some(came as usize))
        })
    }
}
