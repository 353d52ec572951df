//! Children are started where and with what was asked, stopped, killed, reaped and counted.

use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ironring_testkit::{Args, Child, Exit, Ledger, Role, cores, floor, pin_to_core, rng, roles};
use libtest_mimic::{Arguments, Trial};

/// Long enough for any machine; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts in word 0 until it is killed.
fn counter(mut args: Args) {
    let ledger = args.ledger();
    loop {
        ledger.add(0, 1);
    }
}

/// Word 0: how many cores it may run on. Word 1: the first of them.
fn affinity(mut args: Args) {
    let ledger = args.ledger();
    ledger.set(0, cores().len() as u64);
    ledger.set(1, cores()[0] as u64);
}

/// Puts the sum of its arguments in the last word.
fn sum(mut args: Args) {
    let ledger = args.ledger();
    let first: u64 = args.parse("first");
    let rest = args.rest();
    let rest = rest.iter().map(|word| word.parse::<u64>().unwrap());
    ledger.set(ledger.len() - 1, first + rest.sum::<u64>());
}

/// Appends to the file that it was passed, what its environment says.
fn append(mut args: Args) {
    let mut file = std::fs::File::from(args.fd("file"));
    file.write_all(std::env::var("WORD").unwrap().as_bytes()).unwrap();
}

/// Repeats one line of its input.
fn echo(_: Args) {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    print!("{line}{line}");
}

/// Starts a grandchild, says so, and idles.
fn parent(_: Args) {
    let _idle = Role::new("idle").spawn().unwrap();
    println!("started");
    idle_for_ever();
}

fn idle(_: Args) {
    idle_for_ever();
}

fn fails(_: Args) {
    panic!("this role is meant to panic");
}

fn idle_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::yield_now();
    }
}

fn process_dir(child: &Child) -> PathBuf {
    PathBuf::from(format!("/proc/{}", child.pid()))
}

fn child_is_pinned_where_asked() {
    for core in cores() {
        let ledger = Ledger::new(2).unwrap();
        let role = Role::new("affinity").ledger(&ledger).pin(core);
        assert_eq!(role.spawn().unwrap().wait(), Exit::Exited(0));
        assert_eq!((ledger.get(0), ledger.get(1)), (1, core as u64));
    }
    let ledger = Ledger::new(2).unwrap();
    let role = Role::new("affinity").ledger(&ledger);
    assert_eq!(role.spawn().unwrap().wait(), Exit::Exited(0));
    assert_eq!(ledger.get(0), cores().len() as u64, "an unpinned child");
    let error = Role::new("idle").pin(1_000_000).spawn().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

fn thread_is_pinned_where_asked() {
    let core = *cores().last().unwrap();
    let pinned = std::thread::spawn(move || {
        pin_to_core(core).unwrap();
        cores()
    });
    assert_eq!(pinned.join().unwrap(), [core]);
}

fn stopped_child_stands_still_until_continued() {
    let ledger = Ledger::new(1).unwrap();
    let mut child = Role::new("counter").ledger(&ledger).spawn().unwrap();
    wait_until("the child counts", || ledger.get(0) > 0);
    for _ in 0..20 {
        child.stop().unwrap();
        let stopped_at = ledger.get(0);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(ledger.get(0), stopped_at);
        child.cont().unwrap();
        wait_until("the child counts on", || ledger.get(0) > stopped_at);
    }
}

fn stopping_an_ended_child_says_how_it_ended() {
    let mut child = Role::new("fails").pipe_stderr().spawn().unwrap();
    let mut message = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut message).unwrap();
    assert!(message.contains("this role is meant to panic"), "{message}");
    // It has closed its output; it may be about to end still.
    assert_eq!(child.wait(), Exit::Exited(101));
    assert_eq!(child.stop(), Err(Exit::Exited(101)));
    assert_eq!(child.signal(libc::SIGTERM), Err(Exit::Exited(101)));
    assert_eq!(child.kill(), Exit::Exited(101));
}

fn killed_child_is_reaped_and_says_so() {
    let mut child = Role::new("idle").spawn().unwrap();
    assert!(process_dir(&child).exists());
    assert_eq!(child.kill(), Exit::Signalled(libc::SIGKILL));
    assert!(!process_dir(&child).exists(), "a zombie is left");
    assert_eq!(child.wait(), Exit::KILLED, "the end is remembered");
}

fn stopped_child_is_killed_too() {
    let mut child = Role::new("idle").spawn().unwrap();
    child.stop().unwrap();
    assert_eq!(child.kill(), Exit::KILLED);
}

fn signal_is_reported() {
    let mut child = Role::new("idle").spawn().unwrap();
    child.signal(libc::SIGTERM).unwrap();
    assert_eq!(child.wait(), Exit::Signalled(libc::SIGTERM));
}

