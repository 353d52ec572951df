//! The page of a report: what is on it. How it looks in a browser, `scripts/check page` tells.

use ironring_bench::report::{Report, page};

/// Made by hand, to hold every field: nothing in it was measured.
const EVERY_FIELD: &str = include_str!("every-field.json");

fn report() -> Report {
    Report::from_json(EVERY_FIELD).expect("a report")
}

/// The part of the page from one heading to the next.
fn section(page: &str, id: &str) -> String {
    let start = page.find(&format!("<section id=\"{id}\">")).unwrap_or_else(|| panic!("no section {id}"));
    let end = page[start..].find("</section>").expect("an end");
    page[start..start + end].to_owned()
}

#[test]
fn each_section_shows_its_plots_and_numbers() {
    let page = page(&report());
    for (id, plots, parts) in [
        ("pipe", &[][..], &["ironring-spsc, spin", "50.00", "throughput, 64 B"][..]),
        ("latency", &["percentiles"], &["60.7 ns", "ironring-spsc, spin", "200000", "and 1 that moved"]),
        ("load", &["load"], &["1.00 M/s", "ironring-mpmc, park"]),
        (
            "throughput",
            &["throughput", "crowd"],
            &["24.0 M/s", "2, 2", "crossbeam-arrayqueue, spin typed in place threads"],
        ),
        ("kills", &["kills"], &["peer killed, every 100 ms", "750 µs", "broken pipe"]),
        ("left-out", &[], &["posix-mq", "skipped", "messages of at most 8192 bytes are allowed here"]),
        ("transports", &[], &["ironring-spsc", "a ring of 64 KiB"]),
    ] {
        let section = section(&page, id);
        for plot in plots {
            assert!(section.contains(&format!("<figure data-plot=\"{plot}\">")), "{id} has no plot {plot}");
        }
        for part in parts {
            assert!(section.contains(part), "{id} does not say {part:?}: {section}");
        }
    }
}

#[test]
fn the_machine_and_every_setting_are_told() {
    let json: serde_json::Value = serde_json::from_str(EVERY_FIELD).expect("JSON");
    let section = section(&page(&report()), "machine");
    let machine = ["cpu", "kernel", "system", "governor", "huge_pages", "hypervisor", "rustc", "ironring"];
    let texts = machine.map(|field| json["machine"][field].as_str().expect("a text"));
    let settings = [
        "2026-11-26T11:20:00Z",
        "0, 1",
        "48 B, 64 B",
        "hand: nothing here was measured",
        "seed of the order",
    ];
    for part in texts.into_iter().chain(settings) {
        assert!(section.contains(part), "no {part:?}");
    }
}

#[test]
fn what_a_report_lacks_is_said() {
    let mut empty = report();
    empty.results.clear();
    empty.left_out.clear();
    empty.transports.clear();
    let page = page(&empty);
    for id in ["latency", "load", "throughput", "kills"] {
        assert!(section(&page, id).contains("Not measured in this run."), "{id}");
    }
    assert!(section(&page, "left-out").contains("Nothing was."));
    assert!(!page.contains("<figure"));
}

#[test]
fn texts_of_a_report_are_never_markup() {
    let hostile = "<script>alert(1)</script><img src=x onerror='alert(2)'>\\\"><svg onload=alert(3)>";
    let replaced = [
        "ironring-spsc",
        "A processor made up for tests",
        "broken pipe",
        "a ring of 64 KiB",
        "skipped-why",
        "spin",
    ]
    .iter()
    .fold(EVERY_FIELD.replace("messages of at most", "skipped-why"), |text, word| {
        text.replace(word, hostile)
    });
    let page = page(&Report::from_json(&replaced).expect("a report"));
    assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown as a text");
    for tag in ["<script", "<img", "<svg onload"] {
        assert!(!page.contains(tag), "the page has {tag}");
    }
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = page(&report());
    for word in ["http://", "https://", "url(", "@import", "<script", "<iframe"] {
        let found = page.match_indices(word).map(|(at, _)| &page[at.saturating_sub(20)..at + 30]);
        // The name of SVG itself is no address.
        let found: Vec<&str> =
            found.filter(|text| !text.contains("xmlns=\"http://www.w3.org/2000/svg")).collect();
        assert_eq!(found, [""; 0], "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn a_transport_has_the_same_colour_everywhere() {
    let page = page(&report());
    let colours: Vec<&str> = page
        .split("<li>")
        .skip(1)
        .filter(|entry| entry.contains("</svg>ironring-spsc, spin"))
        .map(|entry| entry.split("stroke=\"").nth(1).expect("a colour").split('"').next().expect("its end"))
        .collect();
    assert!(colours.len() >= 2, "it is in several plots: {colours:?}");
    assert!(colours.iter().all(|colour| *colour == colours[0]), "{colours:?}");
}
