//! `compare` on data whose answer is known.

use ironring_bench::report::{
    Access, Comparison, Form, Latency, Measured, Percentiles, Placement, Rates, Repeat, Report, Row,
    Settings, Sides, Summary, Throughput, Verdict, compare,
};

fn repeats<F>(values: &[f64], floor_ns: f64, figures: impl Fn(f64) -> F) -> Vec<Repeat<F>> {
    let repeat = |value: &f64| Repeat {
        figures: figures(*value),
        floor_before_ns: floor_ns,
        floor_after_ns: floor_ns,
        floor_before_p999_ns: None,
        floor_after_p999_ns: None,
        moved: false,
    };
    values.iter().map(repeat).collect()
}

fn row(measured: Measured, floor_ns: f64) -> Row {
    Row {
        transport: "pipe".to_owned(),
        measured,
        wait: "block".to_owned(),
        size: 64,
        sides: Sides::Processes,
        form: Form::Bytes,
        access: Access::Copied,
        placement: Placement::Siblings,
        floor_ns,
        floor_p999_ns: None,
    }
}

fn throughput_at(values: &[f64], floor_ns: f64) -> Row {
    let figures = |msgs_per_s| Rates { msgs_per_s, bytes_per_s: 64.0 * msgs_per_s, ..Rates::default() };
    let summary = Summary::of(repeats(values, floor_ns, figures));
    row(Measured::Throughput(Throughput { batch: 1, producers: 1, consumers: 1, summary }), floor_ns)
}

fn throughput(values: &[f64]) -> Row {
    throughput_at(values, 50.0)
}

/// The same `p50_ns` and `p999_ns`.
fn latency(values: &[f64]) -> Row {
    let figures = |ns| Percentiles { p50_ns: ns, p999_ns: ns, ..Percentiles::default() };
    let summary = Summary::of(repeats(values, 50.0, figures));
    row(Measured::Latency(Latency { summary, samples: 1000, curve: Vec::new() }), 50.0)
}

fn report(rows: impl IntoIterator<Item = Row>) -> Report {
    let mut report = Report::new(Settings::default());
    report.results.extend(rows);
    report
}

fn compared(before: Row, after: Row) -> Comparison {
    compare(&report([before]), &report([after]))
}

/// The verdict of the first figure.
fn verdict(before: Row, after: Row) -> Verdict {
    compared(before, after).lines[0].verdict
}

const STEADY: [f64; 5] = [98.0, 99.0, 100.0, 101.0, 102.0];

#[test]
fn more_messages_and_less_latency_are_faster() {
    let [half, twice] = [0.5, 2.0].map(|factor| STEADY.map(|value| value * factor));
    assert_eq!(verdict(throughput(&STEADY), throughput(&twice)), Verdict::Faster);
    assert_eq!(verdict(throughput(&STEADY), throughput(&half)), Verdict::Slower);
    assert_eq!(verdict(latency(&STEADY), latency(&twice)), Verdict::Slower);
    assert_eq!(verdict(latency(&STEADY), latency(&half)), Verdict::Faster);
}

#[test]
fn the_ratio_and_its_interval_are_those_of_the_repeats() {
    let comparison = compared(throughput(&STEADY), throughput(&STEADY.map(|value| value * 2.0)));
    let [line] = &comparison.lines[..] else { panic!("one figure was measured: {comparison:?}") };
    assert_eq!((line.before, line.after, line.ratio.median), (100.0, 200.0, 2.0));
    assert!(1.92 < line.ratio.low && line.ratio.low < 2.0, "{line:?}");
    assert!(2.0 < line.ratio.high && line.ratio.high < 2.09, "{line:?}");
}

#[test]
fn the_same_values_are_noise() {
    assert_eq!(verdict(throughput(&STEADY), throughput(&STEADY)), Verdict::Noise);
}

#[test]
fn a_change_within_the_spread_of_repeats_is_noise() {
    let wide = [60.0, 90.0, 100.0, 130.0, 170.0];
    assert_eq!(verdict(throughput(&wide), throughput(&wide.map(|value| value * 1.3))), Verdict::Noise);
}

#[test]
fn a_change_below_five_percent_is_noise_however_steady() {
    assert_eq!(verdict(throughput(&[100.0; 5]), throughput(&[104.5; 5])), Verdict::Noise);
    assert_eq!(verdict(throughput(&[100.0; 5]), throughput(&[105.5; 5])), Verdict::Faster);
}

#[test]
fn a_change_smaller_than_the_repeats_are_apart_is_noise() {
    // Each after is above each before, and the interval is above 1.
    let (before, after) = ([90.0, 95.0, 100.0, 105.0, 108.0], [109.0, 110.0, 112.0, 113.0, 114.0]);
    let line = &compared(throughput(&before), throughput(&after)).lines[0];
    assert!(line.ratio.low > 1.0 && line.verdict == Verdict::Noise, "{line:?}");
}

