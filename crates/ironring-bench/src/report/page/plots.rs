//! Which plots a report has, and which rows are in each.

use std::collections::BTreeMap;

use super::{
    axes,
    identity::Look,
    plot::{Plot, Series},
};
use crate::report::{Measured, OpenLoop, Percentiles, Report, Row, Survivors, Throughput, Victim, bytes};

/// One figure of several.
type Figure<M> = fn(&M) -> f64;

/// Latency by percentile: a plot for each size and placement.
pub(super) fn percentiles(report: &Report) -> Vec<Plot> {
    let rows = report.results.iter().filter_map(|row| match &row.measured {
        Measured::Latency(latency) if !latency.curve.is_empty() => Some((row, latency)),
        _ => None,
    });
    let plot = |(group, rows): (Group, Vec<_>)| {
        let series = rows.into_iter().map(|(row, latency): (&Row, &crate::report::Latency)| {
            let last = (latency.samples.max(2) as f64).log10();
            let points = latency.curve.iter().map(|point| {
                let nines = if point.0 < 1.0 { axes::nines(point.0) } else { last };
                (nines, point.1.max(1.0).log10())
            });
            series(row, points.collect())
        });
        let series: Vec<Series> = series.collect();
        Plot {
            kind: "percentiles",
            title: format!("One-way latency by percentile, {}", group.words()),
            x: axes::shares(),
            y: axes::decades("one-way latency", "s", 1e-9, heights(&series)),
            series,
            marks: Vec::new(),
        }
    };
    groups(rows, |row, _| Group::of(row, "")).map(plot).collect()
}

/// Latency against offered load: the median and the tail, for each size and placement.
pub(super) fn loads(report: &Report) -> Vec<Plot> {
    let rows = report.results.iter().filter_map(|row| match &row.measured {
        Measured::OpenLoop(open) => Some((row, open)),
        _ => None,
    });
    let figures: [(&str, Figure<Percentiles>); 2] = [
        ("Median latency", |latency| latency.p50_ns),
        ("99.9th percentile of latency", |latency| latency.p999_ns),
    ];
    groups(rows, |row, _| Group::of(row, ""))
        .flat_map(|(group, rows)| figures.map(|figure| (group.clone(), rows.clone(), figure)))
        .map(|(group, rows, (name, figure))| {
            let place = |_: &Row, open: &OpenLoop| {
                let late = figure(&open.summary.median.latency);
                (open.offered_per_s.max(1e-3).log10(), late.max(1.0).log10())
            };
            let series = curves(&rows, place);
            let loads: Vec<f64> =
                series.iter().flat_map(|series| &series.points).map(|point| point.0).collect();
            Plot {
                kind: "load",
                title: format!("{name} against offered load, {}", group.words()),
                x: axes::decades("messages due a second", "/s", 1.0, loads.into_iter()),
                y: axes::decades("late by", "s", 1e-9, heights(&series)),
                series,
                marks: Vec::new(),
            }
        })
        .collect()
}

/// Messages and bytes a second against the size, for each batch with one producer and one consumer,
/// where there are several sizes.
pub(super) fn throughputs(report: &Report) -> Vec<Plot> {
    let pairs = throughput_rows(report).filter(|(_, throughput)| crowd(throughput) == (1, 1));
    let group = |row: &Row, throughput: &Throughput| {
        let batch = match throughput.batch {
            1 => "singly".to_owned(),
            batch => format!("{batch} together"),
        };
        Group { size: None, ..Group::of(row, &batch) }
    };
    let figures: [(&str, &str, Figure<Throughput>); 2] = [
        ("Messages", "messages a second", |throughput| throughput.summary.median.msgs_per_s),
        ("Bytes", "bytes a second", |throughput| throughput.summary.median.bytes_per_s),
    ];
    groups(pairs, group)
        .filter(|(_, rows)| rows.iter().any(|(row, _)| row.size != rows[0].0.size))
        .flat_map(|(group, rows)| figures.map(|figure| (group.clone(), rows.clone(), figure)))
        .map(|(group, rows, (name, title, figure))| {
            let place = |row: &Row, throughput: &Throughput| {
                ((row.size as f64).log2(), figure(throughput).max(1e-3).log10())
            };
            let series = curves(&rows, place);
            let unit = if name == "Bytes" { "B/s" } else { "/s" };
            Plot {
                kind: "throughput",
                title: format!("{name} a second against size, {}", group.words()),
                x: axes::sizes(rows.iter().map(|(row, _)| row.size)),
                y: axes::decades(title, unit, 1.0, heights(&series)),
                series,
                marks: Vec::new(),
            }
        })
        .collect()
}

