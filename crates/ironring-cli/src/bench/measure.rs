//! `ironring bench`: measures.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, SystemTime},
};

use indicatif::{ProgressBar, ProgressStyle};
use ironring_bench::{
    report::{Fate, Report, hdr_log, page},
    run::{self, Options, Progress, Run},
};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{args::Measure, file, show};
use crate::{failure::Failure, output::Output};

pub(super) fn run(args: &Measure) -> Result<(), Failure> {
    let options = options(args)?;
    let stop = stopped_by_signals()?;
    // Better told now than after the run.
    [&args.json, &args.html, &args.hdr].into_iter().flatten().try_for_each(|path| writable(path))?;
    let started = SystemTime::now();
    let Run { report, intervals } = measured(&options, &stop)?;
    if let Some(path) = &args.json {
        file::write(path, report.to_json())?;
    }
    if let Some(path) = &args.html {
        file::write(path, page(&report))?;
    }
    if let Some(path) = &args.hdr {
        file::write(path, hdr_log(started, &intervals))?;
    }
    let mut out = Output::new();
    out.write(show::report(&report))?;
    out.finish()?;
    verdict(&report)
}

fn options(args: &Measure) -> Result<Options, Failure> {
    let cores = args.pin.or_else(run::default_cores).ok_or_else(|| {
        Failure::Error(
            "found one core that this process may run on, expected two: measure on another machine, or \
             let it run on more (taskset, cgroups)"
                .into(),
        )
    })?;
    let mut options = Options::new(cores, args.quick);
    if !args.transports.is_empty() {
        options.transports.clone_from(&args.transports);
    }
    if !args.measures.is_empty() {
        options.measures.clone_from(&args.measures);
    }
    options.sizes.clone_from(&args.sizes);
    if let Some(seconds) = args.time {
        options.time = Duration::from_secs(seconds);
    }
    Ok(options)
}

fn writable(path: &Path) -> Result<(), Failure> {
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path);
    file.map(drop).map_err(|error| Failure::Error(format!("{}: {error}", path.display())))
}

/// What is set when this process is told to end. The second time it ends at once.
fn stopped_by_signals() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Failure::Error(format!("a handler for signal {signal}: {error}")))?;
    }
    Ok(stop)
}

/// Measures, and shows how far that is, where there is a terminal.
fn measured(options: &Options, stop: &AtomicBool) -> Result<Run, Failure> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len}, {prefix} left: {wide_msg}");
    bar.set_style(style.expect("a template in order"));
    let run = run::run(options, stop, |Progress { done, all, now, left }| {
        bar.set_length(*all as u64);
        bar.set_position(*done as u64);
        bar.set_prefix(format!("{}:{:02}", left.as_secs() / 60, left.as_secs() % 60));
        bar.set_message((*now).to_owned());
    });
    bar.finish_and_clear();
    let (one, other) = options.cores;
    run.map_err(|error| {
        Failure::Error(format!(
            "measuring between the cores {one} and {other}: {error}; choose others by --pin"
        ))
    })
}

/// How the command ends, when everything is written.
fn verdict(report: &Report) -> Result<(), Failure> {
    if report.settings.interrupted {
        return Err(Failure::Interrupted("interrupted: what was measured until then is above".into()));
    }
    let failed: Vec<&str> = report
        .left_out
        .iter()
        .filter(|left| left.fate == Fate::Failed)
        .map(|left| left.transport.as_str())
        .collect();
    if !failed.is_empty() {
        return Err(Failure::Error(format!("failed, as told above: {}", failed.join(", "))));
    }
    if report.results.is_empty() {
        return Err(Failure::Error(
            "nothing was measured: the transports, measures and sizes that were chosen do not go together"
                .into(),
        ));
    }
    Ok(())
}
