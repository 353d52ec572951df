//! Two reports, before and after: what changed, and what is noise.

use ironring_testkit::floor::are_near;

use super::{Measured, Report, Row, si};
use crate::statistics::{Estimate, median, ratio};

/// Fewer repeats than this on a side tell nothing: by chance alone one side's three would all be
/// above the other's three in one comparison of ten.
const LEAST_REPEATS: usize = 4;

/// A difference below this is noise, however narrow the interval: where a build places code, the
/// kernel places pages, and the host places its other guests changes as much from run to run.
const LEAST_CHANGE: f64 = 0.05;

/// The rule by which [`Verdict`]s are found, for those who read them.
pub const RULE: &str = "\
Compared are the repeats of both sides with the same floor: cores that are nearer give other figures.
faster   all of these: the 95 percent interval of the ratio (bootstrap of the repeats on both sides)
slower   lies on one side of 1; the ratio is at least 5 percent away from it, farther than the repeats
         of either side are from each other, and farther than the floors of the two sides are
noise    anything else
too few  fewer than 4 such repeats on a side: measure longer, and without --quick
moved    no repeat of the one has a floor that one of the other has";

/// Two reports, compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the two do not have in common, and should.
    pub differences: Vec<String>,
    /// The rows that are in both.
    pub lines: Vec<Line>,
    /// The subjects of the rows that are in the first only.
    pub only_before: Vec<String>,
    /// The subjects of the rows that are in the second only.
    pub only_after: Vec<String>,
}

/// One figure of a row that is in both reports.
#[derive(Clone, Debug)]
pub struct Line {
    /// What the row is of: [`Row::subject`].
    pub subject: String,
    /// The floor of the repeats that are compared, in nanoseconds: none if the two sides have none in common.
    pub floor_ns: Option<f64>,
    /// The figure's name in JSON.
    pub figure: &'static str,
    /// The median before.
    pub before: f64,
    /// The median after.
    pub after: f64,
    /// The second over the first.
    pub ratio: Estimate,
    /// What that means.
    pub verdict: Verdict,
}

/// What a ratio means, by [`RULE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Less latency, or more messages.
    Faster,
    /// The opposite.
    Slower,
    /// Nothing that could be told from chance.
    Noise,
    /// There are too few repeats to tell.
    TooFew,
    /// The two were measured on cores that are not equally near: the ratio is of all repeats.
    Moved,
}

impl Verdict {
    /// Its name, as in [`RULE`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Noise => "noise",
            Self::TooFew => "too few",
            Self::Moved => "moved",
        }
    }
}

/// Compares the rows of two reports that are of the same subject and placement.
#[must_use]
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let mut rest: Vec<&Row> = after.results.iter().collect();
    let (mut lines, mut only_before) = (Vec::new(), Vec::new());
    for row in &before.results {
        let subject = placed(row);
        match rest.iter().position(|other| placed(other) == subject) {
            Some(found) => lines.extend(compare_rows(row, rest.remove(found))),
            None => only_before.push(subject),
        }
    }
    let only_after = rest.into_iter().map(placed).collect();
    Comparison { differences: differences(before, after), lines, only_before, only_after }
}

/// What a row is of, and where it was measured.
fn placed(row: &Row) -> String {
    format!("{}, {}", row.subject(), row.placement.name())
}

fn compare_rows(before: &Row, after: &Row) -> Vec<Line> {
    let figures: &[&str] = match before.measured {
        Measured::Latency(_) | Measured::OpenLoop(_) => &["p50_ns", "p999_ns"],
        Measured::Throughput(_) => &["msgs_per_s", "cpu_s_per_million"],
        Measured::Survivors(_) => &["p50_ns", "p999_ns", "recovery_ms"],
    };
    let subject = placed(before);
    let line = |figure: &&'static str| {
        let [first, second] = [before, after].map(|row| row.measured.steady(figure));
        let alike = alike(&first, &second);
        let (first, second) = match &alike {
            Some(alike) => (alike.before.clone(), alike.after.clone()),
            None => (before.measured.values(figure), after.measured.values(figure)),
        };
        if first.is_empty() || second.is_empty() {
            return None;
        }
        let ratio = ratio(&second, &first);
        let verdict = match &alike {
            Some(alike) => judge(figure, ratio, &first, &second, alike.drift),
            None => Verdict::Moved,
        };
        let floor_ns = alike.map(|alike| alike.floor_ns);
        let (before, after) = (median(&first), median(&second));
        Some(Line { subject: subject.clone(), floor_ns, figure, before, after, ratio, verdict })
    };
    figures.iter().filter_map(line).collect()
}

