//! The example of a supervised pool of workers, while workers are killed.

#[path = "../examples/worker_pool.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a program, too")]
mod worker_pool;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write, stdin},
    path::Path,
    process::{Child, Command, Stdio},
};

use ironring_testkit::{Args, roles};
use libtest_mimic::{Arguments, Trial};

const SUPERVISOR: &str = "supervisor";
const WORKER: &str = "worker";

fn main() {
    roles::run(&[(SUPERVISOR, supervise), (WORKER, work)]);
    let tests = [
        Trial::test("every_job_is_done_though_workers_are_killed", || {
            every_job_is_done();
            Ok(())
        }),
        Trial::test("a_signal_lets_the_workers_finish", || {
            a_signal_lets_the_workers_finish();
            Ok(())
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests.into()).exit();
}

fn role(name: &str, ring: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["--role", name, "--", ring]);
    command
}

/// Writes what became of the jobs behind the lines of the workers.
fn supervise(mut args: Args) {
    let ring: String = args.parse("ring");
    let outcome = worker_pool::supervise(Path::new(&ring), BufReader::new(stdin()), || role(WORKER, &ring));
    let outcome = outcome.expect("a sound ring");
    for job in outcome.set_aside {
        println!("0 set-aside {}", String::from_utf8_lossy(&job));
    }
    println!("0 replaced {}", outcome.replaced);
}

fn work(mut args: Args) {
    let ring: String = args.parse("ring");
    worker_pool::work(Path::new(&ring)).expect("a sound ring");
}

fn start(ring: &str) -> (Child, impl Iterator<Item = [String; 3]> + use<>) {
    let mut child =
        role(SUPERVISOR, ring).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let words = |line: String| line.splitn(3, ' ').map(String::from).collect::<Vec<_>>();
    (child, lines.map(move |line| words(line.expect("text")).try_into().expect("three words")))
}

fn kill(pid: &str, signal: libc::c_int) {
    // SAFETY: takes integers. Who is gone already is not there to be killed.
    unsafe { libc::kill(pid.parse().expect("a pid"), signal) };
}

const JOBS: u32 = 400;

fn every_job_is_done() {
    let dir = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let (mut child, lines) = start(dir.path().join("jobs").to_str().expect("text"));
    let mut jobs = child.stdin.take().expect("a pipe");
    let feeding = std::thread::spawn(move || {
        for number in 0..JOBS {
            writeln!(jobs, "{number}").expect("it reads");
            if number % 200 == 100 {
                writeln!(jobs, "crash").expect("it reads");
            }
        }
    });
    let (mut done, mut aside, mut replaced) = (BTreeMap::new(), Vec::new(), 0);
    for [pid, what, job] in lines {
        match what.as_str() {
            "did" => {
                let count = done.entry(job.parse::<u32>().expect("a number")).or_insert(0);
                *count += 1;
                // Far apart, so that none meets the same job thrice.
                if *count == 1 && done.len() % 40 == 0 {
                    kill(&pid, libc::SIGKILL);
                }
            }
            "set-aside" => aside.push(job),
            _ => replaced = job.parse().expect("a number"),
        }
    }
    feeding.join().expect("no panic");
    assert!(child.wait().expect("it ends").success());
    assert!(done.keys().copied().eq(0..JOBS), "{done:?}");
    assert_eq!(aside, ["crash", "crash"]);
    // Three by each crash, and those that were killed, but for the one or the other that was
    // about to end.
    assert!(replaced >= 6, "{replaced}");
    // Killed between the line and the release, a worker leaves its job to another one.
    assert!(done.values().sum::<u32>() <= JOBS + replaced);
}

fn a_signal_lets_the_workers_finish() {
    let dir = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let (mut child, mut lines) = start(dir.path().join("jobs").to_str().expect("text"));
    let mut jobs = child.stdin.take().expect("a pipe");
    for number in 0..50 {
        writeln!(jobs, "{number}").expect("it reads");
    }
    let mut done = vec![lines.next().expect("a line")[2].clone()];
    kill(&child.id().to_string(), libc::SIGTERM);
    std::thread::sleep(std::time::Duration::from_millis(50));
    // It would read on.
    writeln!(jobs, "too late").expect("it reads");
    drop(jobs);
    done.extend(lines.filter(|[_, what, _]| what == "did").map(|[_, _, job]| job));
    assert!(child.wait().expect("it ends").success());
    assert!(!done.contains(&"too late".to_owned()));
    done.sort_by_key(|job| job.parse::<u32>().expect("a number"));
    // What was sent is done, each once; how much that is, depends on when the signal came.
    assert!(done.iter().enumerate().all(|(number, job)| number.to_string() == *job), "{done:?}");
}
