//! A frame as it is found in the data area: read once, and checked before it is used.

use crate::{
    error::Corrupt,
    payload::{FrameHeader, frame_len},
};

/// What the header word at a position says, found possible there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Bytes from this frame to the next.
    pub(crate) footprint: u64,
    /// The payload's length in bytes.
    pub(crate) len: usize,
    pub(crate) tag: u32,
    /// Whether it only fills the end of the data area.
    pub(crate) is_padding: bool,
}

impl Frame {
    /// Reads `word`, which is not empty, as the header at `position`.
    #[inline(always)]
    pub(crate) fn read(word: u64, position: u64, capacity: u64, max_message: usize) -> Result<Self, Corrupt> {
        let to_end = capacity - (position & (capacity - 1));
        let Some(header) = FrameHeader::decode(word) else {
            return Err(Corrupt {
                word: "frame header",
                found: word,
                expected: "ready, with no unknown flags",
            });
        };
        if header.is_padding() {
            return Ok(Self { footprint: to_end, len: 0, tag: 0, is_padding: true });
        }
        let footprint = frame_len(header.len());
        if header.len() > max_message as u64 || footprint > to_end {
            return Err(Corrupt {
                word: "frame header",
                found: word,
                expected: "a length within the data area",
            });
        }
        Ok(Self { footprint, len: header.len() as usize, tag: header.tag(), is_padding: false })
    }
}
