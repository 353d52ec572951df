//! Latencies as percentiles, out of a histogram.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Latencies in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half of all messages took at most so long.
    pub p50_ns: f64,
    /// 90 of 100.
    pub p90_ns: f64,
    /// 99 of 100.
    pub p99_ns: f64,
    /// 999 of 1,000.
    pub p999_ns: f64,
    /// 9,999 of 10,000.
    pub p9999_ns: f64,
    /// All.
    pub max_ns: f64,
}

/// One point of a latency curve: this share of all messages, above 0 and at most 1, took at
/// most so many nanoseconds. In JSON `[share, ns]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point(pub f64, pub f64);

impl Percentiles {
    /// Those of a histogram whose counts are of `unit_ns` nanoseconds each.
    ///
    /// ```
    /// use hdrhistogram::Histogram;
    /// use ironring_bench::report::Percentiles;
    ///
    /// let mut halves = Histogram::<u64>::new(3)?;
    /// (1..=1000).try_for_each(|value| halves.record(value))?;
    /// let latencies = Percentiles::of(&halves, 0.5);
    /// assert_eq!((latencies.p50_ns, latencies.p99_ns, latencies.max_ns), (250.0, 495.0, 500.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(histogram: &Histogram<u64>, unit_ns: f64) -> Self {
        let at = |share| histogram.value_at_quantile(share) as f64 * unit_ns;
        Self {
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            p9999_ns: at(0.9999),
            max_ns: histogram.max() as f64 * unit_ns,
        }
    }
}

/// The curve of a histogram whose counts are of `unit_ns` nanoseconds each: as many points
/// as a plot can show, up to the share of all messages but one, and the maximum.
///
/// ```
/// use hdrhistogram::Histogram;
/// use ironring_bench::report::{Point, curve};
///
/// let mut latencies = Histogram::<u64>::new(3)?;
/// (1..=1000).try_for_each(|value| latencies.record(value))?;
/// let curve = curve(&latencies, 1.0);
/// assert_eq!(curve.last(), Some(&Point(1.0, 1000.0)));
/// assert!(curve.contains(&Point(0.99, 990.0)) && !curve.iter().any(|point| point.0 == 0.9999));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn curve(histogram: &Histogram<u64>, unit_ns: f64) -> Vec<Point> {
    const STEPS: [f64; 4] = [0.0, 0.25, 0.5, 0.75];
    let known = 1.0 - 1.0 / histogram.len() as f64;
    // Shares without and with 1, 2 ... nines: 0.25 .. 0.75, 0.9, 0.925 .. 0.975, 0.99 and so on.
    let shares = (0..7).flat_map(|nines| {
        let rest = 10_f64.powi(-nines);
        // Rounded, so that the decimals are those that people write.
        STEPS.iter().map(move |step| ((1.0 - rest * (1.0 - step)) * 1e9).round() / 1e9)
    });
    let mut points: Vec<Point> = shares
        .filter(|share| *share > 0.0 && *share <= known)
        .map(|share| Point(share, histogram.value_at_quantile(share) as f64 * unit_ns))
        .collect();
    points.push(Point(1.0, histogram.max() as f64 * unit_ns));
    points
}
