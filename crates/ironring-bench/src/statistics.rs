//! Medians and their intervals.

use fastrand::Rng;

/// The median of `values`: the mean of the middle two where their number is even.
///
/// # Panics
///
/// If there are none.
///
/// ```
/// assert_eq!(ironring_bench::statistics::median(&[3.0, 1.0, 2.0]), 2.0);
/// assert_eq!(ironring_bench::statistics::median(&[4.0, 1.0]), 2.5);
/// ```
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// A median and the interval that holds it with 95 percent probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// The median of `values`, with its percentile-bootstrap interval from 2,000 resamplings.
///
/// # Panics
///
/// If there are no values.
///
/// ```
/// let values: Vec<f64> = (0..101).map(f64::from).collect();
/// let estimate = ironring_bench::statistics::estimate(&values);
/// assert_eq!(estimate.median, 50.0);
/// assert!(estimate.low > 30.0 && estimate.low < 50.0 && estimate.high > 50.0);
/// ```
pub fn estimate(values: &[f64]) -> Estimate {
    bootstrap(median(values), |rng| median(&resampled(values, rng)))
}

/// The median of `values` over the median of `others`, which were measured apart from them, with
/// its percentile-bootstrap interval from 2,000 resamplings of both.
///
/// # Panics
///
/// If there are no values on a side.
///
/// ```
/// let after = ironring_bench::statistics::ratio(&[9.0, 10.0, 11.0], &[5.0, 5.0, 5.0]);
/// assert_eq!((after.low, after.median, after.high), (1.8, 2.0, 2.2));
/// ```
pub fn ratio(values: &[f64], others: &[f64]) -> Estimate {
    bootstrap(median(values) / median(others), |rng| {
        median(&resampled(values, rng)) / median(&resampled(others, rng))
    })
}

/// As many of `values` as there are, each drawn from all.
fn resampled(values: &[f64], rng: &mut Rng) -> Vec<f64> {
    values.iter().map(|_| values[rng.usize(..values.len())]).collect()
}

/// The interval of what `resample` gives, around `median`.
fn bootstrap(median: f64, mut resample: impl FnMut(&mut Rng) -> f64) -> Estimate {
    // The same resamplings each time: the interval of the same values is the same.
    let mut rng = Rng::with_seed(1);
    let mut found: Vec<f64> = (0..2000).map(|_| resample(&mut rng)).collect();
    found.sort_by(f64::total_cmp);
    let at = |share: f64| found[((found.len() - 1) as f64 * share).round() as usize];
    Estimate { median, low: at(0.025), high: at(0.975) }
}
