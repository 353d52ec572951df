//! Figures as people read them.

/// A value with three digits and the prefix that suits it: of nanoseconds to seconds, or of
/// ones to billions.
///
/// ```
/// use ironring_bench::report::si;
///
/// assert_eq!(si(60.5e-9, "s"), "60.5 ns");
/// assert_eq!(si(0.999_9, "s"), "1.00 s");
/// assert_eq!(si(23_456_789.0, "/s"), "23.5 M/s");
/// assert_eq!(si(0.0, "s"), "0 s");
/// ```
#[must_use]
pub fn si(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 7] =
        [(1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")];
    if value == 0.0 || !value.is_finite() {
        return format!("{value} {unit}");
    }
    // 999.7 has three digits as 1.00 of the next.
    let suits = |(scale, _): &&(f64, &str)| value.abs() / scale < 999.5;
    let (scale, prefix) = PREFIXES.iter().find(suits).unwrap_or(&PREFIXES[6]);
    let scaled = value / scale;
    let decimals = match scaled.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:.decimals$} {prefix}{unit}")
}

/// A number of bytes, such as `64 B` and `1 MiB`.
///
/// ```
/// use ironring_bench::report::bytes;
///
/// assert_eq!([8, 1000, 1024, 1 << 20].map(bytes), ["8 B", "1000 B", "1 KiB", "1 MiB"]);
/// ```
#[must_use]
pub fn bytes(size: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];
    let (unit, name) =
        units.into_iter().find(|(unit, _)| size >= *unit && size.is_multiple_of(*unit)).unwrap_or((1, "B"));
    format!("{} {name}", size / unit)
}
