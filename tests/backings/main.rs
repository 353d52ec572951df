//! A ring behaves alike in every kind of memory, across processes, kills included; and how a ring gets
//! from one process to another.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trials.rs"]
mod trials;

mod checksums;
mod crowd;
mod handshake;
mod kills;
mod life;

use ironring::{mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::roles;
use support::backing::run;
use trials::Tests;

fn main() {
    roles::run(&[
        ("spsc-send", |args| run(args, kills::send::<Spsc>)),
        ("mpmc-send", |args| run(args, kills::send::<Mpmc>)),
        ("spsc-hold", |args| run(args, kills::hold::<Spsc>)),
        ("mpmc-hold", |args| run(args, kills::hold::<Mpmc>)),
        ("crowd-send", |args| run(args, crowd::send)),
        ("crowd-receive", |args| run(args, crowd::receive)),
        ("inherit", life::inherit),
    ]);
    trials::run_in_turn(&[handshake::TESTS, kills::TESTS, crowd::TESTS, life::TESTS, checksums::TESTS]);
}
