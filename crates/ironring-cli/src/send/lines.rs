//! A message a line.

use std::{
    fs::File,
    io::{self, Read},
};

use ironring::SendError;

use super::Lines;
use crate::failure::Failure;

/// What is read at once, and published together: in bytes. A terminal gives a line.
const BLOCK: usize = 64 << 10;

/// Sends the lines of `input`, each as soon as it was read to its end.
pub(super) fn send(sender: &mut impl Lines, mut input: &File) -> Result<(), Failure> {
    let limit = sender.limit();
    let mut buf = vec![0; limit + BLOCK];
    // The start of `buf` that holds the beginning of a line.
    let mut begun = 0;
    let mut lines = 0;
    loop {
        let end = begun
            + match input.read(&mut buf[begun..begun + BLOCK]) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Failure::reading(&e)),
            };
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &buf[begun..end]) {
            let behind = begun + newline + 1;
            lines += 1;
            take(sender, &buf[start..behind], lines)?;
            start = behind;
        }
        sender.publish()?;
        begun = end - start;
        if begun > limit {
            return Err(too_long(lines + 1, "at least ", begun, limit));
        }
        buf.copy_within(start..end, 0);
    }
    if begun > 0 {
        take(sender, &buf[..begun], lines + 1)?;
        sender.publish()?;
    }
    Ok(())
}

/// Sends line number `number`, at the next publish at the latest.
fn take(sender: &mut impl Lines, line: &[u8], number: u64) -> Result<(), Failure> {
    match sender.take(line) {
        Err(SendError::TooLong { len, limit }) => {
            sender.publish()?;
            Err(too_long(number, "", len, limit))
        }
        done => Ok(done?),
    }
}

fn too_long(number: u64, at_least: &str, len: usize, limit: usize) -> Failure {
    Failure::Error(format!(
        "line {number} has {at_least}{len} bytes, and this ring takes up to {limit}: it was not sent, all before \
         it was; send with --chunk, or make a ring with a larger --max-message"
    ))
}
