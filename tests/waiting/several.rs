//! Many rings at once: of both kinds, with numbers and with bytes.

use std::{
    fmt::Display,
    path::PathBuf,
    time::{Duration, Instant},
};

use ironring::{RecvError, Wait, WaitAny, WaitAnyError, WhenAlone};
use ironring_testkit::{Args, Child, Exit, Ledger, Role, rng::fastrand::Rng, roles::RoleFn};

use crate::{
    cpu,
    peer::{ALL_WAITS, SLEEPING, until},
    rings::{RINGS, Rings},
    support::shared_memory,
};

pub(crate) const ROLES: &[(&str, RoleFn)] =
    &[("several::receive", receive), ("several::attach", attach), ("several::send", send)];

pub(crate) const TESTS: &[(&str, fn())] = &[
    ("several::one_that_is_always_busy_starves_none", one_that_is_busy_starves_none),
    ("several::any_of_them_wakes_a_sleeper", any_of_them_wakes_a_sleeper),
    ("several::one_that_is_idle_for_long_learns_of_a_death", one_that_is_idle_for_long_learns_of_a_death),
    ("several::what_many_send_is_received_in_order", what_many_send_is_received_in_order),
    ("several::a_deadline_ends_a_wait_and_not_before", a_deadline_ends_a_wait),
    ("several::an_idle_sleeper_uses_little_processor_time", an_idle_sleeper_uses_little_time),
];

/// Up to so many, one sleep is on all.
const ONE_SLEEP: usize = 127;

fn waiting(wait: Wait) -> WaitAny {
    let mut any = WaitAny::new();
    any.set_strategy(wait);
    any
}

/// Each gets its turn in each round, and whoever comes new is next.
fn one_that_is_busy_starves_none() {
    const BUSY: usize = 77;
    const EACH: u64 = 5;
    for wait in ALL_WAITS {
        let dir = shared_memory();
        let rings = Rings::create(dir.path());
        let mut receivers = rings.receivers();
        let mut senders: Vec<_> = (0..RINGS).map(|number| rings.sender(number)).collect();
        for (number, sender) in senders.iter_mut().enumerate() {
            (0..EACH).for_each(|round| sender.send(round << 32 | number as u64));
        }
        let mut any = waiting(wait);
        for round in 0..EACH {
            let mut told: Vec<_> = (0..RINGS)
                .map(|_| {
                    let index = any.wait(&mut receivers, Duration::from_secs(60)).expect("a message");
                    assert_eq!(receivers[index].take(), Ok(round << 32 | index as u64));
                    if index == BUSY {
                        senders[BUSY].send((round + EACH) << 32 | BUSY as u64);
                    }
                    index
                })
                .collect();
            told.sort_unstable();
            assert_eq!(told, (0..RINGS).collect::<Vec<_>>(), "round {round}, {wait:?}");
        }
        for number in (0..RINGS).filter(|number| *number != BUSY) {
            let mut take = |from: usize| {
                let index = any.wait(&mut receivers, Duration::from_secs(60)).expect("a message");
                assert_eq!(index, from, "{wait:?}");
                receivers[index].take().expect("it")
            };
            take(BUSY);
            senders[BUSY].send(0);
            senders[number].send(number as u64);
            assert_eq!(take(number), number as u64);
        }
    }
}

/// Receives from all of them until each has ended, and notes each message, and how many have ended.
fn receive(mut args: Args) {
    let wait = ALL_WAITS[args.parse::<usize>("wait")];
    let rings = Rings(args.parse::<PathBuf>("directory"));
    let ledger = args.ledger();
    let mut receivers = rings.receivers();
    receivers.iter_mut().for_each(|receiver| receiver.when_alone(WhenAlone::Disconnect));
    let mut any = waiting(wait);
    while !receivers.is_empty() {
        match any.wait(&mut receivers, Duration::from_secs(3600)) {
            Ok(index) => ledger.set(0, receivers[index].take().expect("it")),
            Err(WaitAnyError::Receiver { index, error: RecvError::Disconnected }) => {
                drop(receivers.remove(index));
                ledger.add(1, 1);
            }
            Err(other) => panic!("{other}"),
        };
    }
}

/// Has attached to some of them as their only producer, and is to die.
fn attach(mut args: Args) {
    let rings = Rings(args.parse::<PathBuf>("directory"));
    let ledger = args.ledger();
    let numbers = args.parse::<String>("numbers");
    let _senders: Vec<_> =
        numbers.split(',').map(|number| rings.sender(number.parse().expect("a number"))).collect();
    ledger.set(0, 1);
    loop {
        std::thread::park();
    }
}

