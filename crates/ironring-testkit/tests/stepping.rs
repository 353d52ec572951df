//! A traced victim takes exactly as many instructions as it is told to.

#[cfg(not(target_arch = "x86_64"))]
fn main() {}

#[cfg(target_arch = "x86_64")]
fn main() {
    x86_64::main();
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::asm;
    use std::sync::atomic::{AtomicU64, Ordering};

    use ironring_testkit::mark::END_INSTRUCTIONS;
    use ironring_testkit::{
        Args, Exit, Ledger, Role, Step, Trail, cores, kill_at_every_instruction, mark, roles,
    };
    use libtest_mimic::{Arguments, Trial};

    const NOPS: u64 = 1_000;
    const STORES: usize = 16;
    const SYSTEM_CALLS: u64 = 3;

    fn nops<const N: u64>(_: Args) {
        mark::begin();
        // SAFETY: does nothing.
        unsafe { asm!(".rept {n}", "nop", ".endr", n = const N, options(nomem, nostack)) };
        mark::end();
    }

    /// What an operation of no instructions takes: that of the end mark, and without optimisation
    /// jumps between the mark and the operation.
    fn nothing_takes() -> u64 {
        let count = Role::new("nothing").spawn_traced().unwrap().count();
        let jumps = count.unwrap() - END_INSTRUCTIONS;
        assert!(jumps <= if cfg!(debug_assertions) { 4 } else { 0 });
        END_INSTRUCTIONS + jumps
    }

    /// Stores 1 in each word, the first one first.
    fn stores(mut args: Args) {
        let ledger = args.ledger();
        assert_eq!(ledger.len(), STORES);
        let words = ledger.word(0).as_ptr();
        mark::begin();
        // SAFETY: the ledger has as many words, and nothing else uses them while this runs.
        unsafe {
            asm!(
                ".set word, 0",
                ".rept {n}",
                "mov qword ptr [{words} + 8 * word], 1",
                ".set word, word + 1",
                ".endr",
                n = const STORES,
                words = in(reg) words,
                options(nostack),
            );
        }
        mark::end();
    }

    fn system_calls(_: Args) {
        mark::begin();
        // SAFETY: getpid has no preconditions; a system call changes rax, rcx and r11.
        unsafe {
            asm!(
                ".rept {n}",
                "mov eax, {getpid}",
                "syscall",
                ".endr",
                n = const SYSTEM_CALLS,
                getpid = const libc::SYS_getpid,
                out("rax") _,
                out("rcx") _,
                out("r11") _,
                options(nostack),
            );
        }
        mark::end();
    }

    /// Counts its operations in word 0.
    fn rounds(mut args: Args) {
        let ledger = args.ledger();
        let rounds: u64 = args.parse("rounds");
        for _ in 0..rounds {
            mark::begin();
            ledger.add(0, 1);
            mark::end();
        }
    }

    /// Counts in word 1, if word 0 is not 0, and then in word 2.
    fn two_ways(mut args: Args) {
        let ledger = args.ledger();
        mark::begin();
        if ledger.get(0) != 0 {
            ledger.add(1, 1);
        }
        ledger.add(2, 1);
        mark::end();
    }

    /// Counts to 5 in word 0, by one loop in another, with a system call in each turn.
    fn loops(mut args: Args) {
        let ledger = args.ledger();
        mark::begin();
        for _ in 0..5 {
            for _ in 0..3 {
                ledger.add(1, 1);
            }
            ledger.add(0, u64::from(std::process::id() != 0));
        }
        mark::end();
    }

    static HANDLED: AtomicU64 = AtomicU64::new(0);

    /// Puts in word 0 how often it got SIGUSR1 during its operation.
    fn handles_signals(mut args: Args) {
        extern "C" fn count(_: libc::c_int) {
            HANDLED.fetch_add(1, Ordering::Relaxed);
        }
        let ledger = args.ledger();
        let handler = count as extern "C" fn(libc::c_int);
        // SAFETY: the handler only adds to an atomic.
        unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
        nops::<NOPS>(args);
        ledger.set(0, HANDLED.load(Ordering::Relaxed));
    }

    fn no_operation(_: Args) {}

    fn send(pid: i32, signal: i32) {
        // SAFETY: takes two integers; `pid` is a child that was not reaped.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    fn every_instruction_is_counted_once() {
        let mut victim = Role::new("nops").spawn_traced().unwrap();
        assert_eq!(victim.count(), Ok(NOPS + nothing_takes()));
    }

    fn steps_add_up() {
        let mut victim = Role::new("nops").spawn_traced().unwrap();
        assert_eq!(victim.step(0), Step::Inside { taken: 0 });
        assert_eq!(victim.step(1), Step::Inside { taken: 1 });
        assert_eq!(victim.step(NOPS - 1), Step::Inside { taken: NOPS - 1 });
        let taken = nothing_takes();
        assert_eq!(victim.step(100), Step::Ended { taken });
    }

    fn system_call_is_one_instruction() {
        let mut victim = Role::new("system_calls").spawn_traced().unwrap();
        assert_eq!(victim.count(), Ok(2 * SYSTEM_CALLS + nothing_takes()));
    }

    fn kill_leaves_exactly_the_stores_before_it() {
        let ledger = Ledger::new(STORES).unwrap();
        let mut done = Vec::new();
        let make_role = || {
            (0..STORES).for_each(|i| ledger.set(i, 0));
            Role::new("stores").ledger(&ledger)
        };
        let length = kill_at_every_instruction(make_role, 1, |k| {
            assert_eq!(k, done.len() as u64, "each point once and in order");
            let count = (0..STORES).take_while(|&i| ledger.get(i) == 1).count();
            assert!((count..STORES).all(|i| ledger.get(i) == 0), "after {k}");
            done.push(count);
        })
        .unwrap();
        assert_eq!(length + 1, done.len() as u64);
        // The compiler may fetch the address behind the begin mark, or jump.
        let before = done.iter().filter(|&&count| count == 0).count() - 1;
        assert!(before <= 4, "{done:?}");
        for (k, &count) in done.iter().enumerate() {
            assert_eq!(count, k.saturating_sub(before).min(STORES), "after {k}");
        }
        let complete = length - before as u64 - STORES as u64;
        assert!((END_INSTRUCTIONS..=END_INSTRUCTIONS + 4).contains(&complete));
    }

    fn following_a_trail_is_stepping() {
        let ledger = Ledger::new(2).unwrap();
        let victim = || {
            (0..2).for_each(|i| ledger.set(i, 0));
            Role::new("loops").ledger(&ledger).spawn_traced().unwrap()
        };
        let trail = Trail::of(&mut victim()).unwrap();
        assert_eq!(trail.length(), victim().count().unwrap());
        // Without optimisation there are thousands of points.
        for k in (0..=trail.length()).step_by(if cfg!(debug_assertions) { 97 } else { 1 }) {
            let inside = Step::Inside { taken: k };
            assert_eq!(victim().step(k), inside);
            let stepped = [0, 1].map(|i| ledger.get(i));
            let mut follower = victim();
            assert_eq!(follower.follow(&trail, k), Some(inside));
            assert_eq!([0, 1].map(|i| ledger.get(i)), stepped, "after {k}");
            let taken = trail.length() - k;
            assert_eq!(follower.step(u64::MAX), Step::Ended { taken }, "after {k}");
            assert_eq!([0, 1].map(|i| ledger.get(i)), [5, 15], "no breakpoint is left");
        }
    }

    fn trail_knows_where_what_is_watched_changes() {
        let ledger = Ledger::new(STORES).unwrap();
        let spawn = || {
            (0..STORES).for_each(|i| ledger.set(i, 0));
            Role::new("stores").ledger(&ledger).spawn_traced()
        };
        let stored = || (0..STORES).filter(|&i| ledger.get(i) == 1).count();
        let trail = Trail::of_watched(&mut spawn().unwrap(), stored).unwrap();
        assert_eq!(trail.changes().len(), STORES);
        for (before, &k) in trail.changes().iter().enumerate() {
            for (k, expected) in [(k - 1, before), (k, before + 1)] {
                let victim = trail.bring(k, spawn).unwrap();
                assert_eq!(stored(), expected, "after {k}");
                drop(victim);
            }
        }
        let mut expected = vec![0];
        expected.extend(trail.changes());
        expected.push(trail.length());
        assert_eq!(trail.points(u64::MAX), expected);
        assert_eq!(trail.points(1), (0..=trail.length()).collect::<Vec<_>>());
    }

    fn victim_that_leaves_the_trail_is_replaced_by_one_that_is_stepped() {
        let ledger = Ledger::new(3).unwrap();
        ledger.set(0, 1);
        let role = || Role::new("two_ways").ledger(&ledger);
        let trail = Trail::of(&mut role().spawn_traced().unwrap()).unwrap();
        ledger.set(0, 0);
        let lost = |k: &u64| role().spawn_traced().unwrap().follow(&trail, *k).is_none();
        assert!((0..=trail.length()).any(|k| lost(&k)), "the first way goes by other addresses");

        let victims = std::cell::Cell::new(0);
        let make_role = || {
            // Only the first goes the long way.
            ledger.set(0, u64::from(victims.replace(victims.get() + 1) == 0));
            (1..3).for_each(|i| ledger.set(i, 0));
            role()
        };
        let mut counts = Vec::new();
        let length = kill_at_every_instruction(make_role, 1, |_| counts.push(ledger.get(2))).unwrap();
        assert_eq!(length, trail.length());
        assert_eq!(counts.len() as u64, length + 1, "no point is left out");
        assert_eq!((counts[0], counts.last()), (0, Some(&1)));
    }

    fn stride_skips_points_and_ends_at_the_same_length() {
        let mut points = Vec::new();
        let length = kill_at_every_instruction(|| Role::new("nops"), 400, |k| points.push(k));
        let all = NOPS + nothing_takes();
        assert_eq!(length.unwrap(), all);
        assert_eq!(points, [0, 400, 800, all]);
    }

    fn each_operation_begins_and_ends() {
        let ledger = Ledger::new(1).unwrap();
        let role = Role::new("rounds").ledger(&ledger).arg(10);
        let mut victim = role.spawn_traced().unwrap();
        for round in 0..4 {
            assert_eq!(ledger.get(0), round);
            victim.run_to_begin().unwrap();
        }
        // The first mark was reached by the start: this is the fifth.
        assert_eq!(ledger.get(0), 4);
        victim.run_to_end().unwrap();
        assert_eq!(ledger.get(0), 5);
        victim.run_to_begin().unwrap();
        // From inside an operation: its end is passed.
        victim.run_to_begin().unwrap();
        assert_eq!(ledger.get(0), 6);
        assert!(victim.count().unwrap() > END_INSTRUCTIONS);
        assert_eq!(ledger.get(0), 7);
        for _ in 7..10 {
            victim.run_to_begin().unwrap();
        }
        assert_eq!(victim.run_to_begin(), Err(Exit::Exited(0)));
        assert_eq!(ledger.get(0), 10);
    }

    fn released_victim_runs_to_its_end() {
        for k in 0..8 {
            let ledger = Ledger::new(1).unwrap();
            let role = Role::new("rounds").ledger(&ledger).arg(10);
            let mut victim = role.spawn_traced().unwrap();
            let _ = victim.step(k);
            let mut child = victim.release().unwrap();
            assert_eq!(child.wait(), Exit::Exited(0));
            assert_eq!(ledger.get(0), 10);
        }
    }

    fn signals_are_passed_on() {
        let ledger = Ledger::new(1).unwrap();
        let role = Role::new("handles_signals").ledger(&ledger);
        let mut victim = role.spawn_traced().unwrap();
        for _ in 0..3 {
            send(victim.pid(), libc::SIGUSR1);
            assert_eq!(victim.step(50), Step::Inside { taken: 50 });
        }
        let length = 150 + victim.count().unwrap();
        assert!(length > NOPS + END_INSTRUCTIONS, "no handler ran");
        assert_eq!(victim.release().unwrap().wait(), Exit::Exited(0));
        assert_eq!(ledger.get(0), 3);

        let mut victim = Role::new("nops").spawn_traced().unwrap();
        assert_eq!(victim.step(5), Step::Inside { taken: 5 });
        send(victim.pid(), libc::SIGTERM);
        let exit = Exit::Signalled(libc::SIGTERM);
        assert_eq!(victim.step(5), Step::Died(exit));
        assert_eq!(victim.kill(), exit);
    }

    fn victim_killed_by_others_is_reported() {
        let mut victim = Role::new("nops").spawn_traced().unwrap();
        send(victim.pid(), libc::SIGKILL);
        assert_eq!(victim.step(5), Step::Died(Exit::KILLED));

        let victim = Role::new("nops").spawn_traced().unwrap();
        send(victim.pid(), libc::SIGKILL);
        assert_eq!(victim.release().err(), Some(Exit::KILLED));
    }

    fn role_without_operation_is_an_error() {
        let error = Role::new("no_operation").spawn_traced().unwrap_err();
        let exit = error.get_ref().and_then(|e| e.downcast_ref::<Exit>());
        assert_eq!(exit, Some(&Exit::Exited(0)));
    }

    fn marks_are_nothing_to_an_untraced_process() {
        let mut child = Role::new("nops").spawn().unwrap();
        assert_eq!(child.wait(), Exit::Exited(0));
        mark::begin();
        mark::end();
    }

    fn dropping_kills_and_gives_the_cores_back() {
        let before = cores();
        let first = Role::new("nops").spawn_traced().unwrap();
        let second = Role::new("nops").spawn_traced().unwrap();
        assert_eq!(cores().len(), 1, "the tracer stays with its victim");
        let process = format!("/proc/{}", first.pid());
        drop(first);
        assert!(!std::path::Path::new(&process).exists());
        assert_eq!(cores().len(), 1, "the other is still there");
        let mut child = second.release().unwrap();
        assert_eq!(cores(), before);
        child.kill();
    }

    macro_rules! trials {
        ($($test:ident),* $(,)?) => {
            vec![$(Trial::test(stringify!($test), || { $test(); Ok(()) })),*]
        };
    }

    pub(super) fn main() {
        roles::run(&[
            ("nops", nops::<NOPS>),
            ("nothing", nops::<0>),
            ("stores", stores),
            ("system_calls", system_calls),
            ("rounds", rounds),
            ("loops", loops),
            ("two_ways", two_ways),
            ("handles_signals", handles_signals),
            ("no_operation", no_operation),
        ]);
        let trials = trials![
            every_instruction_is_counted_once,
            steps_add_up,
            system_call_is_one_instruction,
            kill_leaves_exactly_the_stores_before_it,
            following_a_trail_is_stepping,
            trail_knows_where_what_is_watched_changes,
            victim_that_leaves_the_trail_is_replaced_by_one_that_is_stepped,
            stride_skips_points_and_ends_at_the_same_length,
            each_operation_begins_and_ends,
            released_victim_runs_to_its_end,
            signals_are_passed_on,
            victim_killed_by_others_is_reported,
            role_without_operation_is_an_error,
            marks_are_nothing_to_an_untraced_process,
            dropping_kills_and_gives_the_cores_back,
        ];
        libtest_mimic::run(&Arguments::from_args(), trials).exit();
    }
}
