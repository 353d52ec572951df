//! Checksums of messages, in a ring that has them: after a crash of the machine they tell whether
//! what is on disk is what was sent. Producers write them; `fsck` and `salvage` read them.

use std::sync::Arc;

use crate::{
    geometry::Geometry,
    memory::{Area, Mapping, Span},
    payload::WORD,
    sync::Ordering,
};

/// A word for each place in which messages may start.
///
/// Bits 0 to 31: the low bits of the messages' position, so that those of an earlier lap are not
/// taken for them. Bits 32 to 63: the CRC-32 of their header and of their bytes.
#[derive(Debug)]
pub(crate) struct Checksums {
    words: Area,
}

impl Checksums {
    /// Those of the ring in `mapping`, if it has any.
    pub(crate) fn of(mapping: &Arc<Mapping>, geometry: &Geometry) -> Option<Self> {
        geometry.checksums.then(|| {
            let (at, count) = (geometry.checksums_offset(), geometry.checksums_count());
            Self { words: mapping.area(at as usize, (count * WORD) as usize) }
        })
    }

    /// Records what is about to be published at `position` from the place of this `number`: a `header`,
    /// 0 where there is none, and the bytes in `span`, which is one of `area`.
    #[cold]
    #[inline(never)]
    pub(crate) fn record(&self, number: u64, position: u64, header: u64, area: &Area, span: Span) {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header.to_le_bytes());
        let (mut part, mut left) = ([0; 512], span);
        while left.len() > 0 {
            let len = area.read(left, &mut part);
            crc.update(&part[..len]);
            left = left.skip(len);
        }
        let word = u64::from(crc.finalize()) << 32 | position & u64::from(u32::MAX);
        if let Some(checksum) = self.words.checked_word(number * WORD) {
            // Published by the Release that publishes the messages.
            checksum.store(word, Ordering::Relaxed);
        }
    }
}
