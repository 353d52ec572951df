//! The ring for any number of producers and consumers, as its users see it.

mod aside;
mod passing;
