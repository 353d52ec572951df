//! What the process tests and the benchmarks of ironring share: real child processes that are
//! started, pinned, stopped, single-stepped, killed and accounted for.
//!
//! A child is the same executable started again with a *role*, so it shares nothing with its
//! parent but what it is given: arguments, descriptors, and a [`Ledger`] of counters that outlives
//! any kill. The first line of `main` hands over to the role:
//!
//! ```no_run
//! use ironring_testkit::{Args, Ledger, Role, roles};
//!
//! fn counter(mut args: Args) {
//!     let ledger = args.ledger();
//!     let limit: u64 = args.parse("limit");
//!     while ledger.get(0) < limit {
//!         ledger.add(0, 1);
//!     }
//! }
//!
//! roles::run(&[("counter", counter)]);
//!
//! let ledger = Ledger::new(1)?;
//! let mut child = Role::new("counter").ledger(&ledger).arg(1_000).spawn()?;
//! assert!(child.wait().success());
//! assert_eq!(ledger.get(0), 1_000);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! To show that an operation may be cut short anywhere, the victim puts [`mark::begin`] before it
//! and [`mark::end`] behind it, and the test calls [`kill_at_every_instruction`].

mod calls;
mod child;
mod cores;
pub mod floor;
mod kill_points;
mod ledger;
pub mod mark;
pub mod rng;
mod role;
pub mod roles;
mod sys;
mod traced;
mod trail;

pub use calls::count_system_calls;
pub use child::{Child, Exit};
pub use cores::{cores, pin_to_core};
pub use kill_points::kill_at_every_instruction;
pub use ledger::Ledger;
pub use role::Role;
pub use roles::Args;
pub use traced::{Step, Traced};
pub use trail::Trail;
