//! `ironring recover`.

use ironring::mpmc;

use crate::{failure::Failure, output::Output, target::Target};

pub(crate) fn run(ring: &Target) -> Result<(), Failure> {
    let mut out = Output::new();
    for recovered in mpmc::recover(ring.name())? {
        out.write(format!("{recovered}\n"))?;
    }
    out.finish()
}
