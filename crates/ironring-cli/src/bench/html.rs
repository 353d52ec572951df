//! `ironring bench html`.

use ironring_bench::report::page;

use super::{args::Html, file};
use crate::failure::Failure;

pub(crate) fn run(args: &Html) -> Result<(), Failure> {
    file::write(&args.page, page(&file::read(&args.report)?))
}
