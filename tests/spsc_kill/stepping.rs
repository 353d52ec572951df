//! The kill at every instruction: all cases of one operation, in a process of its own, so
//! that nothing else forks while it has rings open.

use std::cell::RefCell;

use ironring::{Delivery, spsc::Ring};
use ironring_testkit::{Args, Ledger, kill_at_every_instruction};

use crate::{
    case::{Case, State},
    numbered::{Numbered, Sample},
    operation::{Operation, Outcome},
    survivors::{Aftermath, Kind, Peer, Violation},
    template::Template,
    victim::{DONE, RELEASED},
};

/// Violations that are printed in full, of one operation.
const PRINTED: u64 = 10;

/// What came of all cases of one operation.
#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    instructions: u64,
    wedged: u64,
    lost: u64,
    duplicated: u64,
}

/// The role that goes through an operation's cases.
pub(crate) fn driver(mut args: Args) {
    let operation: Operation = args.parse("operation");
    let everything = crate::is_everything_wanted();
    let mut tally = Tally::default();
    for state in Case::states(operation) {
        for capacity in [2, 1024] {
            for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
                let case = Case { operation, capacity, delivery, state };
                if case.is_possible::<[u8]>() {
                    tally.run::<[u8]>(&case, everything);
                }
                if case.is_possible::<Sample>() {
                    tally.run::<Sample>(&case, everything);
                }
            }
        }
    }
    let Tally { cases, instructions, wedged, lost, duplicated } = tally;
    println!(
        "covered {operation}: {instructions} instructions, {wedged} wedged, {lost} lost, {duplicated} duplicated \
         ({cases} cases)"
    );
    let broken = wedged + lost + duplicated;
    assert!(broken == 0, "{operation}: {wedged} wedged, {lost} lost, {duplicated} duplicated");
}

impl Tally {
    fn run<M: Numbered + ?Sized>(&mut self, case: &Case, everything: bool) {
        let stride = if everything { 1 } else { stride(case, self.cases) };
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
            self.instructions += 1;
            match aftermath.check(peer) {
                Ok(outcome) => found.push(outcome),
                Err(violation) => {
                    broken = true;
                    self.count::<M>(case, k, &violation);
                }
            }
        })
        .unwrap_or_else(|error| panic!("{case:?}, {}: {error}", M::NAME));
        if !broken {
            assert_progress(&template.outcomes, found, stride, case);
        }
        self.cases += 1;
    }

    fn count<M: Numbered + ?Sized>(&mut self, case: &Case, k: u64, violation: &Violation) {
        *match violation.kind {
            Kind::Wedged => &mut self.wedged,
            Kind::Lost => &mut self.lost,
            Kind::Duplicated => &mut self.duplicated,
        } += 1;
        if self.wedged + self.lost + self.duplicated <= PRINTED {
            println!("{case:?}, {}, killed after {k} instructions: {violation}", M::NAME);
        }
    }
}

/// The operation takes effect step by step, each at one instruction, and all of it when
/// it has returned.
fn assert_progress(possible: &[Outcome], mut found: Vec<Outcome>, stride: u64, case: &Case) {
    assert!(found.is_sorted(), "{case:?}: undone again: {found:?}");
    found.dedup();
    if stride == 1 {
        assert_eq!(found, possible, "{case:?}");
    }
    let ends = |outcomes: &[Outcome]| [outcomes.first().copied(), outcomes.last().copied()];
    assert_eq!(ends(&found), ends(possible), "{case:?}");
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
