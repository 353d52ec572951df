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
//! - [`mpmc`]: any number of producers and consumers. What one of them held when it died is
//!   delivered again, marked:
//!
//! ```
//! use ironring::{Options, mpmc};
//!
//! let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(1024).participants(4))?;
//! let (mut producer, mut other) = (ring.producer()?, ring.producer()?);
//! producer.send(&1)?;
//! other.send(&2)?;
//!
//! let mut consumer = ring.consumer()?;
//! std::mem::forget(consumer.recv()?); // never released, as if its process had been killed
//! drop(consumer);
//!
//! let mut successor = ring.consumer()?;
//! let message = successor.recv()?;
//! assert_eq!((message.get(), message.is_redelivered()), (1, true));
//! message.release();
//! assert_eq!(successor.recv_value()?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Both have the same handles: [`Producer`] and [`Consumer`], with messages that are bytes or
//! values of one type ([`Payload`]), copied or in place, single or in batches. [`fsck`] looks
//! whether a ring is whole.
//!
//! docs/PROOF.md says why it holds, docs/LAYOUT.md what the bytes are.

#![cfg_attr(loom, allow(dead_code, reason = "a model has no files"))]

#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("ironring runs on 64-bit x86 and ARM under Linux only");

mod algorithm;
#[cfg(all(feature = "async", not(loom)))]
pub mod asynchronous;
mod checksum;
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
mod placement;
mod record;
#[cfg_attr(loom, path = "model/region.rs")]
mod region;
#[cfg_attr(loom, path = "model/ring.rs")]
mod ring;
#[cfg(not(loom))]
mod share;
pub mod spsc;
mod sync;
mod trust;
mod waiting;

pub(crate) use liveness::Seat;
#[cfg(loom)]
pub use memory::{Life, Sleep};

pub use self::{
    algorithm::Algorithm,
    deadline::Deadline,
    error::{Corrupt, Error, RecvError, SendError},
    handles::{Batch, Claim, Consumer, Message, Producer, Published, View},
    options::{Delivery, Options},
    payload::Payload,
    placement::{HugePages, Pages, Placement},
    record::{Holder, Role},
    ring::Ring,
    trust::{Trust, Trusting, Wary},
    waiting::{Receives, Wait, WaitAny, WaitAnyError, WhenAlone},
};
#[cfg(not(loom))]
pub use self::{
    header::Kind,
    liveness::{Presence, State},
    memory::guard_against_truncation,
    observe::{Cursors, Observer, Peek, Peeked, Usage},
    region::{Name, Salvaged, close, default_directory, names, path_of, remove, reopen, salvage},
    share::Peer,
    waiting::Readiness,
};

/// The examples of the README, which are compiled and run with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
