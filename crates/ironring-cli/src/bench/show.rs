//! Results as a table.

use std::fmt::Write;

use ironring_bench::report::{Measured, Report, Row, bytes, si};

use crate::output::table;

/// The tables: of what, the columns beside those that all have, and what is in them for a row.
type Table = (&'static str, &'static [&'static str], fn(&Row) -> Option<Vec<String>>);

const TABLES: [Table; 4] = [
    (
        "latency",
        &["P50", "95 PERCENT", "P50/FLOOR", "P90", "P99", "P99.9", "P99.9/FLOOR", "P99.99", "MAX"],
        latency,
    ),
    (
        "throughput",
        &["BATCH", "SIDES", "MESSAGES", "95 PERCENT", "BYTES", "CPU A MILLION", "CALLS A MILLION"],
        throughput,
    ),
    (
        "open-loop latency, from the time at which a message was due",
        &["DUE", "CAME", "P50", "95 PERCENT", "P99", "P99.9", "MAX", ""],
        open_loop,
    ),
    (
        "latency of survivors, while another process is killed every 100 ms",
        &["KILLED", "P50", "P99", "P99.9", "95 PERCENT", "MAX", "AGAIN AFTER", "LOST"],
        survivors,
    ),
];

/// All that was measured, and what was not.
pub(super) fn report(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        let _ = writeln!(text, "{words}");
    };
    if let Some(row) = report.results.first() {
        let pins: Vec<String> = report.settings.pins.iter().map(ToString::to_string).collect();
        line(&format!(
            "cores {} ({}), one cache line takes {} one way; medians of up to {} repeats, with 95 percent intervals",
            pins.join(" and "),
            row.placement.words(),
            si(row.floor_ns * 1e-9, "s"),
            report.settings.repeats,
        ));
    }
    for (name, headings, cells) in TABLES {
        let first = ["TRANSPORT", "HOW", "SIZE"].iter().chain(headings);
        let mut rows: Vec<Vec<String>> = vec![first.map(|&heading| heading.to_owned()).collect()];
        for row in &report.results {
            if let Some(cells) = cells(row) {
                let has_moved = row.measured.moved() == row.measured.repeats();
                let how = format!("{}{}", row.variant(), if has_moved { " (cores moved)" } else { "" });
                rows.push([vec![row.transport.clone(), how, bytes(row.size)], cells].concat());
            }
        }
        if rows.len() > 1 {
            line(&format!("\n{name}\n{}", table(&rows).trim_end()));
        }
    }
    if !report.left_out.is_empty() {
        line("\nnot measured");
    }
    for left in &report.left_out {
        line(&format!("    {} ({}): {}: {}", left.transport, left.what, left.fate.name(), left.why));
    }
    text
}

fn ns(value: f64) -> String {
    si(value * 1e-9, "s")
}

fn between(low: String, high: String) -> String {
    format!("{low} .. {high}")
}

fn latency(row: &Row) -> Option<Vec<String>> {
    let Measured::Latency(latency) = &row.measured else { return None };
    let (median, low, high) = (&latency.summary.median, &latency.summary.low, &latency.summary.high);
    Some(vec![
        ns(median.p50_ns),
        between(ns(low.p50_ns), ns(high.p50_ns)),
        format!("{:.2}", median.p50_ns / row.floor_ns),
        ns(median.p90_ns),
        ns(median.p99_ns),
        ns(median.p999_ns),
        row.floor_p999_ns.map_or_else(String::new, |floor| format!("{:.2}", median.p999_ns / floor)),
        ns(median.p9999_ns),
        ns(median.max_ns),
    ])
}

fn throughput(row: &Row) -> Option<Vec<String>> {
    let Measured::Throughput(throughput) = &row.measured else { return None };
    let (median, low, high) = (&throughput.summary.median, &throughput.summary.low, &throughput.summary.high);
    Some(vec![
        throughput.batch.to_string(),
        format!("{}P{}C", throughput.producers, throughput.consumers),
        si(median.msgs_per_s, "/s"),
        between(si(low.msgs_per_s, "/s"), si(high.msgs_per_s, "/s")),
        si(median.bytes_per_s, "B/s"),
        median.cost.cpu_s_per_million.map_or_else(String::new, |seconds| si(seconds, "s")),
        median.cost.syscalls_per_million.map_or_else(String::new, |calls| si(calls, "").trim_end().into()),
    ])
}

fn open_loop(row: &Row) -> Option<Vec<String>> {
    let Measured::OpenLoop(open) = &row.measured else { return None };
    let (median, low, high) = (&open.summary.median, &open.summary.low, &open.summary.high);
    Some(vec![
        si(open.offered_per_s, "/s"),
        si(median.achieved_per_s, "/s"),
        ns(median.latency.p50_ns),
        between(ns(low.latency.p50_ns), ns(high.latency.p50_ns)),
        ns(median.latency.p99_ns),
        ns(median.latency.p999_ns),
        ns(median.latency.max_ns),
        if open.saturated { "saturated".into() } else { String::new() },
    ])
}

fn survivors(row: &Row) -> Option<Vec<String>> {
    let Measured::Survivors(survivors) = &row.measured else { return None };
    let (median, low, high) = (&survivors.summary.median, &survivors.summary.low, &survivors.summary.high);
    Some(vec![
        survivors.victim.name().into(),
        ns(median.latency.p50_ns),
        ns(median.latency.p99_ns),
        ns(median.latency.p999_ns),
        between(ns(low.latency.p999_ns), ns(high.latency.p999_ns)),
        ns(median.latency.max_ns),
        median.recovery_ms.map_or_else(String::new, |ms| si(ms * 1e-3, "s")),
        survivors.lost.to_string(),
    ])
}
