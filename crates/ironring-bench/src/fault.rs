//! Why a measurement has no result.

use std::io;

use serde::{Deserialize, Serialize};

/// Why a measurement has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Fault {
    /// The transport is not to be had here, or not for such messages: nobody's mistake.
    #[error("{0}")]
    Unavailable(String),
    /// A message was not the one that was due.
    #[error("message {number} of producer {producer} was due; found {found} at its byte {at}")]
    Wrong {
        /// Whose message was due.
        producer: usize,
        /// Which of its messages.
        number: u64,
        /// Where in the message that came the difference is.
        at: usize,
        /// What is there instead.
        found: String,
    },
    /// As many messages as were sent did not come.
    #[error("{sent} messages were sent, and {received} received")]
    Lost {
        /// Messages that were sent.
        sent: u64,
        /// Messages that were received.
        received: u64,
    },
    /// Somebody waits for ever.
    #[error(
        "not over in time: {received} messages had been received, or up to {} more, and the next did not come",
        crate::length::Length::EVERY
    )]
    Stuck {
        /// Messages that were received, about.
        received: u64,
    },
    /// A call failed, or a process.
    #[error("{0}")]
    Failed(String),
    /// Whoever asked for the measurement wants it no more.
    #[error("interrupted")]
    Interrupted,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.raw_os_error() == Some(libc::EMSGSIZE) {
            Self::Unavailable(format!("its messages cannot be so long: {error}"))
        } else {
            Self::Failed(error.to_string())
        }
    }
}
