//! `ironring bench`: measurements, and reports of them.

mod args;
mod compare;
mod file;
mod html;
mod measure;
mod show;

use self::args::BenchCommand;
pub(crate) use self::args::{BENCH, Bench};
use crate::failure::Failure;

pub(crate) fn run(args: &Bench) -> Result<(), Failure> {
    match &args.command {
        None => measure::run(&args.measure),
        Some(BenchCommand::Compare(args)) => compare::run(args),
        Some(BenchCommand::Html(args)) => html::run(args),
    }
}
