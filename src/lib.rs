//! Lock-free ring buffers over shared memory, for messages between processes on one
//! machine, that no killed process can wedge.
//!
//! ```
//! use ironring::{Options, spsc};
//!
//! let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(64 << 10))?;
//! let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
//! producer.send(b"hello")?;
//! assert_eq!(consumer.recv()?.to_vec(), b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`spsc`]: one producer and one consumer at a time.
//! - [`mpmc`]: any number of producers and consumers.

#![cfg_attr(loom, allow(dead_code, reason = "a model has no files"))]

#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("ironring runs on 64-bit x86 and ARM under Linux only");

mod algorithm;
mod deadline;
mod error;
#[cfg(not(loom))]
pub mod fsck;
mod geometry;
mod handles;
#[cfg(not(loom))]
mod header;
mod layout;
#[cfg_attr(loom, path = "model/liveness.rs")]
mod liveness;
mod memory;
pub mod mpmc;
#[cfg(not(loom))]
mod observe;
mod options;
mod payload;
mod record;
#[cfg_attr(loom, path = "model/region.rs")]
mod region;
#[cfg_attr(loom, path = "model/ring.rs")]
mod ring;
pub mod spsc;
mod sync;
mod trust;
mod waiting;

pub(crate) use liveness::Seat;
#[cfg(loom)]
pub use memory::Life;

pub use self::{
    algorithm::Algorithm,
    deadline::Deadline,
    error::{Corrupt, Error, RecvError, SendError},
    handles::{Batch, Claim, Consumer, Message, Producer, Published, View},
    options::{Delivery, Options},
    payload::Payload,
    record::{Holder, Role},
    ring::Ring,
    trust::{Trust, Trusting, Wary},
};
#[cfg(not(loom))]
pub use self::{
    header::Kind,
    liveness::{Presence, State},
    observe::{Cursors, Observer, Peek, Peeked, Usage},
    region::{default_directory, names, path_of, remove},
};

/// The example of the README, which is compiled and run with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
