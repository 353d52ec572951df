//! Transports and measurements that compare ironring with its peers.
//!
//! Every contender runs through the same loops ([`loops`]): a sender that stamps each
//! message, a receiver that checks it. What differs is the [`transport`] alone.

pub mod contest;
pub mod loops;
pub mod paced;
pub mod report;
pub mod statistics;
pub mod transport;
