//! The ring for any number of producers and consumers, as its users see it: over every kind of memory.

#[path = "../support/mod.rs"]
mod support;

mod again;
mod aside;
mod packed;
mod passing;
mod told;
mod typed;
