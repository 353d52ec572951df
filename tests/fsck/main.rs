//! What `fsck` says of rings: of those that are whole, whatever a kill has left, and of those
//! of which a word is spoilt.

#[path = "../support/mod.rs"]
mod support;

mod exchange;
mod kills;
mod repair;
mod report;
mod ring;
mod spoilt;
mod stream;
