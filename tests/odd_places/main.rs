//! Participants in places where other programs' ways to tell the living from the dead go wrong:
//! other process-number namespaces, other users, places without /proc, behind filters of system
//! calls, forked children and address spaces that outlive a process.
//!
//! A place that cannot be entered here is skipped, with the reason.

mod calls;
mod family;
mod filter;
mod filtered;
mod place;
mod refused;
mod scene;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trials.rs"]
mod trials;

use ironring_testkit::roles;

fn main() {
    roles::run(
        &[
            &[("probe", place::probe as roles::RoleFn)],
            scene::ROLES,
            family::ROLES,
            refused::ROLES,
            filtered::ROLES,
        ]
        .concat(),
    );
    trials::run(&[scene::TESTS, family::TESTS, refused::TESTS, filtered::TESTS]);
}
