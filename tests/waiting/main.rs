//! Waiting, across processes, in both kinds of ring and with each strategy: nobody sleeps
//! through a message, through room, or through the end; and sleeping costs next to nothing.

mod alone;
mod blocking;
mod closing;
mod cost;
#[path = "../support/cpu.rs"]
mod cpu;
mod deadlines;
mod idle;
#[path = "../support/peer.rs"]
mod peer;
mod rings;
mod several;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/watchdog.rs"]
mod watchdog;

use ironring::{mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::roles::{self, RoleFn};
use libtest_mimic::{Arguments, Trial};
use peer::{KINDS, Kind};

/// Roles and tests for both kinds of ring.
fn both<T>(of: impl Fn(&str) -> Vec<(&'static str, T)>) -> Vec<(String, T)> {
    let named = |kind| of(kind).into_iter().map(move |(name, it)| (format!("{kind}::{name}"), it));
    KINDS.into_iter().flat_map(named).collect()
}

fn roles_of<A: Kind>() -> Vec<(&'static str, RoleFn)> {
    [
        alone::roles::<A>(),
        blocking::roles::<A>(),
        closing::roles::<A>(),
        cost::roles::<A>(),
        deadlines::roles::<A>(),
    ]
    .concat()
}

fn tests_of<A: Kind>() -> Vec<(&'static str, fn())> {
    [
        alone::tests::<A>(),
        blocking::tests::<A>(),
        closing::tests::<A>(),
        cost::tests::<A>(),
        deadlines::tests::<A>(),
        idle::tests::<A>(),
    ]
    .concat()
}

fn main() {
    let roles = both(|kind| if kind == Spsc::NAME { roles_of::<Spsc>() } else { roles_of::<Mpmc>() });
    let roles = roles.iter().map(|(name, role)| (name.as_str(), *role));
    roles::run(&roles.chain(several::ROLES.iter().copied()).collect::<Vec<_>>());
    let tests = both(|kind| if kind == Spsc::NAME { tests_of::<Spsc>() } else { tests_of::<Mpmc>() });
    let exchange = alone::EXCHANGE_TESTS.iter().chain(blocking::EXCHANGE_TESTS);
    let tests = tests.into_iter().chain(exchange.map(|(name, test)| (format!("mpmc::{name}"), *test)));
    let tests = tests.chain(several::TESTS.iter().map(|(name, test)| (name.to_string(), *test)));
    let trial = |(name, test): (String, fn())| {
        Trial::test(name.clone(), move || {
            watchdog::start();
            watchdog::about(format!("or so, {name} or beside it"));
            test();
            watchdog::progress();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.map(trial).collect()).exit();
}
