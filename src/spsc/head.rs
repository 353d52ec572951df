//! The consumer's end of the ring: finding the next message, taking it, releasing it,
//! taking over.

use std::marker::PhantomData;

use super::Frame;
use crate::{
    Seat,
    error::{Corrupt, RecvError},
    layout::{AT_CONSUMER, AT_HEAD, AT_RECORD_MARK, AT_TAIL, HEADER_LEN},
    memory::{Area, Span, Word},
    options::{Delivery, Geometry},
    payload::{FrameHeader, Payload, WORD},
    sync::{Ordering, before_what_follows},
    waiting::Rhythm,
};

/// The consumer's end of a ring.
#[derive(Debug)]
pub(super) struct Head<M: Payload + ?Sized> {
    /// Released up to here; stored to shared memory after each release.
    head: u64,
    /// Where the next message is looked for: received up to here.
    next: u64,
    /// The producer's cursor as last read: it may lag. Slots only.
    tail: u64,
    /// What lies before this was received before, by this consumer or one before it.
    received_before: u64,
    capacity: u64,
    max_message: usize,
    delivery: Delivery,
    corrupt: Option<Corrupt>,
    rhythm: Rhythm,
    area: Area,
    shared_head: Word,
    shared_tail: Word,
    shared_received: Word,
    seat: Seat,
    _payload: PhantomData<fn(&M)>,
}

/// A message that lies at the front of the ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) position: u64,
    pub(super) end: u64,
    pub(super) span: Span,
    pub(super) tag: u32,
    pub(super) redelivered: bool,
}

impl<M: Payload + ?Sized> Head<M> {
    /// Goes on where the last consumer stopped, however it stopped.
    ///
    /// It stored how far it had received before it handed a message out, and how far it
    /// had released before it went on: what lies between is delivered again, or not.
    pub(super) fn take_over(seat: Seat, geometry: &Geometry) -> Result<Self, Corrupt> {
        let mapping = seat.mapping();
        let shared_head = mapping.word(AT_HEAD);
        let shared_tail = mapping.word(AT_TAIL);
        let shared_received = mapping.word(AT_CONSUMER + AT_RECORD_MARK);
        let area = mapping.area(HEADER_LEN, geometry.data_len() as usize);
        let head = shared_head.load(Ordering::Acquire);
        let received = shared_received.load(Ordering::Acquire);
        let unreleased = received.wrapping_sub(head);
        let whole = !M::FRAMED || (head | received).is_multiple_of(WORD);
        if !whole || unreleased > geometry.capacity {
            return Err(Corrupt {
                word: "received",
                found: received,
                expected: "a position at head, or up to one capacity beyond",
            });
        }
        let next = match geometry.delivery {
            Delivery::AtLeastOnce => head,
            Delivery::AtMostOnce => {
                shared_head.store(received, Ordering::Release);
                received
            }
        };
        let mut end = Self {
            head: next,
            next,
            tail: next,
            received_before: received,
            capacity: geometry.capacity,
            max_message: geometry.max_message as usize,
            delivery: geometry.delivery,
            corrupt: None,
            rhythm: Rhythm::new(),
            area,
            shared_head,
            shared_tail,
            shared_received,
            seat,
            _payload: PhantomData,
        };
        if !M::FRAMED {
            end.refresh_tail()?;
        }
        Ok(end)
    }