#[test]
fn a_change_smaller_than_that_of_the_floor_is_noise() {
    let twenty_more = STEADY.map(|value| value * 1.2);
    assert_eq!(verdict(throughput_at(&STEADY, 50.0), throughput_at(&twenty_more, 65.0)), Verdict::Noise);
    assert_eq!(verdict(throughput_at(&STEADY, 50.0), throughput_at(&twenty_more, 52.0)), Verdict::Faster);
}

#[test]
fn three_repeats_are_too_few() {
    assert_eq!(verdict(throughput(&[100.0; 3]), throughput(&[200.0; 9])), Verdict::TooFew);
    assert_eq!(verdict(throughput(&[100.0; 9]), throughput(&[200.0; 3])), Verdict::TooFew);
}

#[test]
fn rows_measured_on_cores_that_are_not_equally_near_do_not_compare() {
    assert_eq!(verdict(throughput_at(&STEADY, 50.0), throughput_at(&STEADY, 200.0)), Verdict::Moved);
}

/// One row of the repeats of several.
fn joined(rows: impl IntoIterator<Item = Row>) -> Row {
    let rows: Vec<Row> = rows.into_iter().collect();
    let repeats = rows.iter().flat_map(|row| match &row.measured {
        Measured::Throughput(throughput) => throughput.summary.repeats.clone(),
        other => panic!("a row of {}", other.name()),
    });
    let summary = Summary::of(repeats.collect());
    let measured = Measured::Throughput(Throughput { batch: 1, producers: 1, consumers: 1, summary });
    Row { measured, ..rows[0].clone() }
}

#[test]
fn only_repeats_with_the_same_floor_are_compared() {
    let slow = STEADY.map(|value| value / 5.0);
    // By all repeats the second would be faster.
    let before = joined([throughput_at(&STEADY[..2], 50.0), throughput_at(&slow, 200.0)]);
    let after = joined([throughput_at(&STEADY, 50.0), throughput_at(&slow, 210.0)]);
    let comparison = compared(before, after);
    let [line] = &comparison.lines[..] else { panic!("one figure was measured: {comparison:?}") };
    assert_eq!((line.verdict, line.before, line.after), (Verdict::Noise, 20.0, 20.0), "{line:?}");
    assert!(line.floor_ns.is_some_and(|floor| (200.0..=210.0).contains(&floor)), "{line:?}");
}

#[test]
fn repeats_during_which_the_floor_changed_are_not_compared() {
    let moved = |count: usize| {
        let mut row = throughput(&[100.0, 1.0, 1.0, 100.0, 100.0, 100.0]);
        let Measured::Throughput(measured) = &mut row.measured else { unreachable!("a row of throughput") };
        let repeats = measured.summary.repeats.iter_mut();
        repeats.filter(|repeat| count == 6 || repeat.figures.msgs_per_s < 2.0).for_each(|repeat| {
            repeat.floor_after_ns = 200.0;
        });
        row
    };
    let line = &compared(throughput(&STEADY), moved(2)).lines[0];
    // With the two repeats that moved, the interval would reach down to a hundredth.
    assert_eq!((line.after, line.verdict), (100.0, Verdict::Noise), "{line:?}");
    assert!(line.ratio.low > 0.97, "{line:?}");
    assert_eq!(verdict(throughput(&STEADY), moved(6)), Verdict::Moved);
}

#[test]
fn rows_of_one_report_only_are_named() {
    let other = Row { size: 8, ..throughput(&STEADY) };
    let elsewhere = Row { placement: Placement::Other, ..throughput(&STEADY) };
    let comparison = compare(
        &report([throughput(&STEADY), latency(&STEADY)]),
        &report([latency(&STEADY), other, elsewhere]),
    );
    assert_eq!(comparison.only_before, ["throughput pipe 64 B block, siblings"]);
    assert_eq!(
        comparison.only_after,
        ["throughput pipe 8 B block, siblings", "throughput pipe 64 B block, other"]
    );
    assert_eq!(comparison.lines.len(), 2, "p50 and p99.9 of the latency");
}

#[test]
fn rows_that_differ_in_any_setting_have_different_subjects() {
    let threads = Row { sides: Sides::Threads, ..throughput(&STEADY) };
    let typed = Row { form: Form::Typed, ..throughput(&STEADY) };
    let in_place = Row { access: Access::InPlace, ..throughput(&STEADY) };
    let waiting = Row { wait: "spin".to_owned(), ..throughput(&STEADY) };
    let sized = Row { size: 65536, ..throughput(&STEADY) };
    let named = Row { transport: "fifo".to_owned(), ..throughput(&STEADY) };
    let rows = [throughput(&STEADY), latency(&STEADY), threads, typed, in_place, waiting, sized, named];
    let mut subjects: Vec<String> = rows.iter().map(Row::subject).collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), rows.len(), "{subjects:?}");
}

#[test]
fn other_machines_are_named() {
    let (before, mut after) = (report([throughput(&STEADY)]), report([throughput(&STEADY)]));
    assert_eq!(compare(&before, &after).differences, [""; 0]);
    after.machine.kernel = "Linux 99".to_owned();
    let expected = format!("another kernel: {} before, Linux 99 after", before.machine.kernel);
    assert_eq!(compare(&before, &after).differences, [expected]);
}
