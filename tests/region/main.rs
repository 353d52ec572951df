//! A region's life: sealed or named, passed on, removed while others hold it.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trials.rs"]
mod trials;

mod memfd;
mod memory;
mod removal;

use ironring_testkit::roles;
use trials::Tests;

fn main() {
    roles::run(&[
        ("send-through-fd", memfd::send_through_fd),
        ("use-a-hugetlbfs", memory::use_a_hugetlbfs),
        ("send-by-name", memory::send_by_name),
        ("echo-until-retired", removal::echo_until_retired),
    ]);
    trials::run_in_turn(&[memfd::TESTS, memory::TESTS, removal::TESTS]);
}
