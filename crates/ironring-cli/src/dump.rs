//! `ironring dump`.

use std::fmt::Write;

use ironring::{Observer, Peeked, RecvError};

use crate::{failure::Failure, output::Output, stat::Summary, target::Target};

pub(crate) fn run(ring: &Target) -> Result<(), Failure> {
    let ring = Observer::open(ring.name())?;
    let mut out = Output::new();
    out.write(Summary::of(&ring)?.to_string())?;
    for message in ring.peek() {
        match message {
            Ok(message) => out.write(text_of(&message))?,
            Err(corrupt) => {
                out.finish()?;
                return Err(RecvError::from(corrupt).into());
            }
        }
    }
    out.finish()
}

/// A line about a message, and its bytes, sixteen a line.
fn text_of(message: &Peeked) -> String {
    let Peeked { position, tag, is_received, bytes, .. } = message;
    let received = if *is_received { ", received and not released" } else { "" };
    let mut text = format!("\nmessage at {position}: {} bytes, tag {tag}{received}\n", bytes.len());
    for (i, line) in bytes.chunks(16).enumerate() {
        let hex: String = line.iter().map(|byte| format!("{byte:02x} ")).collect();
        let shown: String = line
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { *byte as char } else { '.' })
            .collect();
        writeln!(text, "  {:08x}  {hex:<48} |{shown}|", 16 * i).expect("a string takes what it is given");
    }
    text
}
