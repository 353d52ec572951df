//! `ironring close`, `reopen`, `remove` and `salvage`: of any number of rings.

use std::fmt::Display;

use ironring::{Name, Salvaged};

use crate::{
    failure::{Failure, complain},
    target::Targets,
};

pub(crate) fn close(args: &Targets) -> Result<(), Failure> {
    each(args, "closed", ironring::close)
}

pub(crate) fn reopen(args: &Targets) -> Result<(), Failure> {
    each(args, "reopened", ironring::reopen)
}

pub(crate) fn remove(args: &Targets) -> Result<(), Failure> {
    each(args, "removed", ironring::remove)
}

pub(crate) fn salvage(args: &Targets) -> Result<(), Failure> {
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
fn each<E: Display>(args: &Targets, done: &str, act: impl Fn(Name) -> Result<(), E>) -> Result<(), Failure> {
    let mut left = 0;
    for (shown, name) in args.all() {
        if let Err(error) = act(name) {
            complain(Some(shown), error);
            left += 1;
        }
    }
    match left {
        0 => Ok(()),
        _ => Err(Failure::Error(format!("{left} of {} not {done}", args.all().len()))),
    }
}
