//! Other crates, and libraries in C, that carry messages between processes, or, as references, between threads.

#[cfg(has_boost)]
mod boost;
mod cloudtoid;
mod crossbeam_channel;
mod disruptor;
mod iceoryx2;
mod ipc_channel;
mod library;
mod meeting;
mod nng;
#[cfg(has_rte_ring)]
mod rte_ring;
mod shmem_ipc;
mod zeromq;

#[cfg(has_boost)]
pub use self::boost::BoostQueue;
#[cfg(has_rte_ring)]
pub use self::rte_ring::RteRing;
pub use self::{
    cloudtoid::Cloudtoid,
    crossbeam_channel::{Crossbeam, channel},
    disruptor::{Disruptor, disruptor},
    iceoryx2::Iceoryx2,
    ipc_channel::IpcChannel,
    nng::NanoNext,
    shmem_ipc::ShmemIpc,
    zeromq::ZeroMq,
};

/// An error of another crate, kept whole.
#[cold]
fn failed(error: impl std::error::Error + Send + Sync + 'static) -> std::io::Error {
    std::io::Error::other(error)
}
