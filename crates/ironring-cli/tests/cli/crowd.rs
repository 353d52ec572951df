//! Rings of kind mpmc: several senders and receivers at once, some of which are killed.

use std::{collections::HashMap, io::Read, process::Stdio};

use super::start::{Dir, Running};

/// How many places `role` is attached in.
fn attached(stat: &serde_json::Value, role: &str) -> usize {
    let places = stat["participants"].as_array().expect("the participants of an mpmc ring");
    places.iter().filter(|place| place["role"] == role && place["state"] == "attached").count()
}

/// Starts so many commands, and waits until all are attached.
fn start_all(dir: &Dir, args: &str, count: usize, role: &str) -> Vec<Running> {
    let running = (0..count).map(|_| dir.start(args)).collect();
    dir.wait_for_stat("jobs", "all are attached", |stat| attached(stat, role) == count);
    running
}

#[test]
fn each_line_of_several_senders_reaches_one_of_several_receivers() {
    const LINES: usize = 20_000;
    let dir = Dir::new();
    dir.must("create jobs --kind mpmc --messages 64 --max-message 100 --participants 6", "");
    let receivers = start_all(&dir, "recv jobs", 3, "consumer");
    let mut senders = start_all(&dir, "send jobs", 3, "producer");
    std::thread::scope(|scope| {
        for (number, sender) in senders.iter_mut().enumerate() {
            scope.spawn(move || {
                let lines: String = (0..LINES).map(|n| format!("{number} {n}\n")).collect();
                sender.write(lines.as_bytes());
            });
        }
    });
    for sender in senders {
        let ended = sender.finish();
        assert_eq!((ended.status, ended.err.as_str()), (0, ""));
    }
    let mut seen = HashMap::new();
    for receiver in receivers {
        let ended = receiver.finish();
        assert_eq!((ended.status, ended.err.as_str()), (0, ""));
        let mut last = HashMap::new();
        for line in String::from_utf8(ended.out).expect("text").lines() {
            let (sender, n) = line.split_once(' ').expect("a sender and a number");
            let n: usize = n.parse().expect("a number");
            let before = last.insert(sender.to_owned(), n);
            assert!(before.is_none_or(|before| before < n), "in order of {sender}: {before:?}, {n}");
            *seen.entry(line.to_owned()).or_insert(0) += 1;
        }
    }
    assert!(seen.values().all(|times| *times == 1), "each line once");
    assert_eq!(seen.len(), 3 * LINES);
}

#[test]
fn what_a_killed_receiver_held_is_shown_and_comes_again() {
    let dir = Dir::new();
    dir.must("create jobs --kind mpmc --messages 64 --max-message 4096 --holding 3", "");
    let line = |n: usize| format!("{n:04095}\n");
    dir.must("send jobs", (0..40).map(line).collect::<String>());

    // Nobody reads what it writes, so it gets stuck when the pipe is full.
    let mut stuck = dir.command(["recv", "jobs"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let held = |stat: &serde_json::Value| {
        let places = stat["participants"].as_array().expect("participants");
        places.iter().find(|place| place["role"] == "consumer").and_then(|place| place["holds"].as_u64())
    };
    // 64 KiB fit the pipe, and with what it holds the 15 messages before the last are gone.
    dir.wait_for_stat("jobs", "the receiver is stuck", |stat| {
        stat["head"].as_u64() >= Some(16) && held(stat) >= Some(2)
    });
    stuck.kill().expect("it is killed");
    let mut written = String::new();
    stuck.stdout.take().expect("its output").read_to_string(&mut written).expect("text");
    stuck.wait().expect("it ends");

    let stat = dir.stat("jobs");
    let count = held(&stat).expect("a receiver was there");
    let text = String::from_utf8(dir.must("stat jobs", "")).expect("text");
    assert!(text.contains("consumer, died") && text.contains(&format!("holds {count}")), "{text}");
    let told = String::from_utf8(dir.must("recover jobs", "")).expect("text");
    assert!(told.contains(&format!("a consumer of process {}, died", stuck.id())), "{told}");
    assert!(told.contains(&format!("{count} messages delivered again")), "{told}");
    assert_eq!(dir.must("recover jobs", ""), b"", "told once");

    let rest = dir.run("recv jobs", "");
    assert_eq!(rest.status, 0, "{}", rest.err);
    assert!(rest.err.contains(&format!("{count} messages had been received before")), "{}", rest.err);
    // What it had written whole was released, but for what it held.
    let rest = String::from_utf8(rest.out).expect("text");
    let mut lines: Vec<&str> = written.split_inclusive('\n').chain(rest.split_inclusive('\n')).collect();
    lines.retain(|line| line.len() == 4096);
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines, (0..40).map(line).collect::<Vec<_>>());
    assert_eq!(rest.len(), 4096 * rest.lines().count(), "each of them whole");
}

#[test]
fn a_killed_sender_is_told_of_by_whoever_receives_last() {
    let dir = Dir::new();
    dir.must("create jobs --kind mpmc --messages 8", "");
    let mut killed = dir.start("send jobs");
    killed.write(b"one\n");
    dir.wait_for_stat("jobs", "the message is there", |stat| stat["messages"] == 1);
    let id = killed.id();
    killed.signal("KILL");
    killed.finish();
    let ended = dir.run("recv jobs", "");
    assert_eq!((ended.status, ended.out.as_slice()), (3, b"one\n".as_slice()), "{}", ended.err);
    assert!(ended.err.contains(&format!("the sender (process {id}) was killed")), "{}", ended.err);
    // Its end is no news any more; that of the next is.
    dir.must("send jobs", "two\n");
    assert_eq!(dir.must("recv jobs", ""), b"two\n");
}

#[test]
fn a_forced_line_takes_the_place_of_the_oldest() {
    let dir = Dir::new();
    dir.must("create jobs --kind mpmc --messages 2", "");
    let ended = dir.run("send jobs --force", "1\n2\n3\n4\n5\n");
    assert_eq!(ended.status, 0, "{}", ended.err);
    assert!(ended.err.contains("3 messages were displaced"), "{}", ended.err);
    assert_eq!(dir.must("recv jobs", ""), b"4\n5\n");
}

#[test]
fn chunks_pass_through_an_mpmc_ring() {
    let dir = Dir::new();
    dir.must("create jobs --kind mpmc --messages 4 --max-message 64KiB", "");
    let input: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let receiver = dir.start("recv jobs");
    dir.must("send jobs --chunk 64KiB", &input);
    let ended = receiver.finish();
    assert_eq!((ended.status, ended.err.as_str()), (0, ""));
    assert!(ended.out == input, "{} bytes", ended.out.len());
}
