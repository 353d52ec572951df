//! Whether the messages of an exchange ring are those that were sent, by their checksums.

use super::{
    Fate, Intended, Judge, Window,
    snapshot::Extent,
    words::{DEQUEUE, Held, SPARE},
};
use crate::{
    fsck::{contents::Contents, report::Report},
    layout::{SLOT_HEADER, SLOT_PAYLOAD},
};

impl Judge<'_> {
    /// What is wrong with the messages in the entries, in the `window`, and in participants' places.
    pub(super) fn judge_contents(
        &self,
        contents: &Contents,
        window: &Window,
        intended: &[Option<Intended>],
    ) -> Report {
        let bits = self.ring.bits;
        let in_entries = (window.head..window.tail).map(|position| {
            (bits.slot(self.snapshot.entries[(position % bits.capacity) as usize]), position)
        });
        let records = self.snapshot.records.iter().zip(intended);
        let in_places = records.flat_map(|(record, intended)| {
            record.held().zip(&record.positions).filter_map(|((place, held), position)| {
                Self::slot_with_messages(place, held, intended.as_ref()).map(|slot| (slot, *position))
            })
        });
        let mut report = Report::new(self.report.kind());
        for (slot, position) in in_entries.chain(in_places).filter(|(slot, _)| *slot < bits.slots) {
            // Where it is malformed, that was found already.
            if let Ok(Extent { end, .. }) = self.ring.messages_in(slot) {
                let at = self.ring.slot(slot);
                let header = self.ring.word(at + SLOT_HEADER as u64);
                let start = SLOT_PAYLOAD as u64;
                contents.judge(&mut report, slot, position, header, (at + start, end - start));
            }
        }
        report
    }

    /// The slot at `place` if messages lie in it, also if that is not recorded yet.
    pub(super) fn slot_with_messages(place: u32, held: Held, intended: Option<&Intended>) -> Option<u64> {
        let taken = intended
            .filter(|it| it.place == place && it.kind == DEQUEUE && it.fate == Fate::Unrecorded)
            .map(|it| it.got);
        taken.or_else(|| (held.state != SPARE).then_some(held.slot))
    }
}
