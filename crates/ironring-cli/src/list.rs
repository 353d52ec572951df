//! `ironring list`.

use ironring::{Error, Observer};

use crate::{failure::Failure, output::Output, stat::Summary};

pub(crate) fn run() -> Result<(), Failure> {
    let mut rows = vec![["NAME", "KIND", "USED", "SENDER", "RECEIVER"].map(str::to_owned)];
    for name in ironring::names()? {
        let shown = name.display().to_string();
        match Observer::open(&name).and_then(|ring| Summary::of(&ring)) {
            Ok(ring) => {
                let used = ring.used();
                let [sender, receiver] = ring.parties();
                rows.push([shown, ring.kind, used, sender, receiver]);
            }
            // Removed since the names were read.
            Err(Error::NotFound { .. }) => {}
            Err(error) => rows.push([shown, "?".into(), error.to_string(), String::new(), String::new()]),
        }
    }
    let mut out = Output::new();
    out.write(table(&rows))?;
    out.finish()
}

/// The rows, with columns as wide as they need; a row without a sender is not measured.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| {
        rows.iter().filter(|row| !row[3].is_empty()).map(|row| row[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
