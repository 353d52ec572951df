//! `ironring bench`: what it writes, what it refuses, and how it ends.

use super::start::{Dir, wait_until};

#[test]
fn what_was_measured_is_shown_and_written() {
    let dir = Dir::new();
    let (json, html) = (dir.path("report.json"), dir.path("report.html"));
    let command = format!(
        "bench --quick --time 4 --transports pipe,ironring-spsc,sysv-mq --sizes 64,1MiB --json {} --html {}",
        json.display(),
        html.display()
    );
    let shown = String::from_utf8(dir.must(&command, "")).expect("text");
    for part in ["latency\nTRANSPORT", "throughput\nTRANSPORT", "ironring-spsc  spin", "1 MiB", "msgmax"] {
        assert!(shown.contains(part), "no {part:?} in:\n{shown}");
    }
    let text = std::fs::read_to_string(&json).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["schema"], 1);
    assert!(report["results"].as_array().is_some_and(|rows| rows.len() > 4), "{report}");
    assert!(std::fs::read_to_string(&html).expect("a page").contains("ironring-spsc"));
    // What is written can be read.
    dir.must(&format!("bench compare {} {}", json.display(), json.display()), "");
}

#[test]
fn choices_that_cannot_be_are_named_with_those_that_can() {
    let dir = Dir::new();
    for (args, parts) in [
        ("--transports pipes", ["pipes", "unix-seqpacket"]),
        ("--measures speed", ["speed", "throughput"]),
        ("--sizes 12", ["12", "multiple of 8"]),
        ("--sizes 1GiB", ["1GiB", "16MiB"]),
        ("--pin 0,0", ["0,0", "different"]),
        ("--pin 0", ["0", "such as 0,1"]),
    ] {
        let ended = dir.run(&format!("bench {args}"), "");
        assert_eq!(ended.status, 2, "{args}: {}", ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "{args}: no {part:?} in {:?}", ended.err);
        }
    }
    for (args, part) in [
        ("--pin 0,1023 --time 2", "--pin"),
        ("--time 2 --transports futex --sizes 64", "do not go together"),
        ("--time 2 --json /nowhere/report.json", "/nowhere/report.json"),
    ] {
        let ended = dir.run(&format!("bench {args}"), "");
        assert_eq!(ended.status, 1, "{args}: {}", ended.err);
        assert!(ended.err.contains(part), "{args}: no {part:?} in {:?}", ended.err);
    }
}

#[test]
fn an_interrupted_run_keeps_what_was_measured() {
    let dir = Dir::new();
    let json = dir.path("report.json");
    let running = dir.start(&format!("bench --transports pipe --measures latency --json {}", json.display()));
    // It is there from the beginning of the measurements on.
    wait_until("the file is there", || json.exists().then_some(()));
    running.signal("INT");
    let ended = running.finish();
    assert_eq!(ended.status, 130, "{}", ended.err);
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).expect("a report")).expect("JSON");
    assert_eq!(report["settings"]["interrupted"], true);
    assert!(report["results"].is_array(), "{report}");
}
