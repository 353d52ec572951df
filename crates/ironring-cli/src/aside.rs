//! `ironring aside`.

use std::io::{self, Write};

use ironring::{Observer, mpmc};

use crate::{args, failure::Failure, output::Output, participants::Aside};

pub(crate) fn run(args: &args::Aside) -> Result<(), Failure> {
    match args.take {
        None => list(args),
        Some(position) => take(args, position),
    }
}

fn list(args: &args::Aside) -> Result<(), Failure> {
    let mut out = Output::new();
    for aside in Aside::all(&Observer::open(args.ring.name())?)? {
        out.write(aside.line() + "\n")?;
    }
    out.finish()
}

/// They leave the ring only when standard output has them.
fn take(args: &args::Aside, position: u64) -> Result<(), Failure> {
    let is_taken = mpmc::take_set_aside(args.ring.name(), position, |messages| {
        let mut out = io::stdout().lock();
        messages
            .iter()
            .try_for_each(|message| out.write_all(message))
            .and_then(|()| out.flush())
            .map_err(|error| Failure::writing(&error))
    })?;
    if is_taken {
        return Ok(());
    }
    Err(Failure::Error(format!(
        "nothing is set aside at position {position}, or somebody else is taking it; see `ironring aside {}`",
        args.ring.shown().display()
    )))
}
