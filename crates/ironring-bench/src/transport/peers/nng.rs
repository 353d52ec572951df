//! nng: a push and a pull socket over `ipc://`.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    io, ptr,
};

use super::{
    library::functions,
    meeting::{self, Meeting, Place},
};
use crate::transport::{End, Receiver, Sender, Setup, expect_len};

/// A socket, as nng.h has it: a struct of one number.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Id(u32);

functions! {
    /// Of nng.h, version 1.
    struct Nng of "libnng.so.1" in "libnng1" {
        push: b"nng_push0_open\0" = fn(*mut Id) -> c_int,
        pull: b"nng_pull0_open\0" = fn(*mut Id) -> c_int,
        set_int: b"nng_socket_set_int\0" = fn(Id, *const c_char, c_int) -> c_int,
        listen: b"nng_listen\0" = fn(Id, *const c_char, *mut c_void, c_int) -> c_int,
        dial: b"nng_dial\0" = fn(Id, *const c_char, *mut c_void, c_int) -> c_int,
        send: b"nng_send\0" = fn(Id, *const c_void, usize, c_int) -> c_int,
        recv: b"nng_recv\0" = fn(Id, *mut c_void, *mut usize, c_int) -> c_int,
        close: b"nng_close\0" = fn(Id) -> c_int,
        strerror: b"nng_strerror\0" = fn(c_int) -> *const c_char,
    }
}

// Of nng.h too.
const EINTR: c_int = 1;
const ENOTSUP: c_int = 9;

impl Nng {
    /// What a call says. Again while a signal interrupts it.
    fn done(&self, mut call: impl FnMut() -> c_int) -> io::Result<()> {
        loop {
            match call() {
                0 => return Ok(()),
                EINTR => {}
                number => {
                    // SAFETY: it gives a text for every number.
                    let text = unsafe { (self.strerror)(number) };
                    // SAFETY: the text ends with NUL, and stays for this thread until the next call.
                    let text = unsafe { CStr::from_ptr(text) };
                    return Err(io::Error::other(text.to_string_lossy()));
                }
            }
        }
    }
}

/// A way for messages between two of its sockets.
pub type NanoNext = Meeting<Socket>;

/// A socket. The receiver's listens, the sender's dials, and is connected when that is done.
#[derive(Debug)]
pub struct Socket {
    nng: Nng,
    id: Id,
    place: Place,
}

impl meeting::Socket for Socket {
    fn is_there() -> io::Result<()> {
        Nng::load().map(drop)
    }

    fn open(place: Place, setup: &Setup) -> io::Result<Self> {
        let nng = Nng::load()?;
        let mut id = Id(0);
        let (open, join) = match place.end {
            End::Sending => (nng.push, nng.dial),
            End::Receiving => (nng.pull, nng.listen),
        };
        // SAFETY: it writes a socket's number to `id`.
        nng.done(|| unsafe { open(&raw mut id) })?;
        let mut this = Self { nng, id, place };
        // At most 8192 are allowed.
        let most = setup.messages.min(8192) as c_int;
        for option in [c"send-buffer", c"recv-buffer"] {
            let set = || {
                // SAFETY: the socket is open, and the name ends with NUL.
                let done = unsafe { (nng.set_int)(id, option.as_ptr(), most) };
                // A socket that has no such buffer says so.
                if done == ENOTSUP { 0 } else { done }
            };
            nng.done(set)?;
        }
        this.place.meet(|address| {
            // Without flags, who dials waits until the connection is there.
            // SAFETY: the socket is open, the address ends with NUL, and null asks for nothing back.
            nng.done(|| unsafe { join(id, address.as_ptr(), ptr::null_mut(), 0) })
        })?;
        Ok(this)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.place.leave();
        // SAFETY: it takes a number, and the socket is not used again.
        unsafe { (self.nng.close)(self.id) };
    }
}

impl Sender for Socket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (at, len) = (message.as_ptr().cast(), message.len());
        // SAFETY: the socket is open; without a flag that gives it away the library reads the bytes alone.
        self.nng.done(|| unsafe { (self.nng.send)(self.id, at, len, 0) })
    }

    fn finish(&mut self) -> io::Result<()> {
        self.place.await_end()
    }
}

impl Receiver for Socket {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let mut len = into.len();
        let at = into.as_mut_ptr().cast();
        // SAFETY: the socket is open; the library writes at most `len` bytes, as many as the slice has, and
        // then how many there were.
        self.nng.done(|| unsafe { (self.nng.recv)(self.id, at, &raw mut len, 0) })?;
        expect_len(len, into.len())
    }
}
