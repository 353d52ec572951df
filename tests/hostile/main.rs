//! A peer that may write the region writes anything: every call returns, with a result
//! or an error, and touches nothing that is not its own.

#![allow(dead_code, reason = "others share the operations, and need more of them")]

#[path = "../support/mod.rs"]
mod support;

mod byte_ends;
mod ends;
mod exchange_ends;
mod exchange_words;
mod live;
mod spoil;
mod states;
mod stream_words;
mod typed_ends;
#[path = "../support/watchdog.rs"]
mod watchdog;
