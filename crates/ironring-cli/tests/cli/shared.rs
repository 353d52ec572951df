//! Rings that are no files of this user's: served, inherited, in System V segments, from before a
//! restart.

use std::{
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    process::Stdio,
};

use ironring::{Options, spsc::Ring};

use super::start::{Dir, wait_until};

#[test]
fn a_served_ring_is_sent_to_and_received_from() {
    let dir = Dir::new();
    dir.must("create ring --kind spsc --bytes 4096", "");
    let socket = dir.path("socket");
    let server = dir.start(&format!("serve ring {} --count 3", socket.display()));
    wait_until("the socket is there", || socket.exists().then_some(()));
    let name = format!("unix:{}", socket.display());
    dir.must(&format!("send {name}"), "one\ntwo\n");
    assert_eq!(dir.stat(&name)["messages"], 2);
    assert_eq!(dir.must(&format!("recv {name}"), ""), b"one\ntwo\n");
    let ended = server.finish();
    assert_eq!((ended.status, ended.err.as_str()), (0, ""));
    assert!(!socket.exists(), "it is removed");
    let refused = dir.run(&format!("stat {name}"), "");
    assert!(refused.status == 1 && refused.err.contains("connecting to"), "{}", refused.err);
}

#[test]
fn an_inherited_ring_is_named_by_its_descriptor() {
    let dir = Dir::new();
    let ring = Ring::<[u8]>::anonymous(&Options::bytes(4096)).expect("a ring");
    ring.producer().expect("one").send(b"inherited\n").expect("sent");
    let mut command = dir.command([] as [&str; 0]);
    ring.pass_to(&mut command, "RING").expect("passed");
    let number = command.get_envs().find(|(name, _)| *name == "RING").and_then(|(_, number)| number);
    let name = format!("fd:{}", number.expect("a number").to_str().expect("digits"));
    let output = command.args(["recv", &name]).stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), b"inherited\n".as_slice()),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let file = std::fs::File::open("/dev/null").expect("it");
    let not_passed = dir.run(&format!("recv fd:{}", file.as_raw_fd() + 500), "");
    assert!(not_passed.status == 1 && not_passed.err.contains("inherited"), "{}", not_passed.err);
}

#[test]
fn a_segment_is_used_by_its_key() {
    let dir = Dir::new();
    let name = format!("sysv:{:#x}", 0x1207_0000 | std::process::id() & 0xffff);
    dir.must(&format!("create {name} --kind mpmc --messages 8"), "");
    dir.must(&format!("send {name}"), "one\ntwo\n");
    assert_eq!(dir.stat(&name)["messages"], 2);
    assert_eq!(dir.must(&format!("fsck {name}"), ""), b"whole\n");
    assert_eq!(dir.must(&format!("recv {name}"), ""), b"one\ntwo\n");
    dir.must(&format!("remove {name}"), "");
    assert!(dir.run(&format!("stat {name}"), "").err.contains("no ring at sysv:"));
    let wrong = dir.run("create sysv:key --kind spsc --bytes 64", "");
    assert!(wrong.status == 1 && wrong.err.contains("sysv:0x1234"), "{}", wrong.err);
}

#[test]
fn only_rings_of_another_boot_are_salvaged() {
    let dir = Dir::new();
    dir.must("send ring", "one\n");
    let ended = dir.run("salvage ring", "");
    assert!(ended.status == 1 && ended.err.contains("nothing to salvage"), "{}", ended.err);
    let file = std::fs::File::options().write(true).open(dir.path("ring")).expect("it");
    // As if the machine had been restarted, but for the checksum: that of this boot is there, as where a
    // salvage was interrupted.
    std::os::unix::fs::FileExt::write_all_at(&file, &[7; 16], 112).expect("written");
    let ended = dir.run("recv ring", "");
    assert!(ended.status == 1 && ended.err.contains("the machine was restarted since"), "{}", ended.err);
    dir.must("salvage ring", "");
    assert_eq!(dir.must("recv ring", ""), b"one\n");
}

/// All commands that open a ring, or try, but for the one that removes it; with their input.
const OPENING: [(&str, &str); 11] = [
    ("send", "one\n"),
    ("stat", ""),
    ("peek", ""),
    ("dump", ""),
    ("recover", ""),
    ("aside", ""),
    ("fsck", ""),
    ("fsck --repair", ""),
    ("recv --idle-exit 10", ""),
    ("close", ""),
    ("reopen", ""),
];