/// The values of repeats with the same floor.
pub(super) struct Alike {
    floor_ns: f64,
    /// The median floor after over that before, or the other way round: at least 1.
    drift: f64,
    pub(super) before: Vec<f64>,
    pub(super) after: Vec<f64>,
}

/// Of repeats, each with its floor and its value, those of the floor that most of both sides have.
pub(super) fn alike(before: &[(f64, f64)], after: &[(f64, f64)]) -> Option<Alike> {
    let around = |floor: f64| {
        let split = |repeats: &[(f64, f64)]| -> (Vec<f64>, Vec<f64>) {
            repeats.iter().filter(|repeat| are_near(repeat.0, floor)).copied().unzip()
        };
        let ((floors_before, before), (floors_after, after)) = (split(before), split(after));
        let drift = match (&floors_before[..], &floors_after[..]) {
            ([], _) | (_, []) => 1.0,
            (one, other) => apart(median(one) / median(other)),
        };
        Alike { floor_ns: floor, drift, before, after }
    };
    let all = before.iter().chain(after).map(|repeat| around(repeat.0));
    let common = all.filter(|alike| !alike.before.is_empty() && !alike.after.is_empty());
    common.max_by_key(|alike| {
        let (before, after) = (alike.before.len(), alike.after.len());
        (before.min(after), before.max(after))
    })
}

/// A ratio, or the other way round: whichever is at least 1.
fn apart(ratio: f64) -> f64 {
    ratio.max(1.0 / ratio)
}

/// How far values are from each other: the largest over the smallest.
fn spread(values: &[f64]) -> f64 {
    let (least, most) =
        values.iter().fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
    most / least
}

/// What a ratio of `figure` means that these repeats on either side tell.
fn judge(figure: &str, ratio: Estimate, before: &[f64], after: &[f64], drift: f64) -> Verdict {
    let better_if_greater = figure == "msgs_per_s";
    let least = [1.0 + LEAST_CHANGE, spread(before), spread(after), drift].into_iter().fold(1.0, f64::max);
    if before.len().min(after.len()) < LEAST_REPEATS {
        Verdict::TooFew
    } else if (ratio.low..=ratio.high).contains(&1.0) || apart(ratio.median) < least {
        Verdict::Noise
    } else if (ratio.median > 1.0) == better_if_greater {
        Verdict::Faster
    } else {
        Verdict::Slower
    }
}

/// What makes rows of the two reports hard to compare.
fn differences(before: &Report, after: &Report) -> Vec<String> {
    let described = [before, after].map(|report| {
        let (machine, settings) = (&report.machine, &report.settings);
        let or_unknown = |field: &Option<String>| field.clone().unwrap_or_else(|| "unknown".to_owned());
        [
            ("processor", machine.cpu.clone()),
            ("number of cores", machine.cores.to_string()),
            ("caches", machine.caches.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            ("kernel", machine.kernel.clone()),
            ("governor", or_unknown(&machine.governor)),
            ("huge pages", or_unknown(&machine.huge_pages)),
            ("hypervisor", or_unknown(&machine.hypervisor)),
            ("compiler", machine.rustc.clone()),
            ("version of ironring", machine.ironring.clone()),
            ("pinned cores", format!("{:?}", settings.pins)),
            ("kind of run", if settings.quick { "quick" } else { "full" }.to_owned()),
        ]
    });
    let [before, after] = described;
    let pairs = before.into_iter().zip(after);
    pairs
        .filter(|((_, one), (_, other))| one != other)
        .map(|((what, one), (_, other))| format!("another {what}: {one} before, {other} after"))
        .collect()
}

impl Line {
    /// A value of the figure, with its unit.
    #[must_use]
    pub fn shown(&self, value: f64) -> String {
        match self.figure {
            "msgs_per_s" => si(value, "/s"),
            "cpu_s_per_million" => si(value, "s/M"),
            "recovery_ms" => si(value * 1e-3, "s"),
            _ => si(value * 1e-9, "s"),
        }
    }
}
