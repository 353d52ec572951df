//! Boost.Interprocess: its message_queue, in C++ (boost.cpp), where that could be compiled.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    io, ptr,
    sync::atomic::{AtomicU32, Ordering},
};

use ironring_testkit::{Args, Role};

use crate::transport::{End, Idle, Link, Receiver, Sender, Setup, expect_len, note::Note};

/// A message_queue, of which only C++ knows more.
type Queue = c_void;

/// Where boost.cpp says why something failed: a text that ends with NUL.
type Why = [c_char; 256];

unsafe extern "C" {
    fn ironring_boost_create(name: *const c_char, messages: usize, size: usize, why: *mut Why) -> c_int;
    fn ironring_boost_remove(name: *const c_char) -> c_int;
    fn ironring_boost_open(name: *const c_char, queue: *mut *mut Queue, why: *mut Why) -> c_int;
    fn ironring_boost_close(queue: *mut Queue);
    fn ironring_boost_send(
        queue: *mut Queue,
        message: *const c_void,
        size: usize,
        waits: c_int,
        why: *mut Why,
    ) -> c_int;
    fn ironring_boost_recv(
        queue: *mut Queue,
        into: *mut c_void,
        room: usize,
        size: *mut usize,
        waits: c_int,
        why: *mut Why,
    ) -> c_int;
}

/// Whether a call was done, or could not be now; or why it failed.
fn done(call: impl FnOnce(*mut Why) -> c_int) -> io::Result<bool> {
    let mut why: Why = [0; 256];
    match call(&raw mut why) {
        0 => Ok(false),
        1 => Ok(true),
        _ => {
            // SAFETY: who fails writes a text there, shorter than the array, that ends with NUL.
            let text = unsafe { CStr::from_ptr(why.as_ptr()) };
            Err(io::Error::other(format!("Boost.Interprocess: {}", text.to_string_lossy())))
        }
    }
}

/// A queue, which has a name until this is dropped.
#[derive(Debug)]
pub struct BoostQueue {
    name: CString,
    note: Note,
}

impl Drop for BoostQueue {
    fn drop(&mut self) {
        // SAFETY: the name ends with NUL.
        unsafe { ironring_boost_remove(self.name.as_ptr()) };
    }
}

/// A side of a queue.
#[derive(Debug)]
pub struct Side {
    queue: *mut Queue,
    idle: Idle,
}

impl Drop for Side {
    fn drop(&mut self) {
        // SAFETY: it was opened, and is not used again.
        unsafe { ironring_boost_close(self.queue) };
    }
}

impl Side {
    fn given(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self> {
        let name = CString::new(Note::take(args, name)?)?;
        let mut queue = ptr::null_mut();
        // SAFETY: the name ends with NUL, and the queue is written to where there is room for a pointer.
        done(|why| unsafe { ironring_boost_open(name.as_ptr(), &raw mut queue, why) })?;
        Ok(Self { queue, idle: setup.idle })
    }
}

impl Link for BoostQueue {
    type Sender = Side;
    type Receiver = Side;

    fn new(setup: &Setup) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let text = format!("ironring-bench-{}-{number}", std::process::id());
        let (name, note) = (CString::new(text.as_str())?, Note::new(&text)?);
        let messages = setup.messages as usize;
        // SAFETY: the name ends with NUL.
        done(|why| unsafe { ironring_boost_create(name.as_ptr(), messages, setup.size, why) })?;
        Ok(Self { name, note })
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        self.note.pass(role, name)
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Side> {
        Side::given(args, name, setup)
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Side> {
        Side::given(args, name, setup)
    }
}

impl Sender for Side {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let waits = c_int::from(self.idle.waits());
        let (at, size) = (message.as_ptr().cast(), message.len());
        self.idle.until(|| {
            // SAFETY: the queue is open, and the bytes of the slice are read.
            let sent = done(|why| unsafe { ironring_boost_send(self.queue, at, size, waits, why) })?;
            Ok(sent.then_some(()))
        })
    }
}

impl Receiver for Side {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let waits = c_int::from(self.idle.waits());
        let (at, room) = (into.as_mut_ptr().cast(), into.len());
        let found = self.idle.until(|| {
            let mut size = 0;
            // SAFETY: the queue is open; as many bytes are written as the slice has, at most, and then how
            // many there were.
            let came =
                done(|why| unsafe { ironring_boost_recv(self.queue, at, room, &raw mut size, waits, why) })?;
            Ok(came.then_some(size))
        })?;
        expect_len(found, room)
    }
}
