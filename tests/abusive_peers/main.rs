//! Peers that keep the protocol and are a nuisance all the same: each row of SECURITY.md's table that is
//! about them. Honest processes work meanwhile, and account for every message of theirs.

mod account;
mod come_and_go;
mod crowd;
mod floods;
mod hoard;
mod holds;
mod honest;
mod live;
mod locks;
#[path = "../support/peer.rs"]
mod peer;
mod places;
mod silence;
mod stopped;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trials.rs"]
mod trials;

use ironring_testkit::roles;

fn main() {
    let all = [honest::ROLES, come_and_go::ROLES, hoard::ROLES, floods::ROLES, locks::ROLES];
    roles::run(&all.concat());
    trials::run_in_turn(&[
        come_and_go::TESTS,
        places::TESTS,
        silence::TESTS,
        floods::TESTS,
        holds::TESTS,
        locks::TESTS,
        stopped::TESTS,
    ]);
}
