//! Whether an SPSC ring is whole: its cursors, and the frames between them.

use std::{fs::File, sync::Arc, sync::atomic::Ordering::Acquire};

use super::{
    contents::{Contents, IN_USE},
    report::{At, Report},
};
use crate::{
    error::Error,
    geometry::Geometry,
    layout::{
        AT_CONSUMER, AT_HEAD, AT_PRODUCER, AT_RECORD_ATTACHMENTS, AT_RECORD_ENDED, AT_RECORD_MARK,
        AT_RECORD_PID, AT_RECORD_STATE, AT_RECORD_TAG, AT_TAIL, ATTACHED, HEADER_LEN,
    },
    liveness,
    memory::Mapping,
};

/// Judges the SPSC ring in `mapping`.
pub(super) fn check(
    file: &File,
    mapping: &Arc<Mapping>,
    geometry: &Geometry,
    report: &mut Report,
) -> Result<(), Error> {
    let look = || Snapshot::take(file, mapping, geometry);
    let mut before = look()?;
    for _ in 0..LOOKS {
        let after = look()?;
        if after == before {
            after.judge(geometry, report);
            if let Some(contents) = Contents::of(mapping, geometry) {
                let mut spoilt = Report::new(report.kind());
                after.judge_contents(&contents, geometry, &mut spoilt);
                if look()? == after { report.add(spoilt) } else { report.note(IN_USE) }
            }
            return Ok(());
        }
        before = after;
        std::thread::yield_now();
    }
    report.note("in use: nothing can be judged while messages pass");
    Ok(())
}

/// How often the ring is looked at until two looks find the same.
const LOOKS: u32 = 64;

#[derive(Debug, PartialEq)]
struct Snapshot {
    head: u64,
    tail: u64,
    received: u64,
    ended: u64,
    last: u64,
    last_tag: u64,
    producer: Party,
    consumer: Party,
    frames: Frames,
}

/// One of the two participants.
#[derive(Debug, PartialEq)]
struct Party {
    is_locked: bool,
    state: u64,
    pid: u64,
    attachments: u64,
}

/// The messages of a byte ring from `head` on, as their headers say them.
#[derive(Debug, Default, PartialEq)]
struct Frames {
    messages: Vec<Frame>,
    end: u64,
    /// A header that no producer writes, and where it is.
    wrong: Option<(u64, u64)>,
}

#[derive(Debug, PartialEq)]
struct Frame {
    start: u64,
    end: u64,
    header: u64,
}

impl Frame {
    const fn len(&self) -> u64 {
        self.header % (1 << 30)
    }

    const fn tag(&self) -> u64 {
        self.header >> 32
    }
}

impl Snapshot {
    fn take(file: &File, mapping: &Arc<Mapping>, geometry: &Geometry) -> Result<Self, Error> {
        let word = |at| mapping.word(at).load(Acquire);
        let party = |at| {
            Ok::<_, Error>(Party {
                is_locked: liveness::is_locked(file, at)?,
                state: word(at + AT_RECORD_STATE),
                pid: word(at + AT_RECORD_PID),
                attachments: word(at + AT_RECORD_ATTACHMENTS),
            })
        };
        let head = word(AT_HEAD);
        let is_bytes = geometry.message_size == 0 && head.is_multiple_of(8);
        Ok(Self {
            head,
            tail: word(AT_TAIL),
            received: word(AT_CONSUMER + AT_RECORD_MARK),
            ended: word(AT_CONSUMER + AT_RECORD_ENDED),
            last: word(AT_PRODUCER + AT_RECORD_MARK),
            last_tag: word(AT_PRODUCER + AT_RECORD_TAG),
            producer: party(AT_PRODUCER)?,
            consumer: party(AT_CONSUMER)?,
            frames: if is_bytes { Frames::from(mapping, geometry, head) } else { Frames::default() },
        })
    }

    fn judge(&self, geometry: &Geometry, report: &mut Report) {
        for (name, party) in [("producer", &self.producer), ("consumer", &self.consumer)] {
            report.require(
                party.state <= ATTACHED,
                "state",
                At::Header,
                party.state,
                format!("0 or 1 of the {name}"),
            );
            match (party.state == ATTACHED, party.is_locked) {
                (true, true) => report.note(format!("the {name}, process {}, is attached", party.pid)),
                (true, false) => report.note(format!("the {name}, process {}, died", party.pid)),
                (false, true) => report.note(format!("the record of the {name} is locked: one attaches")),
                (false, false) => {}
            }
        }
        let expected = format!("at most {}, the producers' attachments", self.producer.attachments);
        report.require(self.ended <= self.producer.attachments, "ended", At::Header, self.ended, expected);
        if geometry.message_size == 0 {
            self.judge_frames(report);
        } else {
            self.judge_slots(geometry, report);
        }
    }

