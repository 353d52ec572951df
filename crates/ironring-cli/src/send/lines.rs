//! A message a line.

use std::{
    fs::File,
    io::{self, Read},
};

use ironring::{SendError, spsc::Producer};

use super::wait_for_room;
use crate::failure::Failure;

/// What is read at once, and published together: in bytes. A terminal gives a line.
const BLOCK: usize = 64 << 10;

/// Sends the lines of `input`, each as soon as it was read to its end.
pub(super) fn send(producer: &mut Producer<[u8]>, mut input: &File) -> Result<(), Failure> {
    let limit = producer.max_message();
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
            stage(producer, &buf[start..behind], lines)?;
            start = behind;
        }
        producer.publish()?;
        begun = end - start;
        if begun > limit {
            return Err(too_long(lines + 1, "at least ", begun, limit));
        }
        buf.copy_within(start..end, 0);
    }
    if begun > 0 {
        stage(producer, &buf[..begun], lines + 1)?;
        producer.publish()?;
    }
    Ok(())
}

/// Stages line number `number`; waits for room, having published what was staged.
fn stage(producer: &mut Producer<[u8]>, line: &[u8], number: u64) -> Result<(), Failure> {
    loop {
        match producer.stage(line) {
            Err(SendError::Full) => {
                producer.publish()?;
                wait_for_room(producer)?;
            }
            Err(SendError::TooLong { len, limit }) => {
                producer.publish()?;
                return Err(too_long(number, "", len, limit));
            }
            done => return Ok(done?),
        }
    }
}

fn too_long(number: u64, at_least: &str, len: usize, limit: usize) -> Failure {
    Failure::Error(format!(
        "line {number} has {at_least}{len} bytes, and this ring takes up to {limit}: it was not sent, all before \
         it was; send with --chunk, or make a ring with a larger --max-message"
    ))
}
