//! The kill at every instruction: all cases of one operation, in a process of its own, so
//! that nothing else forks while it has rings open.

use std::cell::RefCell;

use ironring::{Delivery, spsc::Ring};
use ironring_testkit::{Args, Ledger, kill_at_every_instruction};

use crate::{
    case::{Case, State},
    kills::{
        drivers::is_everything_wanted,
        numbered::Sample,
        tally::{Tally, assert_progress},
        watchdog,
    },
    operation::Operation,
    placed::Placed,
    survivors::{Aftermath, Peer},
    template::Template,
    victim::{DONE, RELEASED},
};

/// The role that goes through an operation's cases.
pub(crate) fn driver(mut args: Args) {
    let operation: Operation = args.parse("operation");
    let everything = is_everything_wanted();
    let mut tally = Tally::default();
    watchdog::start();
    for state in Case::states(operation) {
        for capacity in [2, 1024] {
            for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
                let case = Case { operation, capacity, delivery, state };
                if case.is_possible::<[u8]>() {
                    run::<[u8]>(&mut tally, &case, everything);
                }
                if case.is_possible::<Sample>() {
                    run::<Sample>(&mut tally, &case, everything);
                }
            }
        }
    }
    tally.close(operation);
}

fn run<M: Placed + ?Sized>(tally: &mut Tally, case: &Case, everything: bool) {
    let stride = if everything { 1 } else { stride(case, tally.cases) };
    watchdog::about(format!("of {case:?}, {}", M::NAME));
    let template = Template::of::<M>(case);
    let ledger = Ledger::new(2).expect("a ledger");
    let living = RefCell::new(None);
    let mut found = Vec::new();
    let mut broken = false;
    let victim = || {
        [DONE, RELEASED].into_iter().for_each(|word| ledger.set(word, 0));
        let ring: Ring<M> = template.ring();
        let peer = Peer::of_victim(case, &ring);
        let role = template.victim(case.operation, template.count, &ring, &ledger);
        living.replace(Some((ring, peer)));
        role
    };
    kill_at_every_instruction(victim, stride, |k| {
        let (ring, peer) = living.take().expect("a ring for each victim");
        // Each path through an operation runs with either delivery, so both ways.
        let peer_first = (k + u64::from(case.delivery == Delivery::AtMostOnce)).is_multiple_of(2);
        let aftermath = Aftermath { case, template: &template, ledger: &ledger, ring, peer_first };
        tally.instructions += 1;
        watchdog::progress();
        match aftermath.check(peer) {
            Ok(outcome) => found.push(outcome),
            Err(violation) => {
                broken = true;
                tally.count(format_args!("{case:?}, {}, killed after {k} instructions", M::NAME), &violation);
            }
        }
    })
    .unwrap_or_else(|error| panic!("{case:?}, {}: {error}", M::NAME));
    if !broken {
        assert_progress(&template.outcomes, found, stride == 1, case);
    }
    tally.cases += 1;
}

/// Attaching and detaching take thousands of instructions, of which most are the kernel's
/// and libc's: each of them once, and every so many in the other cases. Without
/// optimisation everything takes many times as long.
fn stride(case: &Case, cases_before: usize) -> u64 {
    const PRIMES: [u64; 8] = [53, 59, 61, 67, 71, 73, 79, 83];
    let is_long = case.operation.is_attach() || case.operation.is_detach();
    let in_full = case.state == State::Full && case.capacity == 2;
    let optimised = if is_long && !in_full { PRIMES[cases_before % PRIMES.len()] } else { 1 };
    if cfg!(debug_assertions) { 37 * optimised } else { optimised }
}
