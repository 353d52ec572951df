//! Whether messages are what was sent, in a ring whose messages have checksums.

use std::{sync::Arc, sync::atomic::Ordering::Acquire};

use super::report::{At, Report};
use crate::{
    geometry::Geometry,
    memory::{Area, Mapping},
};

/// The messages of a ring, and their checksums.
pub(super) struct Contents {
    all: Area,
    checksums_at: u64,
}

impl Contents {
    /// Those of the ring in `mapping`, if there are checksums in it.
    pub(super) fn of(mapping: &Arc<Mapping>, geometry: &Geometry) -> Option<Self> {
        let (data_end, page) = (geometry.data_offset() + geometry.data_len(), 4096);
        geometry.checksums.then(|| Self {
            all: mapping.area(0, geometry.region_len() as usize),
            checksums_at: data_end.next_multiple_of(page),
        })
    }

    /// Judges what lies in the place of this `number`, from `position` on: its header, 0 where it has none,
    /// and the `len` bytes at `offset` of the region.
    pub(super) fn judge(
        &self,
        report: &mut Report,
        number: u64,
        position: u64,
        header: u64,
        (offset, len): (u64, u64),
    ) {
        let found =
            self.all.checked_word(self.checksums_at + 8 * number).map_or(0, |word| word.load(Acquire));
        let mut bytes = vec![0; len as usize];
        if let Some(span) = self.all.span(offset, bytes.len()) {
            self.all.read(span, &mut bytes);
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header.to_le_bytes());
        crc.update(&bytes);
        let of_contents = (u64::from(crc.finalize()) << 32) | (position % (1 << 32));
        let expected = format!("{of_contents:#x}, that of what lies there");
        report.require(found == of_contents, "message checksum", At::Position(position), found, expected);
    }
}

/// Told where messages cannot be compared with their checksums.
pub(super) const IN_USE: &str = "in use: no message can be compared with its checksum while messages pass";
