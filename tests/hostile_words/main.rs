//! Each word of a ring's region set to each class of wrong value, one at a time, by another
//! process than the four that work on it: each gets errors or goes on, none is hung, ended, or led
//! out of the region.
//!
//! A part of the cases; with `HOSTILE_ALL=1` all of them. An argument chooses rings by name.

#![allow(dead_code, reason = "shared with the other hostile tests, which need more")]

#[path = "../hostile/byte_ends.rs"]
mod byte_ends;
mod case;
#[path = "../hostile/ends.rs"]
mod ends;
#[path = "../hostile/exchange_ends.rs"]
mod exchange_ends;
#[path = "../hostile/exchange_words.rs"]
mod exchange_words;
#[path = "../hostile/guard.rs"]
mod guard;
#[path = "../hostile/states.rs"]
mod states;
#[path = "../hostile/stream_words.rs"]
mod stream_words;
#[path = "../support/mod.rs"]
mod support;
#[path = "../hostile/typed_ends.rs"]
mod typed_ends;
mod worker;

use std::{process::ExitCode, time::Instant};

use byte_ends::ByteEnds;
use case::{CLASSES, Crew, Outcome};
use ends::{Ends, Words};
use exchange_ends::{ExchangeEnds, Trade};
use ironring_testkit::{
    rng::Seeded,
    roles::{self, RoleFn},
};
use states::Subject;
use typed_ends::{Tick, TypedEnds};
use worker::Work;

type Bytes = ByteEnds<256>;
type Values = TypedEnds<Tick, 2>;
type ExchangeBytes = ExchangeEnds<[u8]>;
type ExchangeValues = ExchangeEnds<Trade>;

/// Where not all cases are run, one of so many: of the words that have a meaning to those who take
/// part, and of the others. No multiples of the number of classes.
const STRIDES: [usize; 2] = [4, 29];

/// What became of the cases of one class.
#[derive(Clone, Copy, Default)]
struct Tally {
    cases: u64,
    told: u64,
}

fn spoil_every_word<E: Ends + 'static>(name: &str, crew: &[Work]) -> Tally {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    if wanted.is_some_and(|wanted| !name.contains(&wanted)) {
        return Tally::default();
    }
    let all = std::env::var_os("HOSTILE_ALL").is_some();
    let start = Instant::now();
    let subject = Subject::<E>::new();
    let mut crew = Crew::new(name, &subject, crew);
    let mut rng = Seeded::new();
    let mut tallies = [Tally::default(); CLASSES.len()];
    let mut n = 0_usize;
    for at in subject.words() {
        for (class, tally) in CLASSES.iter().zip(&mut tallies) {
            n += 1;
            let [live, other] = STRIDES;
            if !all && !n.is_multiple_of(if E::Words::is_live(at) { live } else { other }) {
                continue;
            }
            tally.cases += 1;
            if crew.case(at, *class, E::Words::another(at), &mut rng) == Outcome::Told {
                tally.told += 1;
            }
        }
    }
    crew.dismiss();
    let total = tallies.iter().fold(Tally::default(), |sum, tally| Tally {
        cases: sum.cases + tally.cases,
        told: sum.told + tally.told,
    });
    assert!(total.told > 0 && total.told < total.cases, "{name}: each outcome is met");
    let words = subject.words().count();
    println!("{name}: {words} words, {} cases in {} s", total.cases, start.elapsed().as_secs());
    for (class, Tally { cases, told }) in CLASSES.iter().zip(&tallies) {
        println!(
            "    {:<24} {cases:>6} cases: {told:>5} errors, {:>6} without effect",
            class.name(),
            cases - told
        );
    }
    total
}

fn main() -> ExitCode {
    let role = |name: &'static str, role: RoleFn| (name, role);
    roles::run(&[
        role("byte ring", worker::work::<Bytes>),
        role("ring of values", worker::work::<Values>),
        role("exchange ring of bytes", worker::work::<ExchangeBytes>),
        role("exchange ring of values", worker::work::<ExchangeValues>),
    ]);
    const STREAM: [Work; 4] = [Work::Send, Work::Receive, Work::Look, Work::Look];
    const EXCHANGE: [Work; 4] = [Work::Send, Work::Send, Work::Receive, Work::Receive];
    let tallies = [
        spoil_every_word::<Bytes>("byte ring", &STREAM),
        spoil_every_word::<Values>("ring of values", &STREAM),
        spoil_every_word::<ExchangeBytes>("exchange ring of bytes", &EXCHANGE),
        spoil_every_word::<ExchangeValues>("exchange ring of values", &EXCHANGE),
    ];
    let cases: u64 = tallies.iter().map(|tally| tally.cases).sum();
    let told: u64 = tallies.iter().map(|tally| tally.told).sum();
    println!(
        "{cases} cases: {told} told of by an error, {} without effect; none hung or ended a process, or led it out of the region",
        cases - told
    );
    ExitCode::SUCCESS
}
