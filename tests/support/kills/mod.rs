//! What the tests share that step real processes through operations, and kill or stop them.
//!
//! For either kind of ring: whoever includes this has the module of its kind as
//! `crate::kind`.

#![allow(dead_code, reason = "no test needs all of it")]

pub(crate) mod drivers;
pub(crate) mod image;
mod named;
pub(crate) mod numbered;
pub(crate) mod tally;
pub(crate) mod violation;
#[path = "../watchdog.rs"]
pub(crate) mod watchdog;

pub(crate) use named::named;