/// Messages a second against producers and consumers, where there are several.
pub(super) fn crowds(report: &Report) -> Vec<Plot> {
    let group = |row: &Row, throughput: &Throughput| match throughput.batch {
        1 => Group::of(row, "singly"),
        batch => Group::of(row, &format!("{batch} together")),
    };
    groups(throughput_rows(report), group)
        .filter(|(_, rows)| rows.iter().any(|(_, throughput)| crowd(throughput) != (1, 1)))
        .map(|(group, rows)| {
            let mut crowds: Vec<(u64, u64)> = rows.iter().map(|(_, throughput)| crowd(throughput)).collect();
            crowds.sort_unstable();
            crowds.dedup();
            let place = |_: &Row, throughput: &Throughput| {
                let index = crowds.iter().position(|one| *one == crowd(throughput)).unwrap_or(0);
                (index as f64, throughput.summary.median.msgs_per_s.max(1e-3).log10())
            };
            // One that was measured with one number of participants only is in another plot.
            let mut series = curves(&rows, place);
            series.retain(|series| series.points.len() > 1);
            let names: Vec<String> =
                crowds.iter().map(|(producers, consumers)| format!("{producers}P{consumers}C")).collect();
            Plot {
                kind: "crowd",
                title: format!("Messages a second against producers and consumers, {}", group.words()),
                x: axes::names("producers (P) and consumers (C)", &names),
                y: axes::decades("messages a second", "/s", 1.0, heights(&series)),
                series,
                marks: Vec::new(),
            }
        })
        .filter(|plot| !plot.series.is_empty())
        .collect()
}

/// The longest latency in each stretch of time while processes are killed: a plot for each
/// transport, who is killed a line each.
pub(super) fn kills(report: &Report) -> Vec<Plot> {
    let rows = report.results.iter().filter_map(|row| match &row.measured {
        Measured::Survivors(survivors) if !survivors.timeline.is_empty() => Some((row, survivors)),
        _ => None,
    });
    groups(rows, |row, _| Group::of(row, &label(row)))
        .map(|(group, rows): (Group, Vec<(&Row, &Survivors)>)| {
            let line = |(row, survivors): &(&Row, &Survivors)| {
                let points = survivors.timeline.iter().filter(|window| window.messages > 0);
                let points = points.map(|window| (window.at_ms, window.max_ns.max(1.0).log10())).collect();
                let mut line = series(row, points);
                line.label = survivors.victim.name().to_owned();
                line.look.dashes = match survivors.victim {
                    Victim::Peer => None,
                    Victim::Unrelated => Some((9, 4)),
                    Victim::None => Some((2, 4)),
                };
                line
            };
            let series: Vec<Series> = rows.iter().map(line).collect();
            let peers = rows.iter().filter(|(_, survivors)| survivors.victim == Victim::Peer);
            let longest =
                series.iter().flat_map(|series| &series.points).map(|point| point.0).fold(0.0, f64::max);
            Plot {
                kind: "kills",
                title: format!("Longest latency between survivors, {}", group.words()),
                x: axes::milliseconds(
                    "milliseconds since the start; each vertical line is a kill of a peer",
                    longest,
                ),
                y: axes::decades("longest latency", "s", 1e-9, heights(&series)),
                marks: peers.flat_map(|(_, survivors)| &survivors.kills).map(|kill| kill.at_ms).collect(),
                series,
            }
        })
        .collect()
}

/// What all rows of a plot have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    size: Option<u64>,
    what: String,
    placement: &'static str,
}

impl Group {
    fn of(row: &Row, what: &str) -> Self {
        Self { size: Some(row.size), what: what.to_owned(), placement: row.placement.words() }
    }

    fn words(&self) -> String {
        let size = self.size.map(bytes).unwrap_or_default();
        let words = [self.what.as_str(), &size, self.placement];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// The rows by group, in the groups' order.
fn groups<'a, M: 'a>(
    rows: impl Iterator<Item = (&'a Row, &'a M)>,
    group: impl Fn(&Row, &M) -> Group,
) -> impl Iterator<Item = (Group, Vec<(&'a Row, &'a M)>)> {
    let mut groups: BTreeMap<Group, Vec<(&Row, &M)>> = BTreeMap::new();
    for (row, measured) in rows {
        groups.entry(group(row, measured)).or_default().push((row, measured));
    }
    groups.into_iter()
}

/// A line for each transport and way to use it, through the points of its rows from left to right.
fn curves<M>(rows: &[(&Row, &M)], place: impl Fn(&Row, &M) -> (f64, f64)) -> Vec<Series> {
    let mut lines: BTreeMap<String, Series> = BTreeMap::new();
    for (row, measured) in rows {
        lines.entry(label(row)).or_insert_with(|| series(row, Vec::new())).points.push(place(row, measured));
    }
    let mut lines: Vec<Series> = lines.into_values().collect();
    lines.iter_mut().for_each(|line| line.points.sort_by(|one, other| one.0.total_cmp(&other.0)));
    lines
}

fn series(row: &Row, points: Vec<(f64, f64)>) -> Series {
    Series { label: label(row), look: Look::of(row), points }
}

fn label(row: &Row) -> String {
    format!("{}, {}", row.transport, row.variant())
}

fn heights(series: &[Series]) -> impl Iterator<Item = f64> {
    series.iter().flat_map(|series| &series.points).map(|point| point.1)
}

fn throughput_rows(report: &Report) -> impl Iterator<Item = (&Row, &Throughput)> {
    report.results.iter().filter_map(|row| match &row.measured {
        Measured::Throughput(throughput) => Some((row, throughput)),
        _ => None,
    })
}

fn crowd(throughput: &Throughput) -> (u64, u64) {
    (throughput.producers, throughput.consumers)
}
