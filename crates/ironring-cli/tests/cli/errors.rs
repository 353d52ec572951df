//! What is refused, and how that is said.

use std::os::unix::fs::PermissionsExt;

use super::start::Dir;

/// Runs `args`, which must fail with status 1, and whose message must have every part.
fn refused(dir: &Dir, args: &str, input: &str, parts: &[&str]) {
    let ended = dir.run(args, input);
    assert_eq!(ended.status, 1, "{args}: {}", ended.err);
    for part in parts {
        assert!(ended.err.contains(part), "{args}: no {part:?} in {:?}", ended.err);
    }
}

#[test]
fn a_line_that_is_too_long_is_named_and_what_came_before_is_sent() {
    let dir = Dir::new();
    dir.must("create ring --kind spsc --bytes 1KiB", "");
    let input = format!("one\n{}\ntwo\n", "x".repeat(600));
    refused(&dir, "send ring", &input, &["line 2 ", "601 bytes", "up to 504", "--chunk", "--max-message"]);
    assert_eq!(dir.must("recv ring", ""), b"one\n");

    // The longest that is possible, and one more, at the end of the input.
    let longest = "y".repeat(504);
    dir.must("send ring", &longest);
    assert_eq!(dir.must("recv ring", ""), longest.as_bytes());
    refused(&dir, "send ring", &format!("{longest}y"), &["line 1 ", "505 bytes"]);
    assert_eq!(dir.must("recv ring", ""), b"");
}

#[test]
fn a_line_without_end_is_refused_before_it_ends() {
    let dir = Dir::new();
    dir.must("create ring --kind spsc --bytes 1KiB", "");
    let mut sender = dir.start("send ring");
    sender.write(&[b'x'; 505]);
    sender.wait_for_error("line 1 has at least 505 bytes");
    assert_eq!(sender.finish().status, 1);
}

#[test]
fn a_chunk_that_fits_no_message_is_refused() {
    let dir = Dir::new();
    dir.must("create ring --kind spsc --bytes 1KiB", "");
    refused(&dir, "send ring --chunk 505", "x", &["505", "504", "--max-message"]);
    refused(&dir, "send ring --chunk 0", "x", &["1 to 504"]);
    assert_eq!(dir.stat("ring")["messages"], 0);
}

#[test]
fn a_second_sender_or_receiver_is_told_who_is_there() {
    let dir = Dir::new();
    let sender = dir.start("send ring");
    let receiver = dir.start("recv ring");
    dir.wait_for_stat("ring", "both are there", |stat| {
        stat["sender"]["state"] == "attached" && stat["receiver"]["state"] == "attached"
    });
    refused(&dir, "send ring", "x", &["producer", &format!("process {}", sender.id())]);
    refused(&dir, "recv ring", "", &["consumer", &format!("process {}", receiver.id())]);
    assert_eq!(sender.finish().status, 0);
    assert_eq!(receiver.finish().status, 0);
}

#[test]
fn a_file_that_is_no_ring_is_left_alone() {
    let dir = Dir::new();
    let text = "a text file, longer than a header\n".repeat(200);
    for text in [text.as_str(), "short\n", ""] {
        std::fs::write(dir.path("notes"), text).expect("a file");
        for command in ["send", "recv", "stat", "peek", "dump"] {
            refused(&dir, &format!("{command} notes"), "x\n", &["notes: not usable as a ring"]);
        }
        refused(&dir, "remove notes", "", &["notes: not usable as a ring"]);
        refused(&dir, "create notes --kind spsc --bytes 4KiB", "", &["notes"]);
        assert_eq!(std::fs::read_to_string(dir.path("notes")).expect("the file"), text);
    }
}

#[test]
fn a_ring_of_other_messages_is_refused_with_both_types() {
    let dir = Dir::new();
    let options = ironring::Options::messages(4);
    ironring::spsc::Ring::<[u64; 3]>::create(dir.path("typed"), &options).expect("a ring");
    for command in ["send", "recv"] {
        refused(&dir, &format!("{command} typed"), "x\n", &["24 bytes", "bytes of any length"]);
    }
}

#[test]
fn what_is_not_there_is_said_so() {
    let dir = Dir::new();
    for command in ["stat", "peek", "dump", "remove"] {
        refused(&dir, &format!("{command} ring"), "", &["no ring at", "ring"]);
    }
    dir.must("create ring --kind spsc --bytes 4KiB", "");
    refused(&dir, "create ring --kind spsc --bytes 4KiB", "", &["exists already"]);
    refused(&dir, "remove ring nothing .. ring", "", &["nothing", "..", "3 of 4"]);
    assert!(!dir.path("ring").exists());
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let dir = Dir::new();
    let open = dir.path("open");
    std::fs::create_dir(&open).expect("a directory");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("its mode set");
    for args in [["send", "ring"], ["recv", "ring"]] {
        let output = dir.command(args).env("IRONRING_DIR", &open).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("not safe"));
    }
}

#[test]
fn wrong_arguments_have_their_own_status() {
    let dir = Dir::new();
    for args in [
        "",
        "send",
        "remove",
        "nonsense ring",
        "create ring --kind spsc",
        "create ring --bytes 4KiB",
        "create ring --kind spsc --bytes 4KiB --messages 3",
        "create ring --kind other --bytes 4KiB",
        "create ring --kind spsc --bytes many",
        "create ring --kind spsc --bytes 4KiB --mode 999",
        "recv ring --count -1",
    ] {
        let ended = dir.run(args, "");
        assert_eq!(ended.status, 2, "{args}: {}", ended.err);
        assert!(ended.err.contains("--help"), "{args}: {}", ended.err);
    }
    assert!(!dir.path("ring").exists());
}

#[test]
fn help_tells_the_statuses() {
    let dir = Dir::new();
    let help = String::from_utf8(dir.must("--help", "")).expect("text");
    for line in ["0  done", "3  recv: a sender was killed", "4  send, recv: the ring was removed", "141  "] {
        assert!(help.contains(line), "{help}");
    }
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    let send = words(String::from_utf8(dir.must("send --help", "")).expect("text"));
    // What it says of the ring that it makes is so.
    dir.must("send ring", "");
    let ring = dir.stat("ring");
    let kib = ring["capacity"].as_u64().expect("a number") / 1024;
    assert!(send.contains(&format!("made: {kib} KiB")), "{send}");
    let longest = ring["max_message"].to_string();
    let (thousands, rest) = longest.split_at(longest.len() - 3);
    assert!(send.contains(&format!("up to {thousands},{rest} bytes")), "{send}");
}
