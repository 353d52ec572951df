//! Victims of an exchange ring: processes that are stepped through one operation, and what
//! the others do meanwhile and afterwards.
//!
//! What may have become of each message is not written down case by case. An operation is a
//! list of effects; a [`world::World`] is a queue to which the first so many of them were
//! done; and whatever the survivors see rules worlds out. If none is left, the ring has done
//! what no queue does.

#![allow(dead_code, reason = "no test needs all of it")]

pub(crate) mod account;
pub(crate) mod operation;
pub(crate) mod rest;
pub(crate) mod rig;
pub(crate) mod scene;
pub(crate) mod survivors;
pub(crate) mod victim;
pub(crate) mod world;
