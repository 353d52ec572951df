//! What each way to wait costs, by how far apart messages are.

use std::time::Duration;

use ironring_bench::{
    contender::WAITS,
    contest::Cores,
    paced::{self, Kind},
};

/// Times between messages, in microseconds, and how many messages there are.
const PACES: [(u64, u64); 4] = [(10, 50_000), (100, 10_000), (1_000, 1_500), (10_000, 150)];

pub(crate) fn print(cores: Cores) {
    println!("| ring | a message each | how it waits | p50 | p99 | of a core |");
    println!("|---|---|---|---|---|---|");
    for (kind, name) in [(Kind::Spsc, "SPSC"), (Kind::Mpmc, "MPMC")] {
        for (gap_us, count) in PACES {
            for (wait, _) in WAITS {
                let paced = paced::run(kind, wait, Duration::from_micros(gap_us), count, cores);
                println!(
                    "| {name} | {gap_us} us | `{wait:?}` | {:.2} us | {:.2} us | {:.1} % |",
                    paced.p50_ns as f64 / 1e3,
                    paced.p99_ns as f64 / 1e3,
                    paced.share * 100.0
                );
            }
        }
    }
}
