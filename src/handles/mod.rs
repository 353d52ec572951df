//! What programs hold of a ring: its ends, and the messages on their way. The same for
//! every kind of ring, which is their last parameter.

mod claim;
mod consumer;
mod message;
mod producer;

pub use self::{
    claim::Claim,
    consumer::Consumer,
    message::{Batch, Message, View},
    producer::{Producer, Published},
};
