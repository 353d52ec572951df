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
    // The same resamplings each time: the interval of the same values is the same.
    let mut rng = Rng::with_seed(1);
    let mut medians: Vec<f64> = (0..2000)
        .map(|_| {
            let resampled: Vec<f64> = values.iter().map(|_| values[rng.usize(..values.len())]).collect();
            median(&resampled)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[((medians.len() - 1) as f64 * share).round() as usize];
    Estimate { median: median(values), low: at(0.025), high: at(0.975) }
}
