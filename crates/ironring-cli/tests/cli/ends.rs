//! How sending and receiving end, and that nothing is lost then.

use std::{fs::File, io::Read, os::fd::OwnedFd};

use super::start::{Dir, Running};

#[test]
fn a_killed_sender_is_told_from_one_that_finished() {
    let dir = Dir::new();
    let receiver = dir.start("recv ring");
    let mut sender = dir.start("send ring");
    sender.write(b"one\ntwo\n");
    receiver.wait_for_output(b"one\ntwo\n");
    let pid = sender.id().to_string();
    sender.signal("KILL");
    assert_eq!(sender.finish().status, 128 + 9);
    let ended = receiver.finish();
    assert_eq!(ended.status, 3);
    assert!(ended.err.contains("killed") && ended.err.contains(&pid), "{}", ended.err);
    assert_eq!(ended.out, b"one\ntwo\n");
}

#[test]
fn the_end_of_a_sender_is_reported_once_also_to_a_late_receiver() {
    let dir = Dir::new();
    let mut sender = dir.start("send ring");
    sender.write(b"one\n");
    dir.wait_for_stat("ring", "the message is there", |stat| stat["messages"] == 1);
    sender.signal("KILL");
    sender.finish();
    let ended = dir.run("recv ring", "");
    assert_eq!((ended.status, ended.out.as_slice()), (3, b"one\n".as_slice()));

    // Nobody has come since: it waits, for a sender that finishes.
    let receiver = dir.start("recv ring");
    dir.wait_for_stat("ring", "the receiver is there", |stat| stat["receiver"]["state"] == "attached");
    dir.must("send ring", "two\n");
    let ended = receiver.finish();
    assert_eq!((ended.status, ended.out.as_slice(), ended.err.as_str()), (0, b"two\n".as_slice(), ""));
}

#[test]
fn follow_goes_on_from_sender_to_sender() {
    let dir = Dir::new();
    let receiver = dir.start("recv ring --follow --count 4");
    dir.must("send ring", "one\n");
    receiver.wait_for_output(b"one\n");
    let mut killed = dir.start("send ring");
    killed.write(b"two\n");
    receiver.wait_for_output(b"one\ntwo\n");
    killed.signal("KILL");
    killed.finish();
    receiver.wait_for_error("killed");
    dir.must("send ring", "three\nfour\nfive\n");
    let ended = receiver.finish();
    assert_eq!((ended.status, ended.out.as_slice()), (0, b"one\ntwo\nthree\nfour\n".as_slice()));
}

#[test]
fn idle_exit_ends_beside_a_silent_sender() {
    let dir = Dir::new();
    let mut sender = dir.start("send ring");
    sender.write(b"one\n");
    dir.wait_for_stat("ring", "the message is there", |stat| stat["messages"] == 1);
    assert_eq!(dir.must("recv ring --idle-exit 20", ""), b"one\n");
    assert_eq!(dir.must("recv ring --idle-exit 20 --follow", ""), b"");
    assert_eq!(sender.finish().status, 0);
}

#[test]
fn a_receiver_that_waits_learns_that_the_ring_was_removed() {
    let dir = Dir::new();
    let receiver = dir.start("recv ring");
    dir.wait_for_stat("ring", "the receiver is there", |stat| stat["receiver"]["state"] == "attached");
    dir.must("remove ring", "");
    let ended = receiver.finish();
    assert_eq!(ended.status, 4);
    assert!(ended.err.contains("removed"), "{}", ended.err);
}

#[test]
fn a_receiver_of_a_closed_ring_ends_when_that_is_empty() {
    for kind in ["spsc", "mpmc"] {
        let dir = Dir::new();
        dir.must(&format!("create ring --kind {kind} --messages 8"), "");
        let receiver = dir.start("recv ring --follow");
        let mut sender = dir.start("send ring");
        sender.write(b"one\n");
        receiver.wait_for_output(b"one\n");
        dir.must("close ring", "");
        let ended = receiver.finish();
        assert_eq!((ended.status, ended.out.as_slice()), (0, b"one\n".as_slice()), "{kind}: {}", ended.err);
        sender.write(b"late\n");
        assert_eq!(sender.finish().status, 1, "{kind}");
    }
}

