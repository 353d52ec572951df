//! A short run of the harness: its report, what it leaves out, and its end.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};
use ironring_bench::{
    clock::UNIT_NS,
    report::{Fate, Measured, Report, Victim, hdr_log},
    run::{self, Kind, Options, Run, TRANSPORTS, Transport},
};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn options(transports: &[&str], sizes: &[usize]) -> Options {
    let mut options = Options::new(run::default_cores().expect("two cores"), true);
    options.transports = transports.iter().map(|name| Transport::named(name).expect("a transport")).collect();
    options.sizes = sizes.to_vec();
    // Enough for everything, and for a machine that is busy.
    options.time = Duration::from_secs(300);
    options.longest = Duration::from_millis(15);
    options.repeats = 1;
    options
}

fn measured(options: &Options) -> Report {
    run::run(options, &AtomicBool::new(false), |_| {}).expect("a report").report
}

/// What a real run writes has the names and fields that are documented.
fn schema() -> Result<(), Failed> {
    let mut options = options(&["ironring-spsc", "ironring-mpmc", "pipe", "rtrb", "futex"], &[8]);
    options.measures = Kind::ALL.to_vec();
    let report = measured(&options);
    let text = report.to_json();
    assert_eq!(Report::from_json(&text)?, report);
    let json: Value = serde_json::from_str(&text)?;
    assert_eq!(json["schema"], 1);
    let common =
        ["wait", "size", "floor_ns", "floor_p999_ns", "sides", "form", "access", "placement", "low", "high"];
    let latency = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns", "samples"];
    let throughput = [
        "batch",
        "producers",
        "consumers",
        "msgs_per_s",
        "bytes_per_s",
        "cpu_s_per_million",
        "syscalls_per_million",
    ];
    let open_loop = ["offered_per_s", "achieved_per_s", "p50_ns", "p9999_ns", "saturated", "samples"];
    let survivors = ["victim", "every_ms", "p50_ns", "p999_ns", "lost", "repeated", "timeline", "kills"];
    let rows = json["results"].as_array().expect("rows");
    for (transport, measure, fields) in [
        ("ironring-spsc", "latency", &latency[..]),
        ("ironring-mpmc", "latency", &latency),
        ("pipe", "latency", &latency),
        ("rtrb", "latency", &latency),
        ("futex", "latency", &latency),
        ("ironring-spsc", "throughput", &throughput),
        ("ironring-mpmc", "throughput", &throughput),
        ("pipe", "throughput", &throughput),
        ("rtrb", "throughput", &throughput),
        ("ironring-spsc", "open-loop", &open_loop),
        ("pipe", "open-loop", &open_loop),
        ("ironring-mpmc", "survivors", &survivors),
        ("pipe", "survivors", &survivors),
    ] {
        let row = rows.iter().find(|row| row["transport"] == transport && row["measure"] == measure);
        let row = row.ok_or_else(|| format!("no row of {transport}, {measure}: {rows:?}"))?;
        for field in common.iter().chain(fields) {
            assert!(!row[field].is_null(), "no {field} in {row}");
        }
        assert!(!row["repeats"].as_array().expect("repeats").is_empty());
    }
    for row in &report.results {
        match &row.measured {
            Measured::Latency(latency) => {
                let it = latency.summary.median;
                assert!(0.0 < it.p50_ns && it.p50_ns <= it.p99_ns && it.p99_ns <= it.max_ns, "{row:?}");
                assert!(latency.samples > 0 && latency.curve.last().is_some_and(|point| point.0 == 1.0));
            }
            Measured::Throughput(throughput) => {
                let it = throughput.summary.median;
                assert!(it.msgs_per_s > 0.0 && it.bytes_per_s == it.msgs_per_s * row.size as f64, "{row:?}");
            }
            Measured::OpenLoop(open) => {
                assert!(open.summary.median.achieved_per_s > 0.0 && open.samples > 0, "{row:?}");
            }
            Measured::Survivors(survivors) => {
                assert!(survivors.samples > 0 && !survivors.timeline.is_empty(), "{row:?}");
                assert_eq!(survivors.kills.is_empty(), survivors.victim == Victim::None, "{row:?}");
            }
        }
    }
    assert_eq!(report.transports.len(), 5);
    Ok(())
}

/// The log of histograms, read again, has the latencies of the report.
fn hdr() -> Result<(), Failed> {
    let mut options = options(&["pipe"], &[8]);
    (options.measures, options.repeats) = (vec![Kind::Latency], 2);
    let Run { report, intervals } = run::run(&options, &AtomicBool::new(false), |_| {})?;
    let Measured::Latency(latency) = &report.results[0].measured else {
        return Err(format!("{:?}", report.results).into());
    };
    let log = hdr_log(SystemTime::now(), &intervals);
    let mut found = Vec::new();
    for entry in IntervalLogIterator::new(&log) {
        if let LogEntry::Interval(interval) = entry.map_err(|error| format!("{error:?}"))? {
            let tag = interval.tag().ok_or("no tag")?.as_str().to_owned();
            assert!(tag.ends_with("pipe:latency:8_B:block"), "{tag}");
            let bytes = BASE64_STANDARD.decode(interval.encoded_histogram())?;
            let read: Histogram<u64> =
                Deserializer::new().deserialize(&mut &bytes[..]).map_err(|error| format!("{error:?}"))?;
            found.push((read, tag.starts_with("moved")));
        }
    }
    let repeats = &latency.summary.repeats;
    assert_eq!(found.len(), repeats.len());
    for ((read, moved), repeat) in found.iter().zip(repeats) {
        assert_eq!(*moved, repeat.moved);
        // The value's bucket is written, and the value that it stands for is read.
        assert_eq!(read.value_at_quantile(0.5) as f64 * UNIT_NS, repeat.figures.p50_ns);
    }
    let all_moved = found.iter().all(|(_, moved)| *moved);
    let counted = found.iter().filter(|(_, moved)| all_moved || !moved);
    assert_eq!(counted.map(|(read, _)| read.len()).sum::<u64>(), latency.samples);
    Ok(())
}

