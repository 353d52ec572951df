//! `ironring bench`: reports of measurements.

mod args;
mod compare;
mod file;
mod html;

pub(crate) use self::args::Bench;
use self::args::BenchCommand;
use crate::failure::Failure;

pub(crate) fn run(args: &Bench) -> Result<(), Failure> {
    match &args.command {
        BenchCommand::Compare(args) => compare::run(args),
        BenchCommand::Html(args) => html::run(args),
    }
}