/// A process that has attached to `numbers`, and says so in `ledger`.
fn attached(directory: &impl Display, numbers: &[usize], ledger: &Ledger) -> Child {
    let numbers = numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let role = Role::new("several::attach").ledger(ledger).arg(directory).arg(numbers);
    role.spawn().expect("a process")
}

/// Among those that are slept on, and those that are told of otherwise.
const CLOSED: [usize; 4] = [2, 3, 190, 191];
const LEFT_TO_ANOTHER: [usize; 4] = [0, 1, 198, 199];

/// The longest sleep; who is not woken sleeps so long.
const PATIENCE: Duration = Duration::from_millis(30);

fn until_it_sleeps(child: &mut Child) {
    let stat = format!("/proc/{}/syscall", child.pid());
    until(child, "sleep", || {
        let call = std::fs::read_to_string(&stat).unwrap_or_default();
        call.starts_with(&format!("{} ", libc::SYS_futex_waitv))
    });
}

fn any_of_them_wakes_a_sleeper() {
    for wait in SLEEPING {
        let dir = shared_memory();
        let rings = Rings::create(dir.path());
        let index = ALL_WAITS.iter().position(|one| *one == wait).expect("one of all");
        let (ledger, others) = (Ledger::new(2).expect("a ledger"), Ledger::new(1).expect("a ledger"));
        let directory = dir.path().display();
        let role = Role::new("several::receive").ledger(&ledger).arg(index).arg(&directory);
        let mut child = role.spawn().expect("a process");
        let mut another = attached(&directory, &LEFT_TO_ANOTHER, &others);
        until(&mut another, "attached", || others.get(0) == 1);
        let mut senders: Vec<_> = (0..RINGS)
            .map(|number| (!LEFT_TO_ANOTHER.contains(&number)).then(|| rings.sender(number)))
            .collect();
        let mut woken = [0, 0];
        for (number, sender) in senders.iter_mut().enumerate().rev() {
            let Some(sender) = sender else { continue };
            until_it_sleeps(&mut child);
            let token = number as u64 + 1;
            let started = Instant::now();
            sender.send(token);
            until(&mut child, "received", || ledger.get(0) == token);
            woken[usize::from(number >= ONE_SLEEP)] += usize::from(started.elapsed() < PATIENCE / 2);
        }
        // Not all: the system may be slow. Whoever is not woken sleeps twice as long, nearly always.
        println!("{woken:?} of {ONE_SLEEP} and {} were woken at once, {wait:?}", RINGS - ONE_SLEEP);
        assert!(woken.iter().all(|count| *count >= 10), "{woken:?}, {wait:?}");

        let mut ended = 0;
        for number in CLOSED {
            until_it_sleeps(&mut child);
            senders[number].as_ref().expect("one").close();
            ended += 1;
            until(&mut child, "told of a close", || ledger.get(1) == ended);
        }
        until_it_sleeps(&mut child);
        assert_eq!(another.kill(), Exit::KILLED);
        until(&mut child, "told of a death", || ledger.get(1) == ended + LEFT_TO_ANOTHER.len() as u64);
        drop(senders);
        assert!(child.wait().success(), "{wait:?}");
        assert_eq!(ledger.get(1), RINGS as u64);
    }
}

/// Whoever is idle for so long sleeps as long, and is told of deaths.
const LONG_IDLE: Duration = Duration::from_secs(1);

/// So many that one who looked round anew for each would need as long, too.
const DYING: usize = 50;

/// By rings that it sleeps on: of several times, all deaths are told of at once in one at least.
fn one_that_is_idle_for_long_learns_of_a_death() {
    for wait in SLEEPING {
        let mut delays = (0..3).map(|_| delay_of_a_death(wait));
        assert!(delays.any(|delay| delay < LONG_IDLE / 2), "{wait:?}: it looked by itself");
    }
}

fn delay_of_a_death(wait: Wait) -> Duration {
    let dir = shared_memory();
    let rings = Rings::create(dir.path());
    let index = ALL_WAITS.iter().position(|one| *one == wait).expect("one of all");
    let (ledger, others) = (Ledger::new(2).expect("a ledger"), Ledger::new(1).expect("a ledger"));
    let directory = dir.path().display();
    let child = Role::new("several::receive").ledger(&ledger).arg(index).arg(&directory);
    let numbers: Vec<_> = (0..DYING).collect();
    let (mut child, mut another) =
        (child.spawn().expect("a process"), attached(&directory, &numbers, &others));
    until(&mut another, "attached", || others.get(0) == 1);
    std::thread::sleep(LONG_IDLE + LONG_IDLE / 2);
    until_it_sleeps(&mut child);
    let started = Instant::now();
    assert_eq!(another.kill(), Exit::KILLED);
    until(&mut child, "told of all deaths", || ledger.get(1) == DYING as u64);
    let delay = started.elapsed();
    println!("told of {DYING} deaths after {delay:?}, {wait:?}");
    (0..RINGS).for_each(|number| drop(rings.sender(number)));
    assert!(child.wait().success(), "{wait:?}");
    delay
}

