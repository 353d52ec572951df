//! Ends of a ring for asynchronous programs, whatever their runtime.
//!
//! A [`Consumer`] or [`Producer`] here wraps one handle, which many tasks share: it is cloned.
//! Their futures are cancel-safe: one that is dropped has taken no message and sent none. Nobody
//! polls by time: whoever changes the ring wakes one thread of the process, which sleeps for all
//! its rings and is started by the first; and that one wakes one task, which wakes the next when
//! it has found something.
//!
//! The bounds of docs/WAITING.md hold here, too: a wake-up that died with its sender is made up
//! for within 50 ms.
//!
//! ```
//! use ironring::{Options, asynchronous as ring, mpmc};
//!
//! let jobs = mpmc::Ring::<[u8]>::anonymous(&Options::messages(8).max_message(64))?;
//! let producer = ring::Producer::new(jobs.producer()?)?;
//! let consumer = ring::Consumer::new(jobs.consumer()?)?;
//! # fn block_on<T>(future: impl Future<Output = T>) -> T {
//! #     let mut future = std::pin::pin!(future);
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     loop {
//! #         if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
//! #             return done;
//! #         }
//! #     }
//! # }
//! block_on(async {
//!     producer.send(b"work").await?;
//!     assert_eq!(consumer.recv().await?, b"work");
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod consumer;
mod owned;
mod producer;
mod shared;

pub use self::{
    consumer::{Consumer, Messages},
    owned::Owned,
    producer::{Producer, Sending},
};
