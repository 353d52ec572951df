//! Axes: how values become places, and what the ticks say.

use super::plot::Axis;
use crate::report::{bytes, si};

/// An axis of powers of ten, for values whose logarithms are the places: `unit` times `scale` each.
pub(super) fn decades(title: &str, unit: &str, scale: f64, places: impl Iterator<Item = f64>) -> Axis {
    let (low, high) =
        places.fold((f64::MAX, f64::MIN), |(low, high), place| (low.min(place), high.max(place)));
    let steps: &[f64] = if high - low < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let decades = low.floor() as i32..=high.ceil() as i32;
    let ticks = decades.flat_map(|decade| {
        steps.iter().map(move |step| {
            let value = step * 10_f64.powi(decade);
            let text = si(value * scale, unit);
            // Ticks are whole numbers of their unit.
            (value.log10(), text.replace(".00", "").replace(".0 ", " "))
        })
    });
    Axis { title: title.to_owned(), ticks: ticks.collect() }
}

/// The place of a share of all messages: the number of its nines.
pub(super) fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

/// An axis of shares of all messages.
pub(super) fn shares() -> Axis {
    let shares = [("50 %", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999), ("99.99 %", 0.9999)];
    let mut ticks: Vec<(f64, String)> =
        shares.iter().map(|(text, share)| (nines(*share), (*text).to_owned())).collect();
    ticks.extend([(5.0, "5 nines".to_owned()), (6.0, "6 nines".to_owned())]);
    Axis { title: "share of all messages that took at most so long".to_owned(), ticks }
}

/// An axis of sizes in bytes, whose binary logarithms are the places.
pub(super) fn sizes(sizes: impl Iterator<Item = u64>) -> Axis {
    let mut sizes: Vec<u64> = sizes.collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for size in sizes {
        let place = (size as f64).log2();
        // Room for the text, on a narrow page too.
        if ticks.last().is_none_or(|last| place - last.0 >= 2.9) {
            ticks.push((place, bytes(size)));
        }
    }
    Axis { title: "size of a message".to_owned(), ticks }
}

/// An axis of names.
pub(super) fn names(title: &str, names: &[String]) -> Axis {
    let ticks = names.iter().enumerate().map(|(place, name)| (place as f64, name.clone()));
    Axis { title: title.to_owned(), ticks: ticks.collect() }
}

/// An axis of milliseconds, in some eight steps.
pub(super) fn milliseconds(title: &str, longest: f64) -> Axis {
    let rough = (longest / 8.0).max(1e-3);
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * decade).find(|step| *step >= rough);
    let step = step.unwrap_or(decade * 10.0);
    let ticks = (0..=(longest / step) as u32).map(|count| f64::from(count) * step);
    Axis { title: title.to_owned(), ticks: ticks.map(|at| (at, format!("{at}"))).collect() }
}