#[test]
fn a_closed_ring_keeps_what_is_in_it_and_takes_more_when_it_is_reopened() {
    let dir = Dir::new();
    dir.must("create ring --kind mpmc --messages 8", "");
    dir.must("send ring", "one\n");
    assert_eq!((&dir.stat("ring")["closed"], &dir.stat("ring")["session"]), (&false.into(), &0.into()));
    dir.must("close ring", "");
    assert_eq!(dir.stat("ring")["closed"], true);
    let text = String::from_utf8(dir.must("stat ring", "")).expect("text");
    assert!(text.contains("closed       yes\nsession      0\n"), "{text}");
    let refused = dir.run("send ring", "late\n");
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("closed"), "{}", refused.err);
    dir.must("reopen ring", "");
    assert_eq!((&dir.stat("ring")["closed"], &dir.stat("ring")["session"]), (&false.into(), &1.into()));
    dir.must("send ring", "two\n");
    dir.must("close ring", "");
    assert_eq!(dir.must("recv ring --follow", ""), b"one\ntwo\n");
}

#[test]
fn a_sender_that_waits_learns_that_the_ring_was_removed() {
    let dir = Dir::new();
    dir.must("create ring --kind spsc --bytes 4KiB", "");
    let mut sender = dir.start("send ring");
    sender.write(&b"0123456789\n".repeat(1000));
    dir.wait_for_stat("ring", "the ring is nearly full", |stat| stat["used_bytes"].as_u64() > Some(4000));
    dir.must("remove ring", "");
    let ended = sender.finish();
    assert_eq!(ended.status, 4);
    assert!(ended.err.contains("removed"), "{}", ended.err);
}

#[test]
fn what_was_sent_to_nobody_in_a_removed_ring_is_no_success() {
    let dir = Dir::new();
    let mut sender = dir.start("send ring");
    sender.write(b"one\n");
    dir.wait_for_stat("ring", "the message is there", |stat| stat["messages"] == 1);
    dir.must("remove ring", "");
    let ended = sender.finish();
    assert_eq!(ended.status, 4);
    assert!(ended.err.contains("lost"), "{}", ended.err);
}

#[test]
fn a_signal_ends_a_receiver_at_once_and_loses_nothing() {
    let dir = Dir::new();
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let receiver = dir.start("recv ring --follow");
        dir.must("send ring", "one\n");
        receiver.wait_for_output(b"one\n");
        dir.wait_for_stat("ring", "the message has left the ring", |stat| stat["messages"] == 0);
        receiver.signal(signal);
        assert_eq!(receiver.finish().status, 128 + number);
        dir.must("send ring", "two\n");
        assert_eq!(dir.must("recv ring", ""), b"two\n");
    }
}

#[test]
fn a_closed_output_ends_quietly_and_takes_nothing_from_the_ring() {
    let dir = Dir::new();
    dir.must("send ring", "one\ntwo\n");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = Running::start(dir.command(["recv", "ring"]).stdout(writer)).finish();
    assert_eq!((ended.status, ended.err.as_str()), (141, ""));
    assert_eq!(dir.must("recv ring", ""), b"one\ntwo\n");
}

#[test]
fn what_a_closed_output_did_not_take_stays_in_the_ring() {
    // Lines that are gathered, and messages that are long enough to be written alone.
    for (line, send) in [(1000, "send ring"), (20_000, "send ring"), (1000, "send ring --chunk 30000")] {
        let dir = Dir::new();
        let all: Vec<u8> = (0..400_000 / line)
            .flat_map(|n| format!("{n:05}{}\n", "x".repeat(line - 6)).into_bytes())
            .collect();
        dir.must(send, &all);
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let receiver = Running::start(dir.command(["recv", "ring"]).stdout(writer));
        let mut taken = vec![0; 100_000];
        reader.read_exact(&mut taken).expect("enough");
        drop(reader);
        let ended = receiver.finish();
        assert_eq!((ended.status, ended.err.as_str()), (141, ""));

        let rest = dir.must("recv ring", "");
        assert!(all.ends_with(&rest), "the rest is whole messages, in order");
        let written = all.len() - rest.len();
        let message = if send.contains("chunk") { 30_000 } else { line };
        assert!(written + message > taken.len(), "{written}: what was read does not come again");
        // Beyond what was read, only the pipe can have held anything.
        assert!(written <= taken.len() + pipe_size(), "{written}: nothing else is lost");
    }
}

