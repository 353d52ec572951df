//! One contender by itself, to be looked at by other tools: `perf stat`, or a profiler.

use ironring_bench::{
    contest::{self, Cores},
    length::Length,
};

use crate::comparisons::Comparison;

/// Runs the contender of the only one of `comparisons`, or its peer, for so many messages there, and
/// as many back.
pub(crate) fn run(comparisons: &[Comparison], is_peer: bool, messages: u64, cores: Cores) {
    let [comparison] = comparisons else { panic!("--only is to choose one of {}", comparisons.len()) };
    let contender = if is_peer { comparison.peers[0] } else { comparison.ours };
    let measure = comparison.measure.lasting(Length::Messages(messages));
    println!("{:.1} ns", contest::run(contender, measure, cores).expect("messages in order").ns());
}
