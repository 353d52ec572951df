//! What carries messages in a measurement: one trait a side, and who implements it.

mod array_queue;
mod futex;
mod ours;
mod rtrb;

pub use self::{
    array_queue::{Array, BackOff},
    futex::Futex,
    ours::Shared,
    rtrb::Rtrb,
};

/// The sending side of a transport.
pub trait Sender {
    /// Sends a copy of `message`, waiting for room.
    fn send(&mut self, message: &[u8]);

    /// Sends copies of the messages of `size` bytes in `messages`, together where the
    /// transport can.
    fn send_batch(&mut self, messages: &[u8], size: usize);
}

/// The receiving side of a transport.
pub trait Receiver {
    /// Receives a message of `into.len()` bytes, waiting for it.
    fn recv(&mut self, into: &mut [u8]);

    /// Receives messages of `size` bytes, at least one and at most as many as `into` has
    /// room for; returns how many.
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> usize;
}
