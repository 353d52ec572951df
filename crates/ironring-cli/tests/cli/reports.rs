//! `ironring bench`, of reports: what is read, and what is refused.

use std::{fs, path::Path};

use super::start::Dir;

/// Made by hand, to hold every field: nothing in it was measured.
const REPORT: &str = include_str!("../../../ironring-bench/tests/every-field.json");

fn write(dir: &Dir, name: &str, text: &str) -> String {
    let path = dir.path(name);
    fs::write(&path, text).expect("written");
    path.to_str().expect("a name").to_owned()
}

#[test]
fn two_reports_are_compared_and_what_differs_is_named() {
    let dir = Dir::new();
    let before = write(&dir, "before.json", REPORT);
    let after = write(
        &dir,
        "after.json",
        &REPORT.replace("\"transport\": \"crossbeam-arrayqueue\"", "\"transport\": \"rtrb\""),
    );
    let text = String::from_utf8(dir.must(&format!("bench compare {before} {after}"), "")).expect("text");
    for part in [
        "latency ironring-spsc 48 B spin, siblings",
        "60.7 ns",
        "too few",
        "faster   all of these: the 95 percent interval",
        "only before:\n    throughput crossbeam-arrayqueue 64 B 2P2C spin typed in place threads, same-socket",
        "only after:\n    throughput rtrb 64 B 2P2C",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn files_that_are_no_report_are_named_with_what_to_do() {
    let dir = Dir::new();
    let good = write(&dir, "good.json", REPORT);
    let newer = write(&dir, "newer.json", &REPORT.replacen("\"schema\": 1", "\"schema\": 9", 1));
    let torn = write(&dir, "torn.json", &REPORT[..REPORT.len() / 2]);
    let missing = dir.path("missing.json");
    for (file, parts) in [
        (Path::new(&newer), ["found schema 9, expected schema 1", "measure again"]),
        (Path::new(&torn), ["not a report of `ironring bench`", "measure again"]),
        (&missing, ["No such file", "missing.json"]),
    ] {
        let ended = dir.run(&format!("bench compare {good} {}", file.display()), "");
        assert_eq!(ended.status, 1, "{}", ended.err);
        for part in parts.into_iter().chain([file.to_str().expect("a name")]) {
            assert!(ended.err.contains(part), "no {part:?} in {:?}", ended.err);
        }
    }
}

#[test]
fn a_page_is_made_of_a_report_and_replaces_one_that_is_there() {
    let dir = Dir::new();
    let report = write(&dir, "report.json", REPORT);
    let page = write(&dir, "page.html", "an older page");
    dir.must(&format!("bench html {report} {page}"), "");
    let text = fs::read_to_string(&page).expect("a page");
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>"), "{text}");
    let ended = dir.run(&format!("bench html {report} {}", dir.path("no/page.html").display()), "");
    assert_eq!(ended.status, 1);
    assert!(ended.err.contains("no/page.html: No such file"), "{}", ended.err);
}
