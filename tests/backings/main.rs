//! A ring behaves alike in every kind of memory, across processes, kills included; and how a ring gets
//! from one process to another.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trials.rs"]
mod trials;

mod handshake;
mod kills;
mod life;

use ironring_testkit::roles;
use trials::Tests;

fn main() {
    roles::run(&[
        ("spsc-send", kills::send::<ironring::spsc::Spsc>),
        ("mpmc-send", kills::send::<ironring::mpmc::Mpmc>),
        ("spsc-hold", kills::hold::<ironring::spsc::Spsc>),
        ("mpmc-hold", kills::hold::<ironring::mpmc::Mpmc>),
        ("inherit", life::inherit),
    ]);
    trials::run_in_turn(&[handshake::TESTS, kills::TESTS, life::TESTS]);
}
