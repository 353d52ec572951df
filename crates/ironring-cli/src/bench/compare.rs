//! `ironring bench compare`.

use std::fmt::Write;

use ironring_bench::report::{Comparison, RULE, Verdict, compare, si};

use super::{args::Compare, file};
use crate::{
    failure::Failure,
    output::{Output, table},
};

pub(crate) fn run(args: &Compare) -> Result<(), Failure> {
    let comparison = compare(&file::read(&args.before)?, &file::read(&args.after)?);
    let mut out = Output::new();
    out.write(shown(&comparison))?;
    out.finish()
}

fn shown(comparison: &Comparison) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    for difference in &comparison.differences {
        line(difference.clone());
    }
    if comparison.lines.is_empty() {
        line("no row is in both reports".to_owned());
    } else {
        let headings =
            ["ROW", "FLOOR", "FIGURE", "BEFORE", "AFTER", "RATIO", "95 PERCENT", ""].map(str::to_owned);
        let mut rows = vec![headings.to_vec()];
        rows.extend(comparison.lines.iter().map(|line| {
            vec![
                line.subject.clone(),
                line.floor_ns.map_or_else(String::new, |floor| si(floor * 1e-9, "s")),
                line.figure.to_owned(),
                line.shown(line.before),
                line.shown(line.after),
                format!("{:.3}", line.ratio.median),
                format!("{:.3} .. {:.3}", line.ratio.low, line.ratio.high),
                line.verdict.name().to_owned(),
            ]
        }));
        line(table(&rows));
        line(format!("{}.\n\n{RULE}", counts(comparison)));
    }
    for (only, which) in [(&comparison.only_before, "before"), (&comparison.only_after, "after")] {
        if !only.is_empty() {
            line(format!("\nonly {which}:\n    {}", only.join("\n    ")));
        }
    }
    text
}

/// How many of each verdict there are, and how many to expect of chance.
fn counts(comparison: &Comparison) -> String {
    let count = |verdict| comparison.lines.iter().filter(|line| line.verdict == verdict).count();
    let all = [Verdict::Faster, Verdict::Slower, Verdict::Noise, Verdict::TooFew, Verdict::Moved];
    let counts: Vec<String> =
        all.into_iter().map(|verdict| format!("{} {}", count(verdict), verdict.name())).collect();
    let told = comparison.lines.len() - count(Verdict::TooFew) - count(Verdict::Moved);
    format!("{}; up to {} of {told} may be faster or slower by chance", counts.join(", "), told.div_ceil(100))
}
