//! Transports and measurements that compare ironring with its peers.
//!
//! Every contender runs through the same loops ([`loops`]): a sender that stamps each
//! message, a receiver that checks it. What differs is the [`transport`] alone.

pub mod clock;
pub mod contender;
pub mod contest;
pub mod fault;
pub mod length;
pub mod loops;
pub mod measure;
pub mod paced;
pub mod report;
pub mod run;
pub mod stamp;
pub mod statistics;
pub mod tally;
pub mod transport;

/// Takes the part in a measurement for which this process was started, and exits; returns if it
/// was started for none. To be called first thing in `main`.
pub fn take_part() {
    ironring_testkit::roles::run(&contest::ROLES);
}
