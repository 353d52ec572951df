//! `ironring close`, `reopen`, `remove` and `salvage`: of any number of rings.

use std::{fmt::Display, path::PathBuf};

use ironring::Salvaged;

use crate::{
    args::Names,
    failure::{Failure, complain},
};

pub(crate) fn close(args: &Names) -> Result<(), Failure> {
    each(args, "closed", |name| ironring::close(name))
}

pub(crate) fn reopen(args: &Names) -> Result<(), Failure> {
    each(args, "reopened", |name| ironring::reopen(name))
}

pub(crate) fn remove(args: &Names) -> Result<(), Failure> {
    each(args, "removed", |name| ironring::remove(name))
}

pub(crate) fn salvage(args: &Names) -> Result<(), Failure> {
    each(args, "salvaged", |name| match ironring::salvage(name) {
        Ok(Salvaged::Whole) => Ok(()),
        Ok(Salvaged::OfThisBoot) => Err("it is of this boot: there is nothing to salvage".to_owned()),
        Ok(Salvaged::Spoilt(report)) => {
            let found = report.findings().iter().map(ToString::to_string).collect::<Vec<_>>();
            Err(format!("it is not whole, and stays refused: {}", found.join("; ")))
        }
        Err(error) => Err(error.to_string()),
    })
}

/// Does to each ring what makes it `done`, also where that fails for some.
fn each<E: Display>(
    args: &Names,
    done: &str,
    act: impl Fn(&PathBuf) -> Result<(), E>,
) -> Result<(), Failure> {
    let mut left = 0;
    for name in &args.names {
        if let Err(error) = act(name) {
            complain(Some(name), error);
            left += 1;
        }
    }
    match left {
        0 => Ok(()),
        _ => Err(Failure::Error(format!("{left} of {} not {done}", args.names.len()))),
    }
}
