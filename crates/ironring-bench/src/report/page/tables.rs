//! The numbers of a report, in tables.

use maud::{Markup, html};

use crate::{
    report::{Measured, Report, Row, Sides, bytes, compare::alike, si},
    statistics::ratio,
};

/// A table whose cells say on a narrow page what they are.
struct Table {
    caption: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// What is in a cell.
enum Cell {
    /// What the row is of: the first cell.
    Heading(String),
    Words(String),
    /// A number, and what is written small below it.
    Number(String, String),
}

impl Table {
    /// Nothing if there are no rows; folded if there are many.
    fn html(&self) -> Markup {
        /// As many as are read at a glance.
        const MANY: usize = 30;
        match self.rows.len() {
            0 => Markup::default(),
            1..=MANY => self.unfolded(),
            many => html! { details { summary { (self.caption) ": " (many) " rows" } (self.unfolded()) } },
        }
    }

    fn unfolded(&self) -> Markup {
        let is_number = |column: usize| matches!(self.rows[0][column], Cell::Number(..));
        html! {
            table {
                caption { (self.caption) }
                thead {
                    tr {
                        @for (place, column) in self.columns.iter().enumerate() {
                            th scope="col" class=[is_number(place).then_some("number")] { (column) }
                        }
                    }
                }
                tbody {
                    @for row in &self.rows {
                        tr { @for (cell, column) in row.iter().zip(&self.columns) { (cell.html(column)) } }
                    }
                }
            }
        }
    }
}

impl Cell {
    fn html(&self, column: &str) -> Markup {
        match self {
            Self::Heading(text) => html! { th scope="row" { (text) } },
            Self::Words(text) | Self::Number(text, _) if text.is_empty() => html! { td {} },
            Self::Words(text) => html! { td data-label=(column) { span { (text) } } },
            Self::Number(text, below) => html! {
                td class="number" data-label=(column) {
                    span { (text) @if !below.is_empty() { small { (below) } } }
                }
            },
        }
    }

    /// A number and the ends of its interval.
    fn interval(median: f64, low: f64, high: f64, shown: impl Fn(f64) -> String) -> Self {
        Self::Number(shown(median), format!("{} to {}", shown(low), shown(high)))
    }

