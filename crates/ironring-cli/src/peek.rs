//! `ironring peek`.

use ironring::{Observer, RecvError};

use crate::{args::Peek, failure::Failure, output::Output};

pub(crate) fn run(args: &Peek) -> Result<(), Failure> {
    let ring = Observer::open(args.ring.name())?;
    let mut out = Output::new();
    for message in ring.peek().take(args.count.unwrap_or(usize::MAX)) {
        match message {
            Ok(message) => out.write(message.bytes)?,
            Err(corrupt) => {
                out.finish()?;
                return Err(RecvError::from(corrupt).into());
            }
        }
    }
    out.finish()
}
