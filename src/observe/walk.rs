//! Going through the messages of a ring that others use meanwhile.
//!
//! The consumer may release what is being read, and the producer overwrite it. So
//! whatever was read at a position counts only if `head` has not passed the position
//! afterwards: the producer overwrites after it has seen `head` (Acquire, in
//! `Tail::refresh_head`), so who reads what it wrote, and then `head`, sees that too.

use std::sync::atomic::{Ordering, fence};

use super::{Observer, Peeked};
use crate::{
    error::Corrupt,
    memory::Span,
    payload::{FrameHeader, WORD},
    spsc::Frame,
};

/// Goes from message to message, and ends even if others keep the ring filled.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    observer: &'a Observer,
    position: u64,
    /// How many positions it still goes: two capacities in all.
    left: u64,
}

/// What the next step came upon.
pub(super) enum Step {
    Message(Found),
    /// What lay there was released meanwhile: the walk is at the new `head`.
    Released,
    /// There is no further message.
    End,
}

/// A message that lay at `position` when its header was read.
pub(super) struct Found {
    position: u64,
    span: Span,
    tag: u32,
}

/// What lies at a position: the positions that it takes, and the message if it is one.
struct Look {
    footprint: u64,
    message: Option<(Span, u32)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(observer: &'a Observer) -> Result<Self, Corrupt> {
        Ok(Self { observer, position: head(observer)?, left: 2 * observer.capacity() })
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn step(&mut self) -> Result<Step, Corrupt> {
        while self.left > 0 {
            let look = if self.observer.is_typed() { self.look_at_slot() } else { self.look_at_frame() };
            let head = head(self.observer)?;
            if is_beyond(head, self.position) {
                self.go_to(head, WORD);
                return Ok(Step::Released);
            }
            let Some(look) = look? else { break };
            let position = self.position;
            let end = position.wrapping_add(look.footprint);
            if end.wrapping_sub(head) > self.observer.capacity() {
                let expected = "at most a capacity before the last message's end";
                return Err(Corrupt { word: "head", found: head, expected });
            }
            self.go_to(end, look.footprint);
            if let Some((span, tag)) = look.message {
                return Ok(Step::Message(Found { position, span, tag }));
            }
        }
        Ok(Step::End)
    }

    fn go_to(&mut self, position: u64, cost: u64) {
        self.position = position;
        self.left = self.left.saturating_sub(cost);
    }

    fn look_at_frame(&self) -> Result<Option<Look>, Corrupt> {
        let (position, capacity) = (self.position, self.observer.capacity());
        let offset = position & (capacity - 1);
        // Acquire: pairs with the Release of the header in `Tail::publish`, and keeps the
        // look at `head` behind this one.
        let word = self.observer.area.word(offset).load(Ordering::Acquire);
        if word == FrameHeader::EMPTY {
            return Ok(None);
        }
        let frame = Frame::read(word, position, capacity, self.observer.max_message())?;
        if frame.is_padding {
            return Ok(Some(Look { footprint: frame.footprint, message: None }));
        }
        let span = self.observer.area.span(offset + WORD, frame.len).ok_or(Corrupt {
            word: "frame header",
            found: word,
            expected: "a frame within the data area",
        })?;
        Ok(Some(Look { footprint: frame.footprint, message: Some((span, frame.tag)) }))
    }

    fn look_at_slot(&self) -> Result<Option<Look>, Corrupt> {
        // Acquire: pairs with the Release of `tail` in `Tail::publish`, and keeps the look
        // at `head` behind this one.
        let tail = self.observer.tail.load(Ordering::Acquire);
        if tail == self.position {
            return Ok(None);
        }
        let geometry = &self.observer.identity.geometry;
        let offset = (self.position & (geometry.capacity - 1)) * geometry.stride;
        let span = self.observer.area.span(offset, geometry.message_size as usize);
        match span {
            Some(span) if tail.wrapping_sub(self.position) <= geometry.capacity => {
                Ok(Some(Look { footprint: 1, message: Some((span, 0)) }))
            }
            _ => Err(Corrupt {
                word: "tail",
                found: tail,
                expected: "a position from head to head + capacity",
            }),
        }
    }
}

/// Where the consumer is, as seen after everything that was read before this.
fn head(observer: &Observer) -> Result<u64, Corrupt> {
    fence(Ordering::Acquire);
    let head = observer.head.load(Ordering::Acquire);
    if !observer.is_typed() && !head.is_multiple_of(WORD) {
        return Err(Corrupt { word: "head", found: head, expected: "a multiple of 8" });
    }
    Ok(head)
}

/// Whether `a` lies behind `b`; positions of one ring are never half the range of u64
/// apart.
const fn is_beyond(a: u64, b: u64) -> bool {
    a.wrapping_sub(b) as i64 > 0
}

/// Copies of the messages of an SPSC ring.
#[derive(Debug)]
pub(super) struct Messages<'a>(Walk<'a>);

impl<'a> Messages<'a> {
    pub(super) fn new(observer: &'a Observer) -> Result<Self, Corrupt> {
        Walk::new(observer).map(Self)
    }

    /// A copy of `found`, unless it was released before the copy was made.
    fn copy(&self, found: &Found) -> Result<Option<Peeked>, Corrupt> {
        let mut bytes = vec![0; found.span.len()];
        let observer = self.0.observer;
        observer.area.read(found.span, &mut bytes);
        if is_beyond(head(observer)?, found.position) {
            return Ok(None);
        }
        let received = observer.cursors().received;
        Ok(Some(Peeked {
            position: found.position,
            tag: found.tag,
            is_received: is_beyond(received, found.position),
            bytes,
        }))
    }

    /// The next message, copied.
    pub(super) fn next(&mut self) -> Result<Option<Peeked>, Corrupt> {
        loop {
            match self.0.step()? {
                Step::End => return Ok(None),
                Step::Released => {}
                Step::Message(found) => {
                    if let Some(peeked) = self.copy(&found)? {
                        return Ok(Some(peeked));
                    }
                }
            }
        }
    }
}
