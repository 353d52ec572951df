//! `ironring close`, `ironring reopen` and `ironring remove`: of any number of rings.

use std::path::PathBuf;

use ironring::Error;

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

/// Does to each ring what makes it `done`, also where that fails for some.
fn each(args: &Names, done: &str, act: fn(&PathBuf) -> Result<(), Error>) -> Result<(), Failure> {
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