    /// Looks at the front of the ring; changes nothing but this end's own view.
    #[inline(always)]
    pub(super) fn find(&mut self) -> Result<Found, RecvError> {
        if !self.seat.is_here() {
            return Err(RecvError::Forked);
        }
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt.into());
        }
        if M::FRAMED { self.find_frame() } else { self.find_slot() }
    }

    #[inline(always)]
    fn find_frame(&mut self) -> Result<Found, RecvError> {
        let mut position = self.next;
        let mut frame = match self.frame_at(position)? {
            Some(frame) => frame,
            None => return Err(RecvError::Empty),
        };
        if frame.is_padding {
            // The message behind it was published by the same store.
            position = position.wrapping_add(frame.footprint);
            frame = match self.frame_at(position)? {
                Some(frame) if !frame.is_padding => frame,
                _ => {
                    return Err(self.spoilt("frame header", position, "a message behind the padding").into());
                }
            };
        }
        let end = position.wrapping_add(frame.footprint);
        if end.wrapping_sub(self.head) > self.capacity {
            return Err(self
                .spoilt("frame header", end, "no frame that reaches into an unreleased one")
                .into());
        }
        let span = self.area.span((position & (self.capacity - 1)) + WORD, frame.len);
        let Some(span) = span else {
            return Err(self.spoilt("frame header", position, "a frame within the data area").into());
        };
        let redelivered = self.was_received(position);
        Ok(Found { position, end, span, tag: frame.tag, redelivered })
    }

    #[inline(always)]
    fn frame_at(&mut self, position: u64) -> Result<Option<Frame>, Corrupt> {
        // Acquire: pairs with the Release of the header in `Tail::publish`.
        let word = self.area.word(position & (self.capacity - 1)).load(Ordering::Acquire);
        if word == FrameHeader::EMPTY {
            return Ok(None);
        }
        match Frame::read(word, position, self.capacity, self.max_message) {
            Ok(frame) => Ok(Some(frame)),
            Err(corrupt) => {
                self.corrupt = Some(corrupt);
                Err(corrupt)
            }
        }
    }

    #[inline(always)]
    fn find_slot(&mut self) -> Result<Found, RecvError> {
        let position = self.next;
        if position == self.tail {
            self.refresh_tail()?;
            if position == self.tail {
                return Err(RecvError::Empty);
            }
        }
        let span = self.area.span((position & (self.capacity - 1)) * M::STRIDE, M::SIZE);
        let Some(span) = span else {
            return Err(self.spoilt("tail", position, "a slot within the data area").into());
        };
        let redelivered = self.was_received(position);
        Ok(Found { position, end: position.wrapping_add(1), span, tag: 0, redelivered })
    }

    /// Reads how far the producer has come.
    #[inline(always)]
    fn refresh_tail(&mut self) -> Result<(), Corrupt> {
        // Acquire: pairs with the Release of `tail` in `Tail::publish`.
        let tail = self.shared_tail.load(Ordering::Acquire);
        let advance = tail.wrapping_sub(self.tail);
        if advance > self.capacity.wrapping_sub(self.tail.wrapping_sub(self.head)) {
            return Err(self.spoilt("tail", tail, "a position between its former value and head + capacity"));
        }
        self.tail = tail;
        Ok(())
    }

    /// Whether what lies at `position` was received before.
    #[inline(always)]
    fn was_received(&self, position: u64) -> bool {
        // Wrapping: positions of one ring are never half the range of u64 apart.
        (position.wrapping_sub(self.received_before) as i64) < 0
    }

    #[cold]
    fn spoilt(&mut self, word: &'static str, found: u64, expected: &'static str) -> Corrupt {
        let corrupt = Corrupt { word, found, expected };
        self.corrupt = Some(corrupt);
        corrupt
    }

    /// Passes some time once the ring is found empty, so that more than one message has
    /// come when it is looked at next; how long depends on how messages have been coming.
    #[inline(always)]
    pub(super) fn let_some_come(&mut self) {
        self.rhythm.ran_empty(self.next.wrapping_mul(M::STRIDE), self.capacity * M::STRIDE);
    }

    /// Counts `found` as received, before its contents reach anybody.
    #[inline(always)]
    pub(super) fn receive(&mut self, found: &Found) {
        self.next = found.end;
        self.rhythm.received();
        if !found.redelivered {
            self.received_before = found.end;
            // Release: pairs with the Acquire in `take_over`, by way of the kernel's lock.
            self.shared_received.store(found.end, Ordering::Release);
            // A consumer killed from here on has received the message.
            before_what_follows();
        }
    }

    /// Releases everything received: the producer may overwrite it.
    #[inline(always)]
    pub(super) fn release(&mut self) {
        self.head = self.next;
        if self.seat.is_here() {
            // Release: pairs with the Acquire of `head` in `Tail::refresh_head`.
            self.shared_head.store(self.head, Ordering::Release);
        }
    }

    /// Hands back what was received from `position` on: it comes again, marked.
    pub(super) fn hand_back(&mut self, position: u64) {
        match self.delivery {
            Delivery::AtLeastOnce => self.next = position,
            Delivery::AtMostOnce => self.release(),
        }
    }

    /// What was published and not released: bytes for frames, else messages.
    pub(super) fn len(&self) -> u64 {
        if !self.seat.is_here() {
            return 0;
        }
        let tail = self.shared_tail.load(Ordering::Acquire);
        // A producer killed between its header and its cursor leaves a tail that lags.
        let len = tail.wrapping_sub(self.head);
        if len > self.capacity { 0 } else { len }
    }

    /// Whether there is no message to receive.
    pub(super) fn is_empty(&self) -> bool {
        if !self.seat.is_here() {
            return true;
        }
        if M::FRAMED {
            self.area.word(self.next & (self.capacity - 1)).load(Ordering::Acquire) == FrameHeader::EMPTY
        } else {
            self.shared_tail.load(Ordering::Acquire) == self.next
        }
    }

    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) const fn max_message(&self) -> usize {
        self.max_message
    }

    pub(super) const fn area(&self) -> &Area {
        &self.area
    }

    pub(super) const fn seat(&self) -> &Seat {
        &self.seat
    }
}