    fn judge_slots(&self, geometry: &Geometry, report: &mut Report) {
        let held = self.tail.wrapping_sub(self.head);
        let expected = format!("{:#x}, the head, or up to {} beyond", self.head, geometry.capacity);
        report.require(held <= geometry.capacity, "tail", At::Header, self.tail, expected);
        let expected = format!("at most {:#x}, the tail", self.tail);
        report.require(!is_beyond(self.received, self.tail), "received", At::Header, self.received, expected);
    }

    /// Whether the messages are those that were sent.
    fn judge_contents(&self, contents: &Contents, geometry: &Geometry, report: &mut Report) {
        let (capacity, stride) = (geometry.capacity, geometry.stride);
        let data = HEADER_LEN as u64;
        for frame in &self.frames.messages {
            let start = frame.start % capacity;
            let bytes = (data + start + 8, frame.len());
            // No two frames start in the same 16 bytes.
            contents.judge(report, start / 16, frame.start, frame.header, bytes);
        }
        let slots = self.tail.wrapping_sub(self.head);
        if geometry.message_size != 0 && slots <= capacity {
            for position in (0..slots).map(|n| self.head.wrapping_add(n)) {
                let slot = position % capacity;
                contents.judge(report, slot, position, 0, (data + slot * stride, geometry.max_message));
            }
        }
    }

    fn judge_frames(&self, report: &mut Report) {
        for (word, cursor) in [("head", self.head), ("tail", self.tail), ("received", self.received)] {
            report.require(cursor.is_multiple_of(8), word, At::Header, cursor, "a multiple of 8");
        }
        if !self.head.is_multiple_of(8) {
            return;
        }
        let Frames { messages, end, wrong } = &self.frames;
        if let Some((at, word)) = wrong {
            let found = format!("{word:#x}");
            report.find("header", At::Position(*at), found, "that of a frame within the data area, or 0");
            return;
        }
        let is_end = |position| position == self.head || messages.iter().any(|frame| frame.end == position);
        let is_recorded = self.tail == *end;
        // A producer that has gone by itself has recorded what it published; one that died in
        // between may have left a tail that the consumer has passed.
        let may_lag =
            self.producer.state == ATTACHED && (is_end(self.tail) || is_beyond(self.head, self.tail));
        report.require(
            is_recorded || may_lag,
            "tail",
            At::Header,
            self.tail,
            format!("{end:#x}, where the messages end"),
        );
        if is_beyond(self.received, self.head) {
            let expected = "the head, or the end of a message behind it";
            report.require(is_end(self.received), "received", At::Header, self.received, expected);
        }
        if let Some(frame) = messages.last()
            && is_recorded
        {
            let expected = format!("{:#x}, where the last message starts", frame.start);
            report.require(self.last == frame.start, "last", At::Header, self.last, expected);
            let expected = format!("{:#x}, the last message's", frame.tag());
            report.require(self.last_tag == frame.tag(), "last_tag", At::Header, self.last_tag, expected);
        }
    }
}

impl Frames {
    /// Walks from `head`, a multiple of 8, to the header that is 0.
    fn from(mapping: &Arc<Mapping>, geometry: &Geometry, head: u64) -> Self {
        let capacity = geometry.capacity;
        let mut messages = Vec::new();
        let mut end = head;
        loop {
            let start = end;
            let to_end = capacity - start % capacity;
            let word = mapping.word(HEADER_LEN + (start % capacity) as usize).load(Acquire);
            let len = word % (1 << 30);
            let is_padding = word == 0b11 << 30;
            let footprint = if is_padding { to_end } else { footprint(len) };
            if word == 0 {
                return Self { messages, end, wrong: None };
            }
            end = end.wrapping_add(footprint);
            let is_right = word >> 30 & 0b11 == 0b10 && len <= geometry.max_message && footprint <= to_end;
            // Behind the last message there is an empty header.
            if !(is_padding || is_right) || end.wrapping_sub(head) + 8 > capacity {
                return Self { messages, end: start, wrong: Some((start, word)) };
            }
            if !is_padding {
                messages.push(Frame { start, end, header: word });
            }
        }
    }
}

/// Bytes that a message of `len` bytes takes, its header included.
fn footprint(len: u64) -> u64 {
    let needed = 8 + len;
    [16, 32, 64].into_iter().find(|size| needed <= *size).unwrap_or(needed.next_multiple_of(8))
}

/// Whether the position `one` lies behind `other`.
const fn is_beyond(one: u64, other: u64) -> bool {
    one.wrapping_sub(other) as i64 > 0
}
