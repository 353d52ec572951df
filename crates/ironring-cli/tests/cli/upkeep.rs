//! Checking, repairing, and messages that were set aside.

use std::{fs::File, os::unix::fs::FileExt, process::Stdio};

use super::start::Dir;

/// Where the entries of a ring lie, after docs/LAYOUT.md.
fn entries_offset(participants: u64, holding: u64) -> u64 {
    let record = (168 + 16 * (holding + 1)).next_multiple_of(128);
    (4096 + participants * record).next_multiple_of(4096)
}

fn fsck(dir: &Dir, args: &str) -> (i32, serde_json::Value) {
    let ended = dir.run(&format!("fsck --json {args}"), "");
    (ended.status, serde_json::from_slice(&ended.out).expect("JSON"))
}

#[test]
fn a_ring_with_a_slot_in_two_places_is_found_and_mended() {
    let dir = Dir::new();
    dir.must("create jobs --kind mpmc --messages 8 --participants 2 --holding 1", "");
    dir.must("send jobs", "one\n");
    assert_eq!(dir.must("fsck jobs", ""), b"whole\n");
    assert_eq!(fsck(&dir, "jobs").1["whole"], true);

    let file = File::options().read(true).write(true).open(dir.path("jobs")).expect("the ring's file");
    // Entry 5 is free, in its first turn, and now names the slot of entry 6.
    let at = entries_offset(2, 1) + 8 * 5;
    file.write_all_at(&6_u64.to_le_bytes(), at).expect("written");
    let (status, found) = fsck(&dir, "jobs");
    assert_eq!((status, &found["whole"]), (1, &false.into()), "{found}");
    let ended = dir.run("fsck jobs", "");
    assert_eq!(ended.status, 1);
    assert!(ended.err.contains("not whole") && ended.err.contains("--repair"), "{}", ended.err);
    let findings = found["findings"].as_array().expect("findings");
    assert!(
        findings.iter().any(|finding| finding["at"] == "entry 6" || finding["at"] == "slot 6"),
        "{found}"
    );

    // Not while it is in use.
    let user = dir.start("recv jobs --follow");
    user.wait_for_output(b"one\n");
    assert_eq!(dir.run("fsck --repair jobs", "").status, 1);
    user.signal("INT");
    user.finish();
    let (status, found) = fsck(&dir, "--repair jobs");
    assert_eq!((status, &found["whole"]), (0, &true.into()), "{found}");
    assert!(!found["repaired"].as_array().expect("what was done").is_empty());
    assert_eq!(fsck(&dir, "jobs").0, 0);
    dir.must("send jobs", "two\n");
    assert_eq!(dir.must("recv jobs", ""), b"two\n");
}

#[test]
fn an_spsc_ring_is_checked_too() {
    let dir = Dir::new();
    dir.must("send ring", "one\n");
    assert_eq!(dir.must("fsck ring", ""), b"whole\n");
    let file = File::options().write(true).open(dir.path("ring")).expect("the ring's file");
    // The first frame's header.
    file.write_all_at(&u64::MAX.to_le_bytes(), 4096).expect("written");
    let (status, found) = fsck(&dir, "ring");
    assert_eq!((status, &found["kind"]), (1, &"spsc".into()), "{found}");
}

#[test]
fn messages_that_were_delivered_too_often_are_listed_and_taken() {
    let dir = Dir::new();
    dir.must("create jobs --kind mpmc --messages 8 --max-deliveries 1", "");
    let mut closed = dir.command(["recv", "jobs"]).stdout(Stdio::piped()).spawn().expect("it starts");
    drop(closed.stdout.take());
    dir.must("send jobs", "poison\n");
    assert!(!closed.wait().expect("it ends").success());
    dir.must("recover jobs", "");

    assert_eq!(dir.must("aside jobs", ""), b"position 0: messages 1, bytes 7, deliveries 1\n");
    assert_eq!(dir.stat("jobs")["set_aside"][0]["lengths"][0], 7);
    assert_eq!(dir.must("aside jobs --take 0", ""), b"poison\n");
    assert_eq!(dir.must("aside jobs", ""), b"");
    let again = dir.run("aside jobs --take 0", "");
    assert_eq!(again.status, 1);
    assert!(again.err.contains("nothing is set aside at position 0"), "{}", again.err);
}

#[test]
fn what_a_kind_cannot_do_is_refused() {
    let dir = Dir::new();
    let refused = |args: &str, parts: &[&str]| {
        let ended = dir.run(args, "line\n");
        assert_eq!(ended.status, 1, "{args}");
        for part in parts {
            assert!(ended.err.contains(part), "{args}: no {part:?} in {:?}", ended.err);
        }
    };
    for option in ["--participants 3", "--holding 2", "--batch 8", "--max-deliveries 2"] {
        let name = option.split(' ').next().expect("a word");
        refused(&format!("create ring --kind spsc --bytes 4096 {option}"), &[name, "--kind mpmc"]);
    }
    assert!(!dir.path("ring").exists());
    dir.must("create ring --kind spsc --bytes 4096", "");
    refused("send ring --force", &["--force", "--kind mpmc"]);
    assert_eq!(dir.stat("ring")["messages"], 0);
    refused("recover ring", &["spsc", "mpmc"]);
    refused("create jobs --kind mpmc --messages 4 --participants 0", &["participants", "1 to 1024"]);
    refused("create jobs --kind mpmc --messages 4 --holding 64", &["holding", "1 to 63"]);
}
