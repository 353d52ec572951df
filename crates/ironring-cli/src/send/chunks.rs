//! Messages of one size, whatever is in them.

use std::{fs::File, io};

use ironring::{Claim, Wary};

use super::{Lines as _, Patient};
use crate::{failure::Failure, kind::Used};

/// Sends pieces of `size` bytes, which the kernel writes to the ring itself. However the
/// input arrives, only the last piece may be shorter.
pub(super) fn send<A: Used>(sender: &mut Patient<'_, A>, input: &File, size: u64) -> Result<(), Failure> {
    let limit = sender.limit();
    let size = usize::try_from(size).ok().filter(|size| (1..=limit).contains(size)).ok_or_else(|| {
        Failure::Error(format!(
            "--chunk {size}: this ring takes messages of 1 to {limit} bytes; for larger ones make it first, \
             with `ironring create NAME --max-message {size}` and what else it asks for"
        ))
    })?;
    loop {
        let deadline = sender.deadline();
        let mut claim = sender.producer.claim_by(size, deadline)?;
        let (filled, done) = fill(&mut claim, input);
        if filled > 0 {
            claim.shrink(filled);
            claim.stage();
            sender.publish()?;
        }
        done.map_err(|e| Failure::reading(&e))?;
        if filled < size {
            return Ok(());
        }
    }
}

/// Reads until `claim` is full or the input ends; says how much that was, also where the
/// input failed.
fn fill<A: Used>(claim: &mut Claim<'_, [u8], Wary, A>, input: &File) -> (usize, io::Result<()>) {
    let mut filled = 0;
    while filled < claim.len() {
        match claim.read_from(input, filled) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return (filled, Err(e)),
        }
    }
    (filled, Ok(()))
}
