//! The command line of ironring.

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
mod stat;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Args, Command},
    failure::Failure,
};

fn main() -> ExitCode {
    // This process may be one that a measurement has started.
    ironring_bench::take_part();
    let command = Args::parse().command;
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(command.ring()),
    }
}

/// Every handle is dropped before this returns: one that is still there when the process
/// ends would be taken for one that died.
fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(args),
        Command::Send(args) => send::run(args),
        Command::Recv(args) => recv::run(args),
        Command::Stat(args) => stat::run(args),
        Command::Peek(args) => peek::run(args),
        Command::Dump(args) => dump::run(args),
        Command::List => list::run(),
        Command::Recover(args) => recover::run(args),
        Command::Aside(args) => aside::run(args),
        Command::Fsck(args) => fsck::run(args),
        Command::Close(args) => names::close(args),
        Command::Reopen(args) => names::reopen(args),
        Command::Remove(args) => names::remove(args),
        Command::Bench(args) => bench::run(args),
    }
}
