//! The arguments of `ironring bench`.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Parser, Subcommand};
use ironring_bench::{
    contest::Cores,
    run::{Kind, TRANSPORTS, Transport},
};

#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(super) measure: Measure,
    #[command(subcommand)]
    pub(super) command: Option<BenchCommand>,
}

pub(crate) const BENCH: &str = "\
Measures how fast messages get from one process to another on this machine: through the
rings, through everything that the kernel has, and, as references, through queues between
threads. Each message is checked on arrival. Takes twenty minutes, and two cores that
nothing else should use meanwhile. Ctrl-C ends it, and keeps what was measured.

docs/BENCHMARKS.md says how it is done, docs/BENCH-JSON.md what the file has.";

#[derive(Debug, Parser)]
pub(super) struct Measure {
    /// Measures less, in half a minute
    #[arg(long)]
    pub(super) quick: bool,
    /// Writes everything that was measured, each repeat too
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Writes a page with plots of it, for any browser, that needs nothing but itself
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Writes all latencies, a histogram for each repeat, as a log for the tools of HdrHistogram
    #[arg(long, value_name = "FILE")]
    pub(super) hdr: Option<PathBuf>,
    /// Only these, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = transport)]
    pub(super) transports: Vec<Transport>,
    /// Only these of latency, throughput, open-loop, survivors [default: all; --quick: the first two]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) measures: Vec<Kind>,
    /// Only messages of these sizes, such as 8,64,1KiB
    #[arg(long, value_name = "SIZES", value_delimiter = ',', value_parser = size)]
    pub(super) sizes: Vec<usize>,
    /// The cores of the two sides, such as 0,1 [default: two of one socket]
    #[arg(long, value_name = "A,B", value_parser = cores)]
    pub(super) pin: Option<Cores>,
    /// Ends after so many seconds, with shorter measurements, or fewer repeats
    #[arg(long, value_name = "SECONDS")]
    pub(super) time: Option<u64>,
}

fn transport(name: &str) -> Result<Transport, String> {
    let names = TRANSPORTS.map(|transport| transport.name);
    Transport::named(name).ok_or_else(|| format!("expected some of {}", names.join(", ")))
}

fn size(text: &str) -> Result<usize, String> {
    const MOST: u64 = 16 << 20;
    let size = text.parse::<ByteSize>()?.as_u64();
    if (8..=MOST).contains(&size) && size.is_multiple_of(8) {
        return Ok(size as usize);
    }
    Err("expected a multiple of 8 bytes, from 8 to 16MiB".to_owned())
}

fn cores(text: &str) -> Result<Cores, String> {
    let expected = || "expected two different numbers of cores, such as 0,1".to_owned();
    let (one, other) = text.split_once(',').ok_or_else(expected)?;
    let pair = (one.parse().map_err(|_| expected())?, other.parse().map_err(|_| expected())?);
    if pair.0 == pair.1 { Err(expected()) } else { Ok(pair) }
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
