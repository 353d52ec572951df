//! Reports in files.

use std::{fmt::Display, fs, path::Path};

use ironring_bench::report::Report;

use crate::failure::Failure;

/// Reads a report.
pub(super) fn read(path: &Path) -> Result<Report, Failure> {
    let text = fs::read_to_string(path).map_err(|error| failure(path, &error))?;
    Report::from_json(&text).map_err(|error| failure(path, &error))
}

/// Writes a report, or a page or a log of one.
pub(super) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| failure(path, &error))
}

fn failure(path: &Path, error: &dyn Display) -> Failure {
    Failure::Error(format!("{}: {error}", path.display()))
}
