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
