//! Medians over repeats, with their intervals, and the repeats.

use ironring_testkit::floor::are_near;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::statistics::estimate;

/// One repeat of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repeat<F> {
    /// What was measured.
    #[serde(flatten)]
    pub figures: F,
    /// One-way nanoseconds of one cache line before the measurement.
    pub floor_before_ns: f64,
    /// The same after it.
    pub floor_after_ns: f64,
    /// All but one in a thousand of the lines before the measurement took at most so many nanoseconds
    /// one way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_before_p999_ns: Option<f64>,
    /// The same after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_after_p999_ns: Option<f64>,
    /// Whether the machine moved the cores meanwhile, by the floors: kept, and not counted.
    #[serde(default)]
    pub moved: bool,
}

impl<F> Repeat<F> {
    const fn has_moved(&self) -> bool {
        self.moved
    }

    /// The floor in nanoseconds, if those before and after agree, by [`are_near`].
    fn floor_ns(&self) -> Option<f64> {
        are_near(self.floor_before_ns, self.floor_after_ns)
            .then(|| f64::midpoint(self.floor_before_ns, self.floor_after_ns))
    }
}

/// Figures over the repeats of a measurement: each is a median.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary<F> {
    /// The medians.
    #[serde(flatten)]
    pub median: F,
    /// The lower ends of their 95 percent intervals.
    pub low: F,
    /// The upper ends.
    pub high: F,
    /// The raw values, in the order in which they were measured.
    pub repeats: Vec<Repeat<F>>,
}

impl<F: Clone + Serialize + DeserializeOwned> Summary<F> {
    /// Sums up the repeats during which the machine did not move the cores; if it always did, all.
    /// A figure that is absent in one of them is absent.
    ///
    /// # Panics
    ///
    /// If there are no repeats.
    ///
    /// ```
    /// use ironring_bench::report::{Rates, Repeat, Summary};
    ///
    /// let repeats = [(5.0, false), (6.0, false), (1.0, true), (7.0, false)].map(|(msgs_per_s, moved)| Repeat {
    ///     figures: Rates { msgs_per_s, bytes_per_s: 8.0 * msgs_per_s, ..Rates::default() },
    ///     floor_before_ns: 50.0,
    ///     floor_after_ns: 52.0,
    ///     floor_before_p999_ns: Some(if moved { 900.0 } else { 90.0 }),
    ///     floor_after_p999_ns: Some(100.0),
    ///     moved,
    /// });
    /// let summary = Summary::of(repeats.to_vec());
    /// assert_eq!((summary.low.msgs_per_s, summary.median.msgs_per_s, summary.high.msgs_per_s), (5.0, 6.0, 7.0));
    /// assert_eq!(summary.floor_ns(), 51.0);
    /// assert_eq!(summary.floor_p999_ns(), Some(95.0));
    /// ```
    #[must_use]
    pub fn of(repeats: Vec<Repeat<F>>) -> Self {
        let columns = columns(&counted(&repeats, Repeat::has_moved));
        let pick = |end: fn(&[f64]) -> f64| {
            let picked = columns.iter().map(|(name, values)| (name.clone(), end(values).into()));
            serde_json::from_value(Value::Object(picked.collect())).expect("the names of its own figures")
        };
        Self {
            median: pick(|values| estimate(values).median),
            low: pick(|values| estimate(values).low),
            high: pick(|values| estimate(values).high),
            repeats,
        }
    }

    /// The median of the floors, in nanoseconds, of the repeats that are counted.
    ///
    /// # Panics
    ///
    /// If there are no repeats.
    #[must_use]
    pub fn floor_ns(&self) -> f64 {
        let floors: Vec<f64> = counted(&self.repeats, Repeat::has_moved)
            .iter()
            .flat_map(|repeat| [repeat.floor_before_ns, repeat.floor_after_ns])
            .collect();
        crate::statistics::median(&floors)
    }

    /// The median of the same floors' p99.9, in nanoseconds; none if they are not known of all repeats.
    #[must_use]
    pub fn floor_p999_ns(&self) -> Option<f64> {
        let floors: Option<Vec<f64>> = counted(&self.repeats, Repeat::has_moved)
            .iter()
            .flat_map(|repeat| [repeat.floor_before_p999_ns, repeat.floor_after_p999_ns])
            .collect();
        floors.map(|floors| crate::statistics::median(&floors))
    }
}

/// What does not depend on which figures they are.
pub(super) trait OverRepeats {
    /// The values of the figure `name` in the repeats that are counted; none if it is absent.
    fn values(&self, name: &str) -> Vec<f64>;

    /// Of each repeat whose floors before and after agree, the floor in nanoseconds and the value of
    /// the figure `name`.
    fn steady(&self, name: &str) -> Vec<(f64, f64)>;

    /// How many repeats were kept.
    fn repeats(&self) -> usize;

    /// During how many of them the machine moved the cores.
    fn moved(&self) -> usize;
}

impl<F: Serialize> OverRepeats for Summary<F> {
    fn values(&self, name: &str) -> Vec<f64> {
        let columns = columns(&counted(&self.repeats, Repeat::has_moved));
        columns.into_iter().find(|(found, _)| found == name).map_or_else(Vec::new, |(_, values)| values)
    }

    fn steady(&self, name: &str) -> Vec<(f64, f64)> {
        let steady: Vec<_> = self.repeats.iter().filter(|repeat| repeat.floor_ns().is_some()).collect();
        let floors = steady.iter().filter_map(|repeat| repeat.floor_ns());
        let values = columns(&steady).into_iter().find(|(found, _)| found == name);
        values.map_or_else(Vec::new, |(_, values)| floors.zip(values).collect())
    }

    fn repeats(&self) -> usize {
        self.repeats.len()
    }

    fn moved(&self) -> usize {
        self.repeats.iter().filter(|repeat| repeat.moved).count()
    }
}

/// The repeats that count: those during which the machine has not `moved` the cores; if it always
/// did, all.
pub(crate) fn counted<T>(repeats: &[T], moved: impl Fn(&T) -> bool) -> Vec<&T> {
    let steady: Vec<_> = repeats.iter().filter(|repeat| !moved(repeat)).collect();
    if steady.is_empty() { repeats.iter().collect() } else { steady }
}

/// The figures that all `repeats` have, by name, with their values.
fn columns<F: Serialize>(repeats: &[&Repeat<F>]) -> Vec<(String, Vec<f64>)> {
    let rows: Vec<Map<String, Value>> = repeats
        .iter()
        .map(|repeat| match serde_json::to_value(&repeat.figures) {
            Ok(Value::Object(figures)) => figures,
            other => panic!("figures are named numbers, not {other:?}"),
        })
        .collect();
    let names = rows.first().into_iter().flat_map(Map::keys);
    names
        .filter_map(|name| {
            let values: Option<Vec<f64>> = rows.iter().map(|row| row.get(name)?.as_f64()).collect();
            Some((name.clone(), values?))
        })
        .collect()
}
