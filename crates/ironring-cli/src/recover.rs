//! `ironring recover`.

use ironring::mpmc;

use crate::{args::Name, failure::Failure, output::Output};

pub(crate) fn run(args: &Name) -> Result<(), Failure> {
    let mut out = Output::new();
    for recovered in mpmc::recover(&args.name)? {
        out.write(format!("{recovered}\n"))?;
    }
    out.finish()
}
