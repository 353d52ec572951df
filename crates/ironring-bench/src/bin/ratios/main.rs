//! The ratios of docs/BENCHMARKS.md, on this machine: each contender against its peer,
//! interleaved and shuffled, as medians with 95 percent intervals.

mod alone;
mod comparisons;
mod paces;

use std::collections::BTreeMap;

use clap::Parser;
use comparisons::Comparison;
use ironring_bench::{
    contender::Contender,
    contest::{self, Cores, ROLES},
    measure::Measure,
    paced,
    statistics::{Estimate, estimate, median},
};
use ironring_testkit::{cores, floor, rng::fastrand::Rng, roles};

/// Measures the ratios of docs/BENCHMARKS.md on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// Rounds, in each of which every contender is measured once.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Only comparisons whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Instead, the exchange ring against capacity, size of messages and participants.
    #[arg(long)]
    sweep: bool,
    /// Instead, the ways to wait.
    #[arg(long)]
    waiting: bool,
    /// Instead, the ways to wait at several paces.
    #[arg(long, conflicts_with = "waiting")]
    paces: bool,
    /// Only runs the contender of the only comparison, for so many messages, or with --peer its peer.
    #[arg(long)]
    alone: Option<u64>,
    /// See --alone.
    #[arg(long)]
    peer: bool,
    /// The two cores, such as 0,1.
    #[arg(long, value_parser = parse_cores)]
    cores: Option<Cores>,
}

fn parse_cores(text: &str) -> Result<Cores, String> {
    let (one, other) = text.split_once(',').ok_or("two cores, such as 0,1")?;
    let core = |text: &str| text.trim().parse().map_err(|e| format!("{text:?}: {e}"));
    Ok((core(one)?, core(other)?))
}

fn main() {
    roles::run(&[&ROLES[..], &paced::ROLES].concat());
    let options = Options::parse();
    let there = cores();
    let pair = options.cores.unwrap_or_else(|| match there[..] {
        [one, .., other] => (one, other),
        _ => panic!("two cores are needed to measure, this process may run on {there:?}"),
    });
    if options.paces {
        return paces::print(pair, &options.only);
    }
    let comparisons = match (options.sweep, options.waiting) {
        (true, _) => comparisons::sweeps(),
        (_, true) => comparisons::waiting(),
        _ => comparisons::all(),
    };
    let comparisons: Vec<_> =
        comparisons.into_iter().filter(|comparison| comparison.name.contains(&options.only)).collect();
    if let Some(times) = options.alone {
        return alone::run(&comparisons, options.peer, times, pair);
    }
    println!("cores {pair:?}, {}; {} rounds", floor::placement(pair).expect("a placement"), options.rounds);

    let mut results = BTreeMap::<(bool, usize), Vec<Pair>>::new();
    let mut rng = Rng::new();
    for _ in 0..options.rounds {
        let mut order: Vec<usize> = (0..comparisons.len()).collect();
        rng.shuffle(&mut order);
        for index in order {
            let comparison = &comparisons[index];
            let measured = steady(comparison, pair);
            results.entry((measured.floor < NEAR_NS, index)).or_default().push(measured);
        }
    }
    for near in [false, true] {
        let rows: Vec<_> = results.iter().filter(|((is_near, _), _)| *is_near == near).collect();
        let floors: Vec<f64> =
            rows.iter().flat_map(|(_, pairs)| pairs.iter().map(|pair| pair.floor)).collect();
        if floors.is_empty() {
            continue;
        }
        let distance = if near { "near each other" } else { "apart" };
        println!(
            "\ncores {distance}: floor {:.0} ns one way (median of {})\n",
            median(&floors),
            floors.len()
        );
        println!("| comparison | pairs | ours | peer | ratio | 95 percent | to reach | |");
        println!("|---|---|---|---|---|---|---|---|");
        for ((_, index), pairs) in rows {
            print_row(&comparisons[*index], pairs);
        }
    }
}

/// Below this floor, in nanoseconds, the host runs the two cores next to each other.
const NEAR_NS: f64 = 100.0;

/// One measurement of a comparison, in nanoseconds.
struct Pair {
    ours: f64,
    /// The peer's best variant; the floor where there is no peer.
    peer: f64,
    floor: f64,
}

/// Measures both sides of a comparison: again if the machine moved the cores meanwhile.
fn steady(comparison: &Comparison, pair: Cores) -> Pair {
    const ROUNDS: usize = 2_000;
    let run = |contender: Contender| {
        contest::run(contender, comparison.measure, pair).expect("messages in order").ns()
    };
    loop {
        let before = floor::probe(pair, ROUNDS).expect("a floor");
        let ours = run(comparison.ours);
        let between = floor::probe(pair, ROUNDS).expect("a floor");
        let peer = comparison.peers.iter().map(|peer| run(*peer)).fold(f64::INFINITY, f64::min);
        let after = floor::probe(pair, ROUNDS).expect("a floor");
        if floor::moved(before, between) || floor::moved(between, after) {
            continue;
        }
        let floor = f64::midpoint(before.p50_ns, between.p50_ns);
        return Pair { ours, peer: if peer.is_finite() { peer } else { floor }, floor };
    }
}

fn print_row(comparison: &Comparison, pairs: &[Pair]) {
    let ours = median(&pairs.iter().map(|pair| pair.ours).collect::<Vec<_>>());
    let peer = median(&pairs.iter().map(|pair| pair.peer).collect::<Vec<_>>());
    let is_latency = matches!(comparison.measure, Measure::Latency { .. });
    // Latency: less is better. Throughput: the peer's time over ours, more is better.
    let ratios: Vec<f64> = pairs
        .iter()
        .map(|pair| if is_latency { pair.ours / pair.peer } else { pair.peer / pair.ours })
        .collect();
    let Estimate { median, low, high } = estimate(&ratios);
    let (shown, unit): (fn(f64) -> f64, _) =
        if is_latency { (|ns| ns, "ns") } else { (|ns| 1e3 / ns, "M/s") };
    let verdict = comparison.target.map_or(String::from("| "), |target| {
        let met = if is_latency { high <= target } else { low >= target };
        format!("{target:.2} | {}", if met { "met" } else { "missed" })
    });
    println!(
        "| {} | {} | {:.1} {unit} | {:.1} {unit} | {median:.3} | {low:.3} .. {high:.3} | {verdict} |",
        comparison.name,
        pairs.len(),
        shown(ours),
        shown(peer)
    );
}
