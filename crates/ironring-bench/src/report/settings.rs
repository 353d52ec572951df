//! What a run was told, how each transport was set up, and what came to nothing.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// What was to be measured, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// When the run began, in UTC, as in `2026-11-26T11:20:00Z`.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether it was the short run.
    pub quick: bool,
    /// Whether it ended before everything was measured, as by Ctrl-C.
    pub interrupted: bool,
    /// The cores of the producing and the consuming side.
    pub pins: Vec<usize>,
    /// The names of the transports that were asked for.
    pub transports: Vec<String>,
    /// What was to be measured of each.
    pub measures: Vec<String>,
    /// The sizes in bytes.
    pub sizes: Vec<u64>,
    /// How often each measurement was to be repeated.
    pub repeats: usize,
    /// What the order of the measurements was shuffled by.
    pub seed: u64,
    /// Whatever else a reader must know to measure the same again, by name.
    pub others: BTreeMap<String, String>,
}

/// How a transport was set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Its name in the rows.
    pub transport: String,
    /// Whose it is and which version, such as `rtrb 0.4.0`, or `the kernel`.
    pub version: String,
    /// Capacity, options and what else was set, in a sentence or two.
    pub setup: String,
}

/// What was to be measured, and was not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The transport.
    pub transport: String,
    /// Of what: such as `throughput, 1048576 bytes`; empty for all of it.
    #[serde(default)]
    pub what: String,
    /// Whether it was not tried, or failed.
    pub fate: Fate,
    /// Why.
    pub why: String,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// This machine cannot run it, or it cannot do what was to be measured.
    Skipped,
    /// It lost, duplicated, reordered or spoilt a message, or ended with an error.
    Failed,
}

impl Fate {
    /// The fate's name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

impl Settings {
    /// `time` in UTC, to the second, for [`started`](Self::started).
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_692_000);
    /// assert_eq!(ironring_bench::report::Settings::utc(time), "2026-11-26T11:20:00Z");
    /// ```
    #[must_use]
    pub fn utc(time: SystemTime) -> String {
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    }
}
