//! Making rings, and looking at them.

use std::{os::unix::fs::FileExt, os::unix::fs::PermissionsExt};

use ironring::{Options, spsc::Ring};

use super::start::Dir;

#[test]
fn a_ring_is_made_as_it_was_asked_for() {
    let dir = Dir::new();
    dir.must(
        "create bytes --kind spsc --bytes 100KiB --max-message 1000 --mode 640 --delivery at-most-once",
        "",
    );
    let stat = dir.stat("bytes");
    assert_eq!((&stat["capacity"], &stat["max_message"]), (&(128 << 10).into(), &1000.into()));
    assert_eq!(stat["delivery"], "at-most-once");
    let mode = std::fs::metadata(dir.path("bytes")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    dir.must("create messages --kind spsc --messages 10 --max-message 100", "");
    let stat = dir.stat("messages");
    assert_eq!(stat["delivery"], "at-least-once");
    assert_eq!(std::fs::metadata(dir.path("messages")).expect("it").permissions().mode() & 0o777, 0o600);
    dir.must("send messages", format!("{}\n", "x".repeat(99)).repeat(10));
    assert_eq!(dir.stat("messages")["messages"], 10);
}

#[test]
fn stat_tells_who_is_there_and_what_is_used() {
    let dir = Dir::new();
    let mut sender = dir.start("send ring");
    sender.write(b"one\ntwo\n");
    dir.wait_for_stat("ring", "the messages are there", |stat| stat["messages"] == 2);
    let stat = dir.stat("ring");
    assert_eq!(stat["kind"], "spsc");
    assert_eq!(stat["path"], dir.path("ring").to_str().expect("plain letters"));
    assert_eq!((&stat["used_bytes"], &stat["tail"], &stat["head"]), (&32.into(), &32.into(), &0.into()));
    assert_eq!((&stat["sender"]["state"], &stat["sender"]["pid"]), (&"attached".into(), &sender.id().into()));
    assert_eq!(stat["receiver"]["state"], "never");
    assert_eq!(stat["retired"], false);
    let text = String::from_utf8(dir.must("stat ring", "")).expect("text");
    assert!(text.contains("2 messages") && text.contains(&format!("process {}", sender.id())), "{text}");

    sender.finish();
    assert_eq!(dir.stat("ring")["sender"]["state"], "detached");
    let killed = dir.start("send ring");
    dir.wait_for_stat("ring", "the sender is there", |stat| stat["sender"]["state"] == "attached");
    killed.signal("KILL");
    killed.finish();
    assert_eq!(dir.stat("ring")["sender"]["state"], "died");
}

#[test]
fn looking_changes_nothing() {
    let dir = Dir::new();
    dir.must("send ring", "one\ntwo\nthree\n");
    let before = std::fs::read(dir.path("ring")).expect("the file");
    assert_eq!(dir.must("peek ring", ""), b"one\ntwo\nthree\n");
    assert_eq!(dir.must("peek ring --count 2", ""), b"one\ntwo\n");
    let dump = String::from_utf8(dir.must("dump ring", "")).expect("text");
    for part in ["message at 16: 4 bytes", "74 77 6f 0a", "|two.|", "spsc"] {
        assert!(dump.contains(part), "{part}: {dump}");
    }
    dir.must("stat ring", "");
    dir.must("list", "");
    assert!(std::fs::read(dir.path("ring")).expect("the file") == before);
    assert_eq!(dir.must("recv ring", ""), b"one\ntwo\nthree\n");
    assert_eq!(dir.must("peek ring", ""), b"");
}

#[test]
fn looking_needs_no_right_to_write() {
    let dir = Dir::new();
    dir.must("send ring", "one\n");
    std::fs::set_permissions(dir.path("ring"), std::fs::Permissions::from_mode(0o400)).expect("set");
    assert_eq!(dir.must("peek ring", ""), b"one\n");
    assert_eq!(dir.stat("ring")["messages"], 1);
}

#[test]
fn typed_rings_are_shown_too() {
    let dir = Dir::new();
    let ring = Ring::<u32>::create(dir.path("typed"), &Options::messages(4)).expect("a ring");
    ring.producer().expect("one").send_batch(&[1, u32::from_le_bytes(*b"two\n")]).1.expect("room");
    assert_eq!(dir.must("peek typed", ""), b"\x01\0\0\0two\n");
    let stat = dir.stat("typed");
    assert_eq!(
        (&stat["message_size"], &stat["messages"], &stat["capacity"]),
        (&4.into(), &2.into(), &4.into())
    );
    assert!(String::from_utf8_lossy(&dir.must("dump typed", "")).contains("|two.|"));
}

#[test]
fn messages_that_a_receiver_holds_are_marked() {
    let dir = Dir::new();
    let ring = Ring::<[u8]>::create(dir.path("ring"), &Options::bytes(4096)).expect("a ring");
    ring.producer().expect("one").send_batch(["held", "waits"]).1.expect("room");
    let mut consumer = ring.consumer().expect("one");
    let held = consumer.try_recv().expect("a message");
    let dump = String::from_utf8(dir.must("dump ring", "")).expect("text");
    assert!(dump.contains("message at 0: 4 bytes, tag 0, received"), "{dump}");
    assert!(dump.contains("message at 16: 5 bytes, tag 0\n"), "{dump}");
    drop(held);
}

#[test]
fn list_shows_rings_and_why_others_are_none() {
    let dir = Dir::new();
    assert_eq!(dir.must("list", "").iter().filter(|byte| **byte == b'\n').count(), 1);
    dir.must("send a-ring", "one\n");
    std::fs::write(dir.path("notes"), "not a ring").expect("a file");
    let list = String::from_utf8(dir.must("list", "")).expect("text");
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert!(lines[0].starts_with("NAME"), "{list}");
    for part in ["a-ring", "spsc", "1 message,", "detached", "never"] {
        assert!(lines[1].contains(part), "{part}: {list}");
    }
    assert!(lines[2].starts_with("notes") && lines[2].contains("the file's length is 10"), "{list}");
}

#[test]
fn a_corrupt_ring_is_named_so_by_all_who_look() {
    let dir = Dir::new();
    dir.must("send ring", "one\ntwo\n");
    let file = std::fs::File::options().write(true).open(dir.path("ring")).expect("the file");
    file.write_all_at(&5_u64.to_ne_bytes(), 4096 + 16).expect("a spoilt second header");
    for command in ["stat", "peek", "dump", "recv"] {
        let ended = dir.run(&format!("{command} ring"), "");
        assert_eq!(ended.status, 1, "{command}: {}", ended.err);
        assert!(ended.err.contains("corrupt: frame header is 0x5"), "{command}: {}", ended.err);
        if matches!(command, "peek" | "recv") {
            assert_eq!(ended.out, b"one\n", "{command}: what is whole is shown");
        }
    }
    assert!(String::from_utf8_lossy(&dir.must("list", "")).contains("corrupt"));
    dir.must("remove ring", "");
}

#[test]
fn a_closed_output_ends_those_that_look_quietly_too() {
    let dir = Dir::new();
    dir.must("send ring", "one\n");
    for command in ["stat", "peek", "dump", "list"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let args = if command == "list" { vec![command] } else { vec![command, "ring"] };
        let output = dir.command(args).stdout(writer).output().expect("it runs");
        assert_eq!(
            (output.status.code(), output.stderr.as_slice()),
            (Some(141), b"".as_slice()),
            "{command}"
        );
    }
}

#[test]
fn memory_is_as_it_was_asked_for_and_shown() {
    let dir = Dir::new();
    dir.must("create plain --kind spsc --bytes 64KiB", "");
    let plain = dir.stat("plain");
    assert_eq!(
        (&plain["pages"], &plain["populate"], &plain["lock"]),
        (&"ordinary".into(), &false.into(), &false.into())
    );
    assert!(plain["node"].is_null() && plain["huge_page_bytes"].is_null(), "{plain}");

    let made =
        dir.run("create ring --kind mpmc --messages 64 --huge-pages prefer --populate --lock --node 0", "");
    if made.status == 1 && made.err.contains("node") {
        eprintln!("SKIPPED: {}", made.err);
        return;
    }
    assert_eq!(made.status, 0, "{}", made.err);
    assert!(
        made.err.contains("no huge pages are reserved for it"),
        "it says that it fell back: {}",
        made.err
    );
    let stat = dir.stat("ring");
    assert!(stat["pages"].as_str().is_some_and(|pages| pages.contains("huge ones")), "{stat}");
    assert_eq!((&stat["populate"], &stat["lock"], &stat["node"]), (&true.into(), &true.into(), &0.into()));
    let text = String::from_utf8(dir.must("stat ring", "")).expect("text");
    for line in ["populated    yes", "locked       yes", "node         0"] {
        assert!(text.contains(line), "{line}: {text}");
    }

    let refused = dir.run("create huge --kind spsc --bytes 64KiB --huge-pages require", "");
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("mount -t hugetlbfs"), "{}", refused.err);
    let refused = dir.run("create far --kind spsc --bytes 64KiB --node 1023", "");
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("/sys/devices/system/node"), "{}", refused.err);
}
