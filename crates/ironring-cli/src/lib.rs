//! The command line of ironring: the binary calls [`main`], and so does what tests it in one process.

mod args;
mod aside;
mod bench;
mod create;
mod dump;
mod failure;
mod fsck;
mod kind;
mod list;
mod names;
mod open;
mod output;
mod participants;
mod peek;
mod recover;
mod recv;
mod send;
mod serve;
mod stat;
mod target;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

use crate::{
    args::{Args, Command},
    failure::Failure,
};

/// Does what `words` ask for; the first is the program's name. Wrong ones, and those that ask for
/// help, are answered as clap does.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match Args::try_parse_from(words) {
        Ok(args) => args.command,
        Err(error) => {
            // Nobody is left to be told where that fails.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(command.ring()),
    }
}

/// Every handle is dropped before this returns: one that is still there when the process
/// ends would be taken for one that died.
fn run(command: &Command) -> Result<(), Failure> {
    ironring::guard_against_truncation()?;
    match command {
        Command::Create(args) => create::run(args),
        Command::Send(args) => send::run(args),
        Command::Recv(args) => recv::run(args),
        Command::Stat(args) => stat::run(args),
        Command::Peek(args) => peek::run(args),
        Command::Dump(ring) => dump::run(ring),
        Command::List(allowed) => list::run(allowed),
        Command::Recover(ring) => recover::run(ring),
        Command::Aside(args) => aside::run(args),
        Command::Fsck(args) => fsck::run(args),
        Command::Close(args) => names::close(args),
        Command::Reopen(args) => names::reopen(args),
        Command::Remove(args) => names::remove(args),
        Command::Serve(args) => serve::run(args),
        Command::Salvage(args) => names::salvage(args),
        Command::Bench(args) => bench::run(args),
    }
}