#[test]
fn a_ring_of_another_user_is_to_be_asked_for() {
    let dir = Dir::new();
    dir.must("create ring --kind mpmc --messages 4", "");
    if std::os::unix::fs::chown(dir.path("ring"), Some(12_345), None).is_err() {
        println!("SKIPPED: a ring of another user's, which needs root");
        return;
    }
    for (command, input) in OPENING {
        for asked in ["", "--owner 23456", "--any-directory"] {
            let refused = dir.run(&format!("{command} ring {asked}"), input);
            assert_eq!(refused.status, 1, "{command} {asked}: {}", refused.err);
            assert!(refused.err.contains("belongs to user 12345") && refused.err.contains("--owner 12345"));
        }
        for asked in ["--owner 12345", "--owner any"] {
            dir.must(&format!("{command} {asked} ring"), input);
        }
    }
    for (asked, status) in [("", "--owner 12345"), ("--owner any", "mpmc")] {
        let list = String::from_utf8(dir.must(&format!("list {asked}"), "")).expect("text");
        assert!(list.contains(status), "{list}");
    }
    let salvaged = dir.run("salvage ring --owner 12345", "");
    assert!(salvaged.err.contains("nothing to salvage"), "{}", salvaged.err);
    for command in ["salvage", "remove"] {
        assert!(dir.run(&format!("{command} ring"), "").err.contains("belongs to user 12345"));
    }
    dir.must("remove ring --owner any", "");
    for wrong in ["", "root", "-1"] {
        let refused = dir.run(&format!("stat ring --owner={wrong}"), "");
        assert!(refused.status == 2 && refused.err.contains("a user's number"), "{}", refused.err);
    }
}

#[test]
fn a_ring_where_others_can_rename_is_to_be_asked_for() {
    let dir = Dir::new();
    let open = dir.path("open");
    std::fs::create_dir(&open).expect("a directory");
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).expect("the owner may");
    let ring = open.join("ring").display().to_string();
    let is_refused = |args: &str| {
        let refused = dir.run(args, "one\n");
        let is_told = ["its mode is 777", "--any-directory"].iter().all(|part| refused.err.contains(part));
        assert!(refused.status == 1 && is_told, "{args}: {}", refused.err);
    };
    for create in ["create --kind mpmc --messages 4", "send", "recv"] {
        is_refused(&format!("{create} {ring}"));
        is_refused(&format!("{create} {ring} --owner any"));
    }
    dir.must(&format!("create --kind mpmc --messages 4 {ring} --any-directory"), "");
    for (command, input) in OPENING {
        is_refused(&format!("{command} {ring}"));
        dir.must(&format!("{command} {ring} --any-directory"), input);
    }
    is_refused(&format!("remove {ring}"));
    dir.must(&format!("remove {ring} --any-directory"), "");
}

#[test]
fn rings_with_checksums_are_opened_after_a_restart_if_all_is_as_it_was_sent() {
    let dir = Dir::new();
    let as_if_restarted = || {
        let file = std::fs::File::options().read(true).write(true).open(dir.path("kept")).expect("it");
        std::os::unix::fs::FileExt::write_all_at(&file, &[7; 16], 112).expect("written");
        file
    };
    dir.must("create kept --kind mpmc --messages 8 --checksums", "");
    assert!(String::from_utf8_lossy(&dir.must("stat kept", "")).contains("checksums    yes"));
    dir.must("send kept", "one\ntwo\n");
    as_if_restarted();
    assert_eq!(dir.must("recv kept --count 1", ""), b"one\n");
    dir.must("send kept", "last\n");
    let file = as_if_restarted();
    let all = std::fs::read(dir.path("kept")).expect("it");
    let at = all.windows(4).position(|window| window == b"last").expect("the message");
    std::os::unix::fs::FileExt::write_all_at(&file, b"Last", at as u64).expect("written");
    let ended = dir.run("recv kept", "");
    assert!(ended.status == 1 && ended.err.contains("message checksum"), "{}", ended.err);
    let ended = dir.run("salvage kept", "");
    assert!(ended.status == 1 && ended.err.contains("message checksum"), "{}", ended.err);
}
