//! Reports in files.

use std::{fs, path::Path};

use ironring_bench::report::Report;

use crate::failure::Failure;

/// Reads a report.
pub(super) fn read(path: &Path) -> Result<Report, Failure> {
    let fail = |why: String| Failure::Error(format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    Report::from_json(&text).map_err(|error| fail(error.to_string()))
}
