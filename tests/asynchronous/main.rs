//! The ends for asynchronous programs: in tasks of two runtimes and of none, across processes.

mod cancelled;
#[path = "../support/cpu.rs"]
mod cpu;
mod crowd;
mod ends;
mod idle;
mod streams;
#[path = "../support/watchdog.rs"]
mod watchdog;

use ironring_testkit::roles;
use libtest_mimic::{Arguments, Trial};

fn main() {
    roles::run(&[("crowd", crowd::receive), ("sender", ends::send), ("idle", idle::be_idle)]);
    let tests: &[(&str, fn())] = &[
        ("a_thousand_tasks_of_two_processes_lose_nothing", crowd::a_thousand_tasks_lose_nothing),
        ("a_future_that_is_dropped_passes_its_wake_up_on", cancelled::passes_its_wake_up_on),
        ("a_future_that_is_dropped_has_taken_nothing", cancelled::has_taken_nothing),
        ("one_message_wakes_one_task", cancelled::one_message_wakes_one_task),
        ("streams_and_sinks_on_a_small_executor", streams::on_a_small_executor),
        ("owned_messages_come_again_unless_released", streams::owned_messages_come_again),
        ("a_close_ends_what_waits", ends::a_close_ends_what_waits),
        ("a_death_ends_what_waits", ends::a_death_ends_what_waits),
        ("a_hundred_idle_rings_cost_next_to_nothing", idle::a_hundred_rings_cost_nothing),
        ("more_rings_than_one_sleep_takes", idle::more_rings_than_one_sleep_takes),
    ];
    let trial = |(name, test): &(&'static str, fn())| {
        let (name, test) = (*name, *test);
        Trial::test(name, move || {
            watchdog::start();
            watchdog::about(format!("or so, {name} or beside it"));
            test();
            watchdog::progress();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.iter().map(trial).collect()).exit();
}