/// The most that a pipe holds, in bytes.
fn pipe_size() -> usize {
    1 << 20
}

#[test]
fn an_output_that_takes_nothing_is_an_error_and_loses_nothing() {
    let dir = Dir::new();
    dir.must("send ring", "one\ntwo\n");
    let full: OwnedFd = File::options().write(true).open("/dev/full").expect("/dev/full").into();
    let ended = Running::start(dir.command(["recv", "ring"]).stdout(full)).finish();
    assert_eq!(ended.status, 1);
    assert!(ended.err.contains("standard output"), "{}", ended.err);
    assert_eq!(dir.must("recv ring", ""), b"one\ntwo\n");
}

#[test]
fn a_timeout_ends_a_receiver_that_nothing_comes_for() {
    let dir = Dir::new();
    let mut sender = dir.start("send ring");
    sender.write(b"one\n");
    dir.wait_for_stat("ring", "the message is there", |stat| stat["messages"] == 1);
    for wait in ["spin", "spin-then-park", "park"] {
        let ended = dir.run(&format!("recv ring --timeout 20 --wait {wait}"), "");
        assert_eq!(ended.status, 5, "{wait}: {}", ended.err);
        assert!(ended.err.contains("--timeout"), "{}", ended.err);
    }
    assert_eq!(dir.run("recv ring --timeout 20 --idle-exit 10", "").status, 0);
    assert_eq!(sender.finish().status, 0);
}

#[test]
fn a_timeout_ends_a_sender_that_finds_no_room() {
    let dir = Dir::new();
    dir.must("create ring --kind spsc --bytes 4096", "");
    let line = [b'x'; 1000];
    let lines = [&line[..], b"\n"].concat().repeat(10);
    let ended = dir.run("send ring --timeout 20", &lines);
    assert_eq!(ended.status, 5, "{}", ended.err);
    let ended = dir.run("send ring --timeout 20 --chunk 1000", &lines);
    assert_eq!(ended.status, 5, "{}", ended.err);
    let got = dir.must("recv ring --idle-exit 20 --follow", "");
    assert!(!got.is_empty() && lines.starts_with(&got), "{} bytes", got.len());
}

/// It sleeps: in a second it runs for some hundredths at most. And Ctrl-C ends it, without a message,
/// a close or anything else that would wake it.
#[test]
fn an_idle_receiver_costs_no_processor_time_and_ends_by_a_signal() {
    let dir = Dir::new();
    let ways = ["spsc", "mpmc"].iter().flat_map(|kind| ["spin-then-park", "park"].map(|wait| (kind, wait)));
    let idle: Vec<_> = ways
        .map(|(kind, wait)| {
            let ring = format!("{kind}-{wait}");
            let size = if *kind == "spsc" { "--bytes 4096" } else { "--messages 8" };
            dir.must(&format!("create {ring} --kind {kind} {size}"), "");
            let receiver = dir.start(&format!("recv {ring} --follow --wait {wait}"));
            dir.must(&format!("send {ring}"), "one\n");
            receiver.wait_for_output(b"one\n");
            (ring, receiver)
        })
        .collect();
    sleep_and_end_by_a_signal(idle);
}

/// It sleeps as well.
#[test]
fn a_sender_that_finds_no_room_costs_no_processor_time_and_ends_by_a_signal() {
    let dir = Dir::new();
    dir.must("create ring --kind spsc --bytes 4096", "");
    let mut sender = dir.start("send ring");
    sender.write(&b"0123456789\n".repeat(1000));
    dir.wait_for_stat("ring", "the ring is nearly full", |stat| stat["used_bytes"].as_u64() > Some(4000));
    sleep_and_end_by_a_signal(vec![("ring".into(), sender)]);
}

/// Of commands that wait at these rings, each does.
fn sleep_and_end_by_a_signal(waiting: Vec<(String, Running)>) {
    let before: Vec<_> = waiting.iter().map(|(_, command)| ticks(command.id())).collect();
    std::thread::sleep(std::time::Duration::from_secs(1));
    for ((ring, command), before) in waiting.into_iter().zip(before) {
        let used = ticks(command.id()) - before;
        assert!(used <= 5, "{ring}: {used} hundredths of a second");
        command.signal("INT");
        assert_eq!(command.finish().status, 128 + 2, "{ring}");
    }
}

/// What a process has used of processors, in hundredths of a second.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("its name").split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}
