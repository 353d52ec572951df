//! The command line as its users meet it: every behaviour that `--help` promises.

mod bench;
mod crowd;
mod ends;
mod errors;
mod messages;
mod reports;
mod shared;
mod shows;
mod start;
mod upkeep;
