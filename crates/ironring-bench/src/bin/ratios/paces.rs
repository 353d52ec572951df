//! What each way to wait costs, by how far apart messages are, and by how many rings are waited for.

use std::time::Duration;

use ironring::Wait;
use ironring_bench::{
    contender::WAITS,
    contest::Cores,
    paced::{self, Among, Kind},
};

/// Times between messages, in microseconds, and how many messages there are. A single one after ten
/// seconds tells what it costs to be idle.
const PACES: [(u64, u64); 5] = [(10, 50_000), (100, 10_000), (1_000, 1_500), (10_000, 150), (10_000_000, 1)];

/// How many rings are waited for, and by which one of them messages come: where there are more than 128,
/// the last ones wake in another way.
const MANY: [(usize, usize); 3] = [(2, 0), (200, 0), (200, 199)];
/// Of them one pace is enough, and idleness.
const PACES_OF_MANY: [(u64, u64); 2] = [PACES[2], PACES[4]];

const KINDS: [(Kind, &str); 2] = [(Kind::Spsc, "SPSC"), (Kind::Mpmc, "MPMC")];

/// Prints the rows whose beginning contains `only`.
pub(crate) fn print(cores: Cores, only: &str) {
    println!("| rings | a message each | how it waits | p50 | p99 | of a core |");
    println!("|---|---|---|---|---|---|");
    for (kind, name) in KINDS {
        for (rings, busy) in [(1, 0)].into_iter().chain(MANY) {
            let rings_named = match rings {
                1 => format!("one {name}"),
                _ => format!("{rings} {name}, by number {busy}"),
            };
            let paces = if rings == 1 { &PACES[..] } else { &PACES_OF_MANY };
            for (gap_us, count) in paces {
                for (wait, _) in WAITS {
                    let title = format!("| {rings_named} | {gap_us} us | `{wait:?}` |");
                    // One that never sleeps is never idle.
                    if !title.contains(only) || (*count == 1 && wait == Wait::Spin) {
                        continue;
                    }
                    let among = Among { kind, rings, busy };
                    let paced = paced::run(among, wait, Duration::from_micros(*gap_us), *count, cores);
                    println!(
                        "{title} {:.2} us | {:.2} us | {:.3} % |",
                        paced.p50_ns as f64 / 1e3,
                        paced.p99_ns as f64 / 1e3,
                        paced.share * 100.0
                    );
                }
            }
        }
    }
}
