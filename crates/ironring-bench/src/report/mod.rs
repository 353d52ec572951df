//! What a run of the benchmark found, as it is written to a file and read again.
//!
//! `docs/BENCH-JSON.md` has every field with its unit. The numbers of a report are medians
//! over repeats; the repeats are kept beside them.

mod compare;
mod hdr;
mod machine;
mod measured;
mod page;
mod percentiles;
mod row;
mod settings;
mod summary;
mod units;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use self::summary::counted;
pub use self::{
    compare::{Comparison, Line, RULE, Verdict, compare},
    hdr::{Interval, hdr_log},
    machine::{Cache, Machine},
    measured::{
        Cost, Kill, Latency, Loaded, Measured, OpenLoop, Rates, Survival, Survivors, Throughput, Victim,
        Window,
    },
    page::page,
    percentiles::{Percentiles, Point, curve},
    row::{Access, Form, Placement, Row, Sides},
    settings::{About, Fate, LeftOut, Settings},
    summary::{Repeat, Summary},
    units::{bytes, si},
};

/// The schema that this version writes, and the only one that it reads.
pub const SCHEMA: u32 = 1;

/// One run, on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Where it was measured.
    pub machine: Machine,
    /// What was to be measured, and how.
    pub settings: Settings,
    /// How each transport was set up.
    #[serde(default)]
    pub transports: Vec<About>,
    /// What was measured.
    pub results: Vec<Row>,
    /// What was to be measured, and was not.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
}

/// Why a text is no report.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is not JSON, or lacks a field.
    #[error(
        "not a report of `ironring bench`: {0}; expected what `ironring bench --json FILE` writes: \
         measure again, or look whether the file is whole"
    )]
    NotAReport(#[from] serde_json::Error),
    /// Another version of `ironring bench` wrote it.
    #[error(
        "found schema {found}, expected schema {SCHEMA}: read it with the version of ironring that wrote it, \
         or measure again with this one"
    )]
    Schema {
        /// The number in the file.
        found: u64,
    },
}

impl Report {
    /// A report of this machine without results yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            schema: SCHEMA,
            machine: Machine::here(),
            settings,
            transports: Vec::new(),
            results: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Reads a report. Fields that are not known are passed over.
    ///
    /// # Errors
    ///
    /// If the text is no report, or one of another schema.
    ///
    /// ```
    /// use ironring_bench::report::Report;
    ///
    /// let error = Report::from_json(r#"{"schema": 7}"#).unwrap_err();
    /// assert!(error.to_string().starts_with("found schema 7, expected schema 1"));
    /// ```
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Schema {
            schema: u64,
        }
        let Schema { schema: found } = serde_json::from_str(text)?;
        if found != u64::from(SCHEMA) {
            return Err(ReadError::Schema { found });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The report as JSON, in lines.
    ///
    /// # Panics
    ///
    /// Never: every field has a form in JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("fields that JSON can hold") + "\n"
    }
}
