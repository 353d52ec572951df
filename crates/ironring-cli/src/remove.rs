//! `ironring remove`.

use crate::{
    args::Names,
    failure::{Failure, complain},
};

pub(crate) fn run(args: &Names) -> Result<(), Failure> {
    let mut left = 0;
    for name in &args.names {
        if let Err(error) = ironring::remove(name) {
            complain(Some(name), error);
            left += 1;
        }
    }
    match left {
        0 => Ok(()),
        _ => Err(Failure::Error(format!("{left} of {} not removed", args.names.len()))),
    }
}