const SENDERS: usize = 4;
const MESSAGES: u64 = 100;

/// Sends to each of its rings, at random, with pauses in which the receiver falls asleep.
fn send(mut args: Args) {
    let own: usize = args.parse("sender");
    let rings = Rings(args.parse::<PathBuf>("directory"));
    let mut rng = Rng::with_seed(own as u64);
    let mut left: Vec<_> =
        (own..RINGS).step_by(SENDERS).map(|number| (rings.sender(number), 0..MESSAGES)).collect();
    while !left.is_empty() {
        let one = rng.usize(..left.len());
        match left[one].1.next() {
            Some(number) => left[one].0.send(number),
            None => drop(left.swap_remove(one)),
        }
        if rng.u32(..50) == 0 {
            std::thread::sleep(Duration::from_micros(rng.u64(..1000)));
        }
    }
}

fn what_many_send_is_received_in_order() {
    for wait in ALL_WAITS {
        let dir = shared_memory();
        let rings = Rings::create(dir.path());
        let mut receivers: Vec<_> = rings.receivers().into_iter().map(|one| (one, 0)).collect();
        let senders = (0..SENDERS).map(|own| Role::new("several::send").arg(own).arg(dir.path().display()));
        let senders: Vec<_> = senders.map(|sender| sender.spawn().expect("a process")).collect();
        receivers.iter_mut().for_each(|(receiver, _)| receiver.when_alone(WhenAlone::Disconnect));
        let mut any = waiting(wait);
        while !receivers.is_empty() {
            let mut waited_for: Vec<_> = receivers.iter_mut().map(|(receiver, _)| receiver).collect();
            match any.wait(&mut waited_for, Duration::from_secs(60)) {
                Ok(index) => {
                    let (receiver, next) = &mut receivers[index];
                    assert_eq!(receiver.take(), Ok(*next), "{wait:?}");
                    *next += 1;
                }
                Err(WaitAnyError::Receiver { index, error: RecvError::Disconnected }) => {
                    assert_eq!(receivers.remove(index).1, MESSAGES, "{wait:?}");
                }
                Err(other) => panic!("{other}, {wait:?}"),
            }
        }
        assert!(senders.into_iter().all(|mut sender| sender.wait().success()));
    }
}

fn a_deadline_ends_a_wait() {
    let dir = shared_memory();
    let rings = Rings::create(dir.path());
    let mut receivers = rings.receivers();
    for count in [1, 2, ONE_SLEEP, ONE_SLEEP + 1, RINGS] {
        for wait in ALL_WAITS {
            let mut any = waiting(wait);
            for time in [0, 10, 100].map(Duration::from_millis) {
                let started = Instant::now();
                let nothing = any.wait(&mut receivers[..count], time);
                assert!(matches!(nothing, Err(WaitAnyError::TimedOut)), "{nothing:?}, {count}, {wait:?}");
                assert!(started.elapsed() >= time, "{wait:?}: {:?} of {time:?}", started.elapsed());
            }
            // What is there is told of, however late it is.
            rings.sender(count - 1).send(7);
            assert_eq!(any.wait(&mut receivers[..count], Duration::ZERO).expect("a message"), count - 1);
            assert_eq!(receivers[count - 1].take(), Ok(7));
        }
    }
}

/// Whoever is idle for long sleeps seldom; what that takes is in docs/WAITING.md.
fn an_idle_sleeper_uses_little_time() {
    let dir = shared_memory();
    let mut receivers = Rings::create(dir.path()).receivers();
    for wait in SLEEPING {
        let mut any = waiting(wait);
        let mut cost = |seconds| {
            let before = (cpu::used(libc::CLOCK_THREAD_CPUTIME_ID), cpu::sleeps(libc::RUSAGE_THREAD));
            assert!(any.wait(&mut receivers, Duration::from_secs(seconds)).is_err());
            let used = cpu::used(libc::CLOCK_THREAD_CPUTIME_ID) - before.0;
            (used, cpu::sleeps(libc::RUSAGE_THREAD) - before.1)
        };
        let (first, later) = (cost(2), cost(4));
        println!("{RINGS} idle rings, {wait:?}: {first:?} in 2 s, and then {later:?} in 4 s");
        assert!(later.1 < 40, "{wait:?}: 4 s of sleeps of 30 ms are 133");
    }
}