    fn number(text: impl Into<String>) -> Self {
        Self::Number(text.into(), String::new())
    }
}

/// The cells that say what a row is of.
fn subject(row: &Row) -> [Cell; 2] {
    [Cell::Heading(format!("{}, {}", row.transport, row.variant())), Cell::number(bytes(row.size))]
}

/// The cells that say where a row was measured, and how often.
fn circumstances(row: &Row) -> [Cell; 2] {
    let (repeats, moved) = (row.measured.repeats(), row.measured.moved());
    let notes = match moved {
        0 => String::new(),
        _ if moved == repeats => "the cores moved each time".to_owned(),
        _ => format!("and {moved} that moved"),
    };
    let counted = if moved == repeats { repeats } else { repeats - moved };
    [
        Cell::Number(si(row.floor_ns * 1e-9, "s"), row.placement.words().to_owned()),
        Cell::Number(counted.to_string(), notes),
    ]
}

fn ns(nanoseconds: f64) -> String {
    si(nanoseconds * 1e-9, "s")
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// A table of the rows for which `figures` has cells.
fn table<const N: usize>(
    report: &Report,
    caption: &'static str,
    columns: [&'static str; N],
    figures: impl Fn(&Row) -> Option<[Cell; N]>,
) -> Markup {
    let columns = ["transport", "size"].into_iter().chain(columns).chain(["floor", "repeats"]);
    let columns = columns.map(str::to_owned).collect();
    let cells = |row| Some(subject(row).into_iter().chain(figures(row)?).chain(circumstances(row)).collect());
    let rows = report.results.iter().filter_map(cells).collect();
    Table { caption, columns, rows }.html()
}

/// How many times as fast as a pipe each transport is, between two processes, one message at a time:
/// a row for each way to use one, a column for each of some sizes at which the pipe was measured. Of
/// repeats with the same floor.
pub(super) fn against_pipe(report: &Report) -> Markup {
    const SIZES: [u64; 4] = [8, 64, 1024, 65536];
    let pipes: Vec<&Row> =
        report.results.iter().filter(|row| row.transport == "pipe" && compared_by(row).is_some()).collect();
    let others =
        || report.results.iter().filter(|row| row.transport != "pipe" && row.sides == Sides::Processes);
    let measured = |measure: &str, size| {
        let of = |row: &Row| (row.measured.name(), row.size) == (measure, size);
        pipes.iter().any(|pipe| of(pipe)) && others().any(of)
    };
    let columns: Vec<(&str, u64)> = ["latency", "throughput"]
        .into_iter()
        .flat_map(|measure| SIZES.map(|size| (measure, size)))
        .filter(|(measure, size)| measured(measure, *size))
        .collect();
    let mut rows: Vec<(String, Vec<Cell>)> = Vec::new();
    for row in others() {
        let place = columns.iter().position(|column| *column == (row.measured.name(), row.size));
        let (Some(place), Some(figure)) = (place, compared_by(row)) else { continue };
        let matches = |pipe: &&&Row| {
            (pipe.size, pipe.placement, pipe.measured.name())
                == (row.size, row.placement, row.measured.name())
        };
        let Some(pipe) = pipes.iter().find(matches) else { continue };
        let Some(alike) = alike(&pipe.measured.steady(figure), &row.measured.steady(figure)) else {
            continue;
        };
        let (theirs, ours) = (alike.before, alike.after);
        let faster = if figure == "p50_ns" { ratio(&theirs, &ours) } else { ratio(&ours, &theirs) };
        let label = format!("{}, {}, {}", row.transport, row.variant(), row.placement.words());
        let known = rows.iter().position(|(known, _)| *known == label).unwrap_or_else(|| {
            rows.push((label, columns.iter().map(|_| Cell::number("")).collect()));
            rows.len() - 1
        });
        rows[known].1[place] = Cell::interval(faster.median, faster.low, faster.high, times);
    }
    let titles = columns.iter().map(|(measure, size)| format!("{measure}, {}", bytes(*size)));
    let rows =
        rows.into_iter().map(|(label, cells)| [Cell::Heading(label)].into_iter().chain(cells).collect());
    Table {
        caption: "Times as fast as the pipe",
        columns: ["transport".to_owned()].into_iter().chain(titles).collect(),
        rows: rows.collect(),
    }
    .html()
}

/// The figure by which a row is compared with the pipe.
fn compared_by(row: &Row) -> Option<&'static str> {
    match &row.measured {
        Measured::Latency(_) => Some("p50_ns"),
        Measured::Throughput(one) if (one.batch, one.producers, one.consumers) == (1, 1, 1) => {
            Some("msgs_per_s")
        }
        _ => None,
    }
}

pub(super) fn latency(report: &Report) -> Markup {
    let columns =
        ["p50", "p90", "p99", "p99.9", "p99.99", "longest", "p50 / floor", "p99.9 / floor's", "messages"];
    table(report, "One-way latency", columns, |row| {
        let Measured::Latency(latency) = &row.measured else { return None };
        let (median, low, high) = (&latency.summary.median, &latency.summary.low, &latency.summary.high);
        Some([
            Cell::interval(median.p50_ns, low.p50_ns, high.p50_ns, ns),
            Cell::number(ns(median.p90_ns)),
            Cell::interval(median.p99_ns, low.p99_ns, high.p99_ns, ns),
            Cell::interval(median.p999_ns, low.p999_ns, high.p999_ns, ns),
            Cell::number(ns(median.p9999_ns)),
            Cell::number(ns(median.max_ns)),
            Cell::number(times(median.p50_ns / row.floor_ns)),
            Cell::number(row.floor_p999_ns.map_or_else(String::new, |floor| times(median.p999_ns / floor))),
            Cell::number(latency.samples.to_string()),
        ])
    })
}

pub(super) fn throughput(report: &Report) -> Markup {
    let columns = [
        "together",
        "producers, consumers",
        "messages a second",
        "bytes a second",
        "processor time a million",
        "system calls a million",
    ];
    table(report, "Throughput", columns, |row| {
        let Measured::Throughput(rates) = &row.measured else { return None };
        let (median, low, high) = (&rates.summary.median, &rates.summary.low, &rates.summary.high);
        let cpu = median.cost.cpu_s_per_million.map(|seconds| si(seconds, "s"));
        let calls = median.cost.syscalls_per_million.map(|calls| si(calls, ""));
        Some([
            Cell::number(rates.batch.to_string()),
            Cell::number(format!("{}, {}", rates.producers, rates.consumers)),
            Cell::interval(median.msgs_per_s, low.msgs_per_s, high.msgs_per_s, |rate| si(rate, "/s")),
            Cell::number(si(median.bytes_per_s, "B/s")),
            Cell::number(cpu.unwrap_or_default()),
            Cell::number(calls.unwrap_or_default()),
        ])
    })
}

pub(super) fn open_loop(report: &Report) -> Markup {
    let columns = ["due", "came", "p50", "p99", "p99.9", "longest"];
    table(report, "Latency against offered load", columns, |row| {
        let Measured::OpenLoop(open) = &row.measured else { return None };
        let (median, low, high) = (&open.summary.median, &open.summary.low, &open.summary.high);
        let saturated = if open.saturated { "saturated" } else { "" };
        Some([
            Cell::number(si(open.offered_per_s, "/s")),
            Cell::Number(si(median.achieved_per_s, "/s"), saturated.to_owned()),
            Cell::interval(median.latency.p50_ns, low.latency.p50_ns, high.latency.p50_ns, ns),
            Cell::number(ns(median.latency.p99_ns)),
            Cell::interval(median.latency.p999_ns, low.latency.p999_ns, high.latency.p999_ns, ns),
            Cell::number(ns(median.latency.max_ns)),
        ])
    })
}

pub(super) fn survivors(report: &Report) -> Markup {
    let columns =
        ["killed", "p50", "p99.9", "longest", "time to recover", "longest of them", "lost", "twice", "ended"];
    table(report, "Survivors while processes are killed", columns, |row| {
        let Measured::Survivors(survivors) = &row.measured else { return None };
        let (median, low, high) =
            (&survivors.summary.median, &survivors.summary.low, &survivors.summary.high);
        let recovery = |ms: Option<f64>| Cell::number(ms.map_or_else(String::new, |ms| si(ms * 1e-3, "s")));
        Some([
            Cell::Words(format!("{}, every {} ms", survivors.victim.name(), survivors.every_ms)),
            Cell::interval(median.latency.p50_ns, low.latency.p50_ns, high.latency.p50_ns, ns),
            Cell::interval(median.latency.p999_ns, low.latency.p999_ns, high.latency.p999_ns, ns),
            Cell::number(ns(median.latency.max_ns)),
            recovery(median.recovery_ms),
            recovery(median.recovery_max_ms),
            Cell::number(survivors.lost.to_string()),
            Cell::number(survivors.repeated.to_string()),
            Cell::Words(survivors.ended.clone().unwrap_or_default()),
        ])
    })
}

pub(super) fn left_out(report: &Report) -> Markup {
    let rows = report.left_out.iter().map(|left| {
        vec![
            Cell::Heading(left.transport.clone()),
            Cell::Words(left.what.clone()),
            Cell::Words(left.fate.name().to_owned()),
            Cell::Words(left.why.clone()),
        ]
    });
    let columns = ["transport", "what", "fate", "why"].map(str::to_owned).to_vec();
    Table { caption: "Skipped or failed", columns, rows: rows.collect() }.html()
}
