//! What is fuzzed: a function for each target, of the bytes that a fuzzer makes up.
//!
//! The operations on the rings are those of `tests/hostile`.

#![allow(dead_code, reason = "the tests that this shares code with need more of it")]

#[path = "../../tests/hostile/byte_ends.rs"]
mod byte_ends;
mod command_line;
#[path = "../../tests/hostile/ends.rs"]
mod ends;
#[path = "../../tests/hostile/exchange_ends.rs"]
mod exchange_ends;
#[path = "../../tests/hostile/exchange_words.rs"]
mod exchange_words;
#[path = "../../tests/hostile/guard.rs"]
mod guard;
mod handshake;
mod header;
mod input;
mod rings;
#[path = "../../tests/hostile/states.rs"]
mod states;
#[path = "../../tests/hostile/stream_words.rs"]
mod stream_words;
#[path = "../../tests/support/mod.rs"]
mod support;
#[path = "../../tests/hostile/typed_ends.rs"]
mod typed_ends;

pub use command_line::command_line;
pub use handshake::handshake;
pub use header::header;
pub use rings::{exchange, spsc};

/// How many mappings lie between guard pages now.
pub fn guarded() -> usize {
    guard::guarded()
}

/// A target's name, and what it does with the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("header", header),
    ("handshake", handshake),
    ("spsc", spsc),
    ("exchange", exchange),
    ("command_line", command_line),
];
