//! A report as one page that needs nothing else: no script, no picture, no request.

mod axes;
mod identity;
mod plot;
mod plots;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::{
    identity::{KEY, Look, Marker},
    plot::Plot,
};
use super::{Report, bytes};

/// What the page is allowed to load: nothing but what is in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The page of a report, in HTML.
#[must_use]
pub fn page(report: &Report) -> String {
    let (machine, settings) = (&report.machine, &report.settings);
    let sections: [(&str, &str, Markup); 8] = [
        ("pipe", "Against a pipe", section_of_pipe(report)),
        ("latency", "Latency", section(&plots::percentiles(report), &tables::latency(report))),
        ("load", "Latency under load", section(&plots::loads(report), &tables::open_loop(report))),
        ("throughput", "Throughput", section(&throughput_plots(report), &tables::throughput(report))),
        ("kills", "While processes are killed", section(&plots::kills(report), &tables::survivors(report))),
        ("left-out", "Skipped and failed", or_nothing(&tables::left_out(report), "Nothing was.")),
        ("transports", "How each transport was set up", transports(report)),
        ("machine", "Machine and settings", circumstances(report)),
    ];
    let kind = if settings.quick { "quick run" } else { "full run" };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { "ironring bench, " (machine.cpu) ", " (settings.started) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                header {
                    h1 { "ironring bench" }
                    p class="faint" {
                        (machine.cpu) ", " (machine.cores) " cores, " (machine.kernel) ", " (settings.started) ", " (kind)
                    }
                    @if settings.interrupted { p class="bad" { "The run was interrupted: not everything was measured." } }
                    p {
                        "Each number is the median of its repeats, with its 95 percent interval where two are given. "
                        "A floor is what one cache line takes from one side to the other, one way, at that time. " (KEY)
                    }
                }
                nav { @for (id, title, _) in &sections { a href={ "#" (id) } { (title) } } }
                main {
                    @for (id, title, content) in &sections { section id=(id) { h2 { (title) } (content) } }
                }
            }
        }
    };
    page.into_string()
}

fn section_of_pipe(report: &Report) -> Markup {
    let table = tables::against_pipe(report);
    or_nothing(&table, "No pipe was measured, or nothing beside it on the same placement.")
}

fn throughput_plots(report: &Report) -> Vec<Plot> {
    plots::throughputs(report).into_iter().chain(plots::crowds(report)).collect()
}

/// Plots, and the numbers that are in them.
fn section(plots: &[Plot], table: &Markup) -> Markup {
    let content = html! { @for plot in plots { (figure(plot)) } (table) };
    or_nothing(&content, "Not measured in this run.")
}

fn or_nothing(content: &Markup, nothing: &str) -> Markup {
    html! { @if content.0.is_empty() { p class="faint" { (nothing) } } @else { (content) } }
}

fn figure(plot: &Plot) -> Markup {
    let [wide, narrow] = plot.svg();
    html! {
        figure data-plot=(plot.kind) {
            figcaption { (plot.title) }
            (PreEscaped(wide))
            (PreEscaped(narrow))
            ul class="legend" {
                @for series in plot.by_height() { li { (swatch(&series.look)) (series.label) } }
            }
        }
    }
}

/// A piece of a line as it is in the plot.
fn swatch(look: &Look) -> Markup {
    let colour = look.css();
    let dashes = look.dashes.map_or_else(String::new, |(dash, gap)| format!("{dash} {gap}"));
    let fill = if look.filled { colour.as_str() } else { "none" };
    html! {
        svg viewBox="0 0 36 12" aria-hidden="true" stroke=(colour) stroke-width="2" fill=(fill) {
            line x1="0" y1="6" x2="36" y2="6" stroke-dasharray=(dashes) {}
            @match look.marker {
                Marker::Circle => { circle cx="18" cy="6" r="3" {} }
                Marker::Triangle => { path d="M18 2 L22 9 L14 9 Z" {} }
                Marker::Square => { path d="M15 3 H21 V9 H15 Z" {} }
                Marker::Cross => { path d="M15 3 L21 9 M15 9 L21 3" {} }
            }
        }
    }
}

fn transports(report: &Report) -> Markup {
    let list = html! {
        @for about in &report.transports {
            dt { (about.transport) }
            dd { (about.version) ": " (about.setup) }
        }
    };
    html! { @if list.0.is_empty() { p class="faint" { "The report does not say." } } @else { dl { (list) } } }
}

/// The machine, and every setting of the run.
fn circumstances(report: &Report) -> Markup {
    let (machine, settings) = (&report.machine, &report.settings);
    let unknown =
        |field: &Option<String>| field.clone().unwrap_or_else(|| "the kernel does not say".to_owned());
    let list = |values: Vec<String>| values.join(", ");
    let numbers = |values: &[u64]| list(values.iter().map(|size| bytes(*size)).collect());
    let virtual_machine = match (machine.virtual_machine, &machine.hypervisor) {
        (true, Some(whose)) => format!("yes, {whose}"),
        (true, None) => "yes".to_owned(),
        (false, _) => "no".to_owned(),
    };
    let mut entries = vec![
        ("processor", machine.cpu.clone()),
        ("cores", format!("{}, {} sockets", machine.cores, machine.sockets)),
        ("threads of one core", list(machine.siblings.clone())),
        ("caches", machine.caches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        ("memory", crate::report::si(machine.memory_bytes as f64, "B")),
        ("kernel", machine.kernel.clone()),
        ("system", machine.system.clone()),
        ("governor of the clock", unknown(&machine.governor)),
        ("huge pages, private", unknown(&machine.huge_pages)),
        ("huge pages, shared", unknown(&machine.huge_pages_shared)),
        ("virtual machine", virtual_machine),
        ("compiler", machine.rustc.clone()),
        ("ironring", machine.ironring.clone()),
        ("started", settings.started.clone()),
        ("took", format!("{:.0} s", settings.seconds)),
        ("run", if settings.quick { "quick" } else { "full" }.to_owned()),
        ("interrupted", if settings.interrupted { "yes" } else { "no" }.to_owned()),
        ("pinned to cores", list(settings.pins.iter().map(ToString::to_string).collect())),
        ("transports", list(settings.transports.clone())),
        ("measures", list(settings.measures.clone())),
        ("sizes", if settings.sizes.is_empty() { "as usual".to_owned() } else { numbers(&settings.sizes) }),
        ("repeats", settings.repeats.to_string()),
        ("seed of the order", settings.seed.to_string()),
    ];
    entries.extend(settings.others.iter().map(|(name, value)| (name.as_str(), value.clone())));
    html! {
        dl { @for (name, value) in entries { dt { (name) } dd { (value) } } }
    }
}