fn wait_timeout_gives_up_and_takes_up() {
    let mut child = Role::new("idle").spawn().unwrap();
    assert_eq!(child.wait_timeout(Duration::from_millis(5)), None);
    child.signal(libc::SIGKILL).unwrap();
    assert_eq!(child.wait_timeout(PATIENCE), Some(Exit::KILLED));
    assert_eq!(child.wait_timeout(Duration::ZERO), Some(Exit::KILLED));
}

fn dropping_kills_and_reaps() {
    let ledger = Ledger::new(1).unwrap();
    let child = Role::new("counter").ledger(&ledger).spawn().unwrap();
    wait_until("the child counts", || ledger.get(0) > 0);
    let dir = process_dir(&child);
    drop(child);
    assert!(!dir.exists(), "the process is left");
    let count = ledger.get(0);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(ledger.get(0), count);
}

fn child_dies_with_its_parent() {
    let mut parent = Role::new("parent").pipe_stdout().spawn().unwrap();
    // The grandchild holds the other end of this pipe too.
    let mut output = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    parent.kill();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(output.read_to_string(&mut String::new()).is_ok()));
    assert_eq!(end.recv_timeout(PATIENCE), Ok(true), "the grandchild lives");
}

fn child_sees_ledger_and_arguments() {
    let ledger = Ledger::new(3).unwrap();
    let role = Role::new("sum").ledger(&ledger).arg(40).args([1, 1]);
    assert!(role.spawn().unwrap().wait().success());
    assert_eq!([0, 1, 2].map(|i| ledger.get(i)), [0, 0, 42]);
}

fn child_sees_descriptor_and_environment() {
    let ledger = Ledger::new(1).unwrap();
    // A memfd does for a file.
    let fd = std::os::fd::AsFd::as_fd(&ledger).try_clone_to_owned();
    let mut file = std::fs::File::from(fd.unwrap());
    let role = Role::new("append").pass_fd("file", &file);
    assert!(role.env("WORD", "8 bytes.").spawn().unwrap().wait().success());
    assert_eq!(file.stream_position().unwrap(), 8, "the description is shared");
    assert_eq!(ledger.get(0).to_ne_bytes(), *b"8 bytes.");
}

fn pipes_carry_input_and_output() {
    let role = Role::new("echo").pipe_stdin().pipe_stdout();
    let mut child = role.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"ring\n").unwrap();
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!(output, "ring\nring\n");
    assert!(child.wait().success());
}

fn unknown_role_fails() {
    let mut child = Role::new("no such role").pipe_stderr().spawn().unwrap();
    assert_eq!(child.wait(), Exit::Exited(101));
}

fn floor_is_measured_between_two_cores_only() {
    let cores = cores();
    let same = floor::probe((cores[0], cores[0]), 10).unwrap_err();
    assert_eq!(same.kind(), std::io::ErrorKind::InvalidInput);
    assert!(floor::probe((cores[0], 1_000_000), 10).is_err());
    assert!(floor::probe((1_000_000, cores[0]), 10).is_err());
    if let [first, second, ..] = cores[..] {
        let floor = floor::probe((first, second), 20_000).unwrap();
        assert!(floor.p50_ns > 1.0, "faster than light: {floor:?}");
        assert!(floor.p50_ns <= floor.p90_ns && floor.p90_ns <= floor.p99_ns);
        assert!(floor.p99_ns <= floor.p999_ns, "{floor:?}");
        println!("{floor:?}, {}", floor::placement((first, second)).unwrap());
    }
    let one = floor::placement((cores[0], cores[0])).unwrap();
    assert_eq!(one, floor::Placement::Siblings);
}

fn seed_repeats_the_numbers() {
    let mut rng = rng::Seeded::with_seed(5);
    let mut again = rng::Seeded::with_seed(rng.seed());
    let mut other = rng::Seeded::with_seed(6);
    let numbers = [(); 4].map(|()| rng.u64(..));
    assert_eq!([(); 4].map(|()| again.u64(..)), numbers);
    assert_ne!([(); 4].map(|()| other.u64(..)), numbers);
}

macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        vec![$(Trial::test(stringify!($test), || { $test(); Ok(()) })),*]
    };
}

fn main() {
    roles::run(&[
        ("counter", counter),
        ("affinity", affinity),
        ("sum", sum),
        ("append", append),
        ("echo", echo),
        ("parent", parent),
        ("idle", idle),
        ("fails", fails),
    ]);
    let trials = trials![
        child_is_pinned_where_asked,
        thread_is_pinned_where_asked,
        stopped_child_stands_still_until_continued,
        stopping_an_ended_child_says_how_it_ended,
        killed_child_is_reaped_and_says_so,
        stopped_child_is_killed_too,
        signal_is_reported,
        wait_timeout_gives_up_and_takes_up,
        dropping_kills_and_reaps,
        child_dies_with_its_parent,
        child_sees_ledger_and_arguments,
        child_sees_descriptor_and_environment,
        pipes_carry_input_and_output,
        unknown_role_fails,
        floor_is_measured_between_two_cores_only,
        seed_repeats_the_numbers,
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