/// What cannot be measured is told, with the reason; the rest is measured.
fn left_out() -> Result<(), Failed> {
    let report = measured(&options(&["sysv-mq", "pipe", "eventfd"], &[1 << 20]));
    for (transport, why) in
        [("sysv-mq", "/proc/sys/kernel/msgmax"), ("sysv-mq", "no batches"), ("eventfd", "8 bytes")]
    {
        let is_told = report
            .left_out
            .iter()
            .any(|left| left.transport == transport && left.fate == Fate::Skipped && left.why.contains(why));
        assert!(is_told, "no {why:?} of {transport} in {:?}", report.left_out);
    }
    assert!(report.results.iter().all(|row| row.transport == "pipe") && report.results.len() > 1);
    Ok(())
}

/// A run that is told to stop does, and keeps what it has.
fn interrupted() -> Result<(), Failed> {
    let mut options = options(&["pipe", "unix-stream"], &[64]);
    options.time = Duration::from_secs(3600);
    let (stop, begun) = (AtomicBool::new(false), Instant::now());
    let Run { report, .. } = run::run(&options, &stop, |progress| {
        assert!(progress.done < progress.all && progress.left <= options.time);
        stop.store(progress.done == 1, Ordering::Relaxed);
    })?;
    assert!(report.settings.interrupted);
    assert_eq!(report.results.len(), 1, "{:?}", report.results);
    // Not an hour: an order of magnitude, not a time.
    assert!(begun.elapsed() < options.time / 10);
    Ok(())
}

/// A whole run measures everything of everybody.
fn whole() -> Result<(), Failed> {
    let mut options = Options::new((0, 1), false);
    assert_eq!(options.transports.len(), TRANSPORTS.len());
    // A short one has no time for peers.
    assert!(!Options::new((0, 1), true).transports.iter().any(|transport| transport.is_peer()));
    assert_eq!(options.measures, Kind::ALL);
    // Without time there is nothing but the plan: whom it knows nothing of.
    options.time = Duration::ZERO;
    options.cores = run::default_cores().expect("two cores");
    let report = measured(&options);
    assert!(report.results.is_empty() && report.left_out.iter().all(|left| left.fate == Fate::Skipped));
    Ok(())
}

/// Each peer is chosen by its name, and its rows have it; where it was not built, that is told.
fn peers() -> Result<(), Failed> {
    let names: Vec<&str> =
        TRANSPORTS.iter().filter(|transport| transport.is_peer()).map(|transport| transport.name).collect();
    let mut options = options(&names, &[64]);
    options.measures = Kind::QUICK.to_vec();
    let report = measured(&options);
    assert!(report.left_out.iter().all(|left| left.fate == Fate::Skipped), "{:?}", report.left_out);
    let json: Value = serde_json::from_str(&report.to_json())?;
    let rows = json["results"].as_array().expect("rows");
    for name in names {
        let is_told = report
            .left_out
            .iter()
            .filter(|left| left.transport == name)
            .any(|left| left.why.contains("--features peers") || left.why.contains("apt-get install"));
        for (measure, field) in [("latency", "p50_ns"), ("throughput", "msgs_per_s")] {
            let mut found = rows.iter().filter(|row| row["transport"] == name && row["measure"] == measure);
            let is_there = found.any(|row| row[field].as_f64().is_some_and(|figure| figure > 0.0));
            assert!(is_there || is_told, "no {measure} of {name}, and not told why");
        }
    }
    // Which variant was the best is told of each way to wait.
    if cfg!(feature = "peers") {
        for wait in ["spin", "block"] {
            let name = format!("iceoryx2, latency, 64 B, {wait}");
            assert!(report.settings.others.contains_key(&name), "no {name:?}: {:?}", report.settings.others);
        }
    }
    Ok(())
}

fn main() {
    ironring_bench::take_part();
    let trials = [
        ("a report has the documented fields", schema as fn() -> Result<(), Failed>),
        ("peers are measured, or told to be missing", peers),
        ("a log of histograms has what the report has", hdr),
        ("what cannot be measured is told", left_out),
        ("a run that is told to stop keeps what it has", interrupted),
        ("a run without time ends", whole),
    ]
    .map(|(name, test)| Trial::test(name, test));
    libtest_mimic::run(&Arguments { test_threads: Some(1), ..Arguments::from_args() }, trials.into()).exit();
}
