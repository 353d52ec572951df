//! The ring for one producer and one consumer at a time.
//!
//! A message goes from [`Producer`] (what users call) by its end of the ring (`tail.rs`)
//! into shared memory, and from there by the consumer's end (`head.rs`) to [`Consumer`]:
//!
//! ```text
//!  Producer::send                                         Consumer::recv
//!   reserve: is there room between tail and head?          find: is there a header
//!   copy the payload                                             (or a tail) beyond next?
//!   stage: the header, kept back                           receive: store how far
//!   publish: next header := empty,                         copy, or read in place
//!            this header (Release)  --------------------->    (Acquire)
//!            tail (Release)                                release: head (Release)
//!   reserve, when it seems full (Acquire)  <------------------
//! ```
//!
//! Byte messages carry their own ready flag, so that a small one travels in one cache
//! line (the thought is FastForward's: Giacomoni and others, PPoPP 2008). Typed messages
//! have no header; the producer's cursor publishes them, which each side caches (as in
//! Lê and others, "Correct and Efficient Bounded FIFO Queues", 2013).
//!
//! docs/DESIGN.md tells why, and what holds when a participant is killed.

mod claim;
mod consumer;
mod frame;
mod head;
mod message;
#[cfg(loom)]
mod model;
mod producer;
#[cfg(not(loom))]
mod ring;
mod tail;

pub(crate) use frame::Frame;

#[cfg(loom)]
pub use self::model::Ring;
#[cfg(not(loom))]
pub use self::ring::Ring;
pub use self::{
    claim::Claim,
    consumer::Consumer,
    message::{Batch, Message, View},
    producer::{Producer, Published},
};
