//! The arguments of `ironring bench`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(super) command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// Tells what changed between two reports, and what is noise
    #[command(long_about = COMPARE)]
    Compare(Compare),
    /// Makes a page of a report, for any browser, that needs nothing but itself
    Html(Html),
}

const COMPARE: &str = "\
Tells what changed between two reports that `ironring bench --json FILE` wrote, and what is
noise: for each row that both have, the medians, the ratio (after / before) with its 95
percent interval, and a verdict. The rule of the verdicts is written below the table; so are
the rows that only one of the two has.";

#[derive(Debug, Parser)]
pub(super) struct Compare {
    /// The report before
    #[arg(value_name = "A.json")]
    pub(super) before: PathBuf,
    /// The report after
    #[arg(value_name = "B.json")]
    pub(super) after: PathBuf,
}

#[derive(Debug, Parser)]
pub(super) struct Html {
    /// The report
    #[arg(value_name = "REPORT.json")]
    pub(super) report: PathBuf,
    /// The page; one that is there is replaced
    #[arg(value_name = "PAGE.html")]
    pub(super) page: PathBuf,
}
