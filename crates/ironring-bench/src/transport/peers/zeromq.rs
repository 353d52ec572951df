//! ZeroMQ: a PUSH and a PULL socket over `ipc://`.

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_short, c_void},
    io,
    time::Duration,
};

use super::{
    library::functions,
    meeting::{self, Meeting, Place},
};
use crate::transport::{End, Receiver, Sender, Setup, expect_len};

functions! {
    /// Of zmq.h, version 4.
    struct Zmq of "libzmq.so.5" in "libzmq5" {
        ctx_new: b"zmq_ctx_new\0" = fn() -> *mut c_void,
        socket: b"zmq_socket\0" = fn(*mut c_void, c_int) -> *mut c_void,
        setsockopt: b"zmq_setsockopt\0" = fn(*mut c_void, c_int, *const c_void, usize) -> c_int,
        bind: b"zmq_bind\0" = fn(*mut c_void, *const c_char) -> c_int,
        connect: b"zmq_connect\0" = fn(*mut c_void, *const c_char) -> c_int,
        send: b"zmq_send\0" = fn(*mut c_void, *const c_void, usize, c_int) -> c_int,
        recv: b"zmq_recv\0" = fn(*mut c_void, *mut c_void, usize, c_int) -> c_int,
        poll: b"zmq_poll\0" = fn(*mut Item, c_int, c_long) -> c_int,
        close: b"zmq_close\0" = fn(*mut c_void) -> c_int,
        ctx_term: b"zmq_ctx_term\0" = fn(*mut c_void) -> c_int,
        errno: b"zmq_errno\0" = fn() -> c_int,
        strerror: b"zmq_strerror\0" = fn(c_int) -> *const c_char,
    }
}

// Of zmq.h too.
const PULL: c_int = 7;
const PUSH: c_int = 8;
const SNDHWM: c_int = 23;
const RCVHWM: c_int = 24;
const LINGER: c_int = 17;
const IMMEDIATE: c_int = 39;
const POLLOUT: c_short = 2;

/// How long a connection may take to one who listens.
const CONNECTED: Duration = Duration::from_secs(2);

/// What is awaited of a socket: zmq_pollitem_t.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Item {
    socket: *mut c_void,
    fd: c_int,
    events: c_short,
    revents: c_short,
}

impl Zmq {
    /// What a call gave, or its error. Again while a signal interrupts it.
    fn done(&self, mut call: impl FnMut() -> c_int) -> io::Result<usize> {
        loop {
            if let Ok(done) = usize::try_from(call()) {
                return Ok(done);
            }
            // SAFETY: it reads the number of this thread's last error.
            match unsafe { (self.errno)() } {
                libc::EINTR => {}
                number => return Err(self.error(number)),
            }
        }
    }

    fn error(&self, number: c_int) -> io::Error {
        // SAFETY: it gives a text for every number.
        let text = unsafe { (self.strerror)(number) };
        // SAFETY: the text ends with NUL, and is never freed.
        io::Error::other(unsafe { CStr::from_ptr(text) }.to_string_lossy())
    }
}

/// A way for messages between two of its sockets.
pub type ZeroMq = Meeting<Socket>;

/// A socket in a context of its own. The receiver's is bound, the sender's is connected.
#[derive(Debug)]
pub struct Socket {
    zmq: Zmq,
    context: *mut c_void,
    socket: *mut c_void,
    place: Place,
}

impl meeting::Socket for Socket {
    fn is_there() -> io::Result<()> {
        Zmq::load().map(drop)
    }

    fn open(place: Place, setup: &Setup) -> io::Result<Self> {
        let zmq = Zmq::load()?;
        // SAFETY: it takes nothing.
        let context = unsafe { (zmq.ctx_new)() };
        let (kind, join) = match place.end {
            End::Sending => (PUSH, zmq.connect),
            End::Receiving => (PULL, zmq.bind),
        };
        // SAFETY: the context is a new one; null is refused.
        let socket = unsafe { (zmq.socket)(context, kind) };
        let mut this = Self { zmq, context, socket, place };
        if socket.is_null() {
            // SAFETY: it reads the number of this thread's last error.
            return Err(this.zmq.error(unsafe { (this.zmq.errno)() }));
        }
        let most = setup.messages as c_int;
        // Nothing is taken for a connection that is not there yet, and who has failed waits for nobody.
        for (option, value) in [(SNDHWM, most), (RCVHWM, most), (IMMEDIATE, 1), (LINGER, 0)] {
            let call = || {
                // SAFETY: the socket is open, and the value is an integer of the length that is given.
                unsafe { (zmq.setsockopt)(socket, option, (&raw const value).cast(), size_of::<c_int>()) }
            };
            zmq.done(call)?;
        }
        this.place.meet(|address| {
            // SAFETY: the socket is open, and the address ends with NUL.
            zmq.done(|| unsafe { join(socket, address.as_ptr()) }).map(drop)
        })?;
        if this.place.end == End::Sending {
            this.await_connection()?;
        }
        Ok(this)
    }
}

impl Socket {
    /// Awaits the receiver that it has asked for: from then on a message would be taken.
    fn await_connection(&self) -> io::Result<()> {
        let mut item = Item { socket: self.socket, fd: 0, events: POLLOUT, revents: 0 };
        let most_ms = CONNECTED.as_millis() as c_long;
        // SAFETY: the socket is open, and it writes to the one item.
        match self.zmq.done(|| unsafe { (self.zmq.poll)(&raw mut item, 1, most_ms) })? {
            0 => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("ZeroMQ has not connected within {CONNECTED:?} to who listens"),
            )),
            _ => Ok(()),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.socket.is_null() {
            self.place.leave();
            // SAFETY: the socket is open, and is not used again.
            unsafe { (self.zmq.close)(self.socket) };
        }
        if !self.context.is_null() {
            // SAFETY: the context is there, its only socket is closed, and it is not used again.
            unsafe { (self.zmq.ctx_term)(self.context) };
        }
    }
}

impl Sender for Socket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let (at, len) = (message.as_ptr().cast(), message.len());
        // SAFETY: the socket is open, and the library reads the bytes of the slice.
        self.zmq.done(|| unsafe { (self.zmq.send)(self.socket, at, len, 0) }).map(drop)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.place.await_end()
    }
}

impl Receiver for Socket {
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let (at, len) = (into.as_mut_ptr().cast(), into.len());
        // SAFETY: the socket is open, and the library writes at most as many bytes as the slice has.
        let found = self.zmq.done(|| unsafe { (self.zmq.recv)(self.socket, at, len, 0) })?;
        expect_len(found, len)
    }
}
