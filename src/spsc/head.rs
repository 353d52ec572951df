//! The consumer's end of the ring: finding the next message, taking it, releasing it,
//! taking over.

use std::marker::PhantomData;

use super::Frame;
use crate::{
    Error, Role, Seat,
    algorithm::{self, Found},
    error::{Corrupt, RecvError},
    geometry::Geometry,
    layout::{AT_CONSUMER, AT_HEAD, AT_RECORD_MARK, AT_TAIL, HEADER_LEN},
    memory::{Area, Word},
    options::Delivery,
    payload::{FrameHeader, Payload, WORD},
    region::Region,
    sync::{Ordering, before_what_follows},
    waiting::Rhythm,
};

/// The consumer's end of a ring.
pub struct Head<M: Payload + ?Sized> {
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
    /// Messages since the ring was last found empty; frames only, slots are counted by
    /// their positions.
    came: u64,
    area: Area,
    shared_head: Word,
    shared_tail: Word,
    shared_received: Word,
    seat: Seat,
    _payload: PhantomData<fn(&M)>,
}

impl<M: Payload + ?Sized> Head<M> {
    /// Goes on where the last consumer stopped, however it stopped.
    ///
    /// It stored how far it had received before it handed a message out, and how far it
    /// had released before it went on: what lies between is delivered again, or not.
    pub(super) fn attach(region: &Region) -> Result<Self, Error> {
        let seat = Seat::take(region, Role::Consumer)?;
        let end = Self::take_over(seat, &region.identity().geometry)?;
        // Also where the last one was killed before it could wake the producer.
        end.seat.signals().came_or_went();
        Ok(end)
    }

    fn take_over(seat: Seat, geometry: &Geometry) -> Result<Self, Corrupt> {
        let mapping = seat.mapping();
        let shared_head = mapping.word(AT_HEAD);
        let shared_tail = mapping.word(AT_TAIL);
        let shared_received = mapping.word(AT_CONSUMER + AT_RECORD_MARK);
        let area = mapping.area(HEADER_LEN, geometry.data_len() as usize);
        let head = shared_head.load(Ordering::Acquire);
        let received = shared_received.load(Ordering::Acquire);
        // Messages that are copied and released in one go are not marked as received, so
        // the mark may lie behind `head`.
        let unreleased = received.wrapping_sub(head);
        let is_behind = (unreleased as i64) < 0;
        let whole = !M::FRAMED || (head | received).is_multiple_of(WORD);
        if !whole || (unreleased > geometry.capacity && !is_behind) {
            return Err(Corrupt {
                word: "received",
                found: received,
                expected: "a position up to one capacity beyond head",
            });
        }
        let received = if is_behind { head } else { received };
        let next = match geometry.delivery {
            Delivery::AtLeastOnce => head,
            Delivery::AtMostOnce => {
                // Release: pairs with the Acquire of `head` in `Tail::refresh_head`; what the
                // last consumer read comes before it by way of the kernel's lock.
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
            came: 0,
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

    #[inline(always)]
    fn find_frame(&mut self) -> Result<Found, RecvError> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt.into());
        }
        let mut position = self.next;
        let Some(mut frame) = self.frame_at(position)? else {
            return Err(RecvError::Empty);
        };
        if frame.is_padding {
            position = position.wrapping_add(frame.footprint);
            frame = self.frame_behind_padding(position)?;
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
        Ok(Found { position, end, span, tag: frame.tag, deliveries: self.deliveries(position), sender: None })
    }

    /// The frame behind padding: it was published by the same store.
    #[cold]
    fn frame_behind_padding(&mut self, position: u64) -> Result<Frame, Corrupt> {
        match self.frame_at(position)? {
            Some(frame) if !frame.is_padding => Ok(frame),
            _ => Err(self.spoilt("frame header", position, "a message behind the padding")),
        }
    }

    #[inline(always)]
    fn frame_at(&mut self, position: u64) -> Result<Option<Frame>, Corrupt> {
        // Acquire: pairs with the Release of the header in `Tail::publish`.
        let word = self.area.word(position).load(Ordering::Acquire);
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
        let end = position.wrapping_add(1);
        Ok(Found { position, end, span, tag: 0, deliveries: self.deliveries(position), sender: None })
    }

    /// Reads how far the producer has come.
    #[inline(always)]
    fn refresh_tail(&mut self) -> Result<(), Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        // Acquire: pairs with the Release of `tail` in `Tail::publish`.
        let tail = self.shared_tail.load(Ordering::Acquire);
        let advance = tail.wrapping_sub(self.tail);
        if advance > self.capacity.wrapping_sub(self.tail.wrapping_sub(self.head)) {
            return Err(self.spoilt("tail", tail, "a position between its former value and head + capacity"));
        }
        self.tail = tail;
        Ok(())
    }

    /// How often what lies at `position` will have been delivered: once, or again.
    #[inline(always)]
    fn deliveries(&self, position: u64) -> u32 {
        // Wrapping: positions of one ring are never half the range of u64 apart.
        if (position.wrapping_sub(self.received_before) as i64) < 0 { 2 } else { 1 }
    }

    #[cold]
    fn spoilt(&mut self, word: &'static str, found: u64, expected: &'static str) -> Corrupt {
        let corrupt = Corrupt { word, found, expected };
        self.corrupt = Some(corrupt);
        // No slot, so that every further call comes to ask for the tail again.
        self.tail = self.next;
        corrupt
    }

    /// Copies the slots from number `start` on to `into`.
    #[inline(always)]
    fn copy_slots(&self, start: u64, into: &mut [u8]) {
        if M::SIZE as u64 == M::STRIDE {
            if let Some(run) = self.area.span(start * M::STRIDE, into.len()) {
                self.area.read(run, into);
            }
            return;
        }
        for (slot, message) in (start..).zip(into.chunks_exact_mut(M::SIZE)) {
            if let Some(span) = self.area.span(slot * M::STRIDE, M::SIZE) {
                self.area.read(span, message);
            }
        }
    }
}

impl<M: Payload + ?Sized> algorithm::Head<M> for Head<M> {
    /// Looks at the front of the ring; changes nothing but this end's own view.
    #[inline(always)]
    fn find(&mut self) -> Result<Found, RecvError> {
        if !self.seat.is_here() {
            return Err(self.seat.not_here().into());
        }
        if M::FRAMED { self.find_frame() } else { self.find_slot() }
    }

    /// Whoever takes the place of a dead participant has set right what that left.
    fn look_for_the_dead(&mut self) {}

    /// Passes some time once the ring is found empty, so that more than one message has
    /// come when it is looked at next; how long depends on how messages have been coming.
    fn let_some_come(&mut self) {
        let position = self.next.wrapping_mul(M::STRIDE);
        let messages = if M::FRAMED { self.came } else { self.next.wrapping_sub(self.came) };
        self.rhythm.ran_empty(position, messages, self.capacity * M::STRIDE);
        self.came = if M::FRAMED { 0 } else { self.next };
    }

    /// Counts `found` as received, before its contents reach anybody.
    #[inline(always)]
    fn receive(&mut self, found: &Found) {
        self.next = found.end;
        if M::FRAMED {
            self.came += 1;
        }
        if found.deliveries == 1 {
            self.received_before = found.end;
            // Release: pairs with the Acquire in `take_over`, by way of the kernel's lock.
            self.shared_received.store(found.end, Ordering::Release);
            // A consumer killed from here on has received the message.
            before_what_follows();
        }
    }

    /// Releases everything received: the producer may overwrite it.
    #[inline(always)]
    fn release(&mut self) {
        self.head = self.next;
        if self.seat.is_here() {
            // Release: pairs with the Acquire of `head` in `Tail::refresh_head`.
            self.shared_head.store(self.head, Ordering::Release);
            self.seat.signals().stored();
        }
    }

    /// Receives and releases `found`, whose contents have been copied and not yet been
    /// seen by anybody: a consumer killed before this has not received it.
    #[inline(always)]
    fn receive_and_release(&mut self, found: &Found) {
        self.next = found.end;
        self.head = found.end;
        if M::FRAMED {
            self.came += 1;
        }
        // Release: pairs with the Acquire of `head` in `Tail::refresh_head`.
        self.shared_head.store(found.end, Ordering::Release);
        self.seat.signals().stored();
    }

    /// Copies as many messages to `into` as there are and fit, and releases them: slots
    /// only. Returns how many.
    #[inline(always)]
    fn receive_values(&mut self, into: &mut [u8]) -> Result<usize, RecvError> {
        let first = self.find()?;
        let wanted = (into.len() / M::SIZE) as u64;
        if self.tail.wrapping_sub(first.position) < wanted {
            self.refresh_tail()?;
        }
        let count = self.tail.wrapping_sub(first.position).min(wanted);
        let start = first.position & (self.capacity - 1);
        let to_end = (self.capacity - start).min(count);
        let (one, other) = into[..count as usize * M::SIZE].split_at_mut(to_end as usize * M::SIZE);
        self.copy_slots(start, one);
        self.copy_slots(0, other);
        let end = first.position.wrapping_add(count);
        self.receive_and_release(&Found { end, ..first });
        Ok(count as usize)
    }

    #[cold]
    fn hand_back(&mut self, from: &Found, kept: usize) {
        if self.delivery == Delivery::AtMostOnce {
            return self.release();
        }
        self.next = from.position;
        for _ in 0..kept {
            let Ok(found) = self.find() else { return };
            self.next = found.end;
        }
        if kept > 0 {
            self.release();
        }
    }

    /// What was published and not released: bytes for frames, else messages.
    fn len(&self) -> u64 {
        if !self.seat.is_here() {
            return 0;
        }
        let tail = self.shared_tail.load(Ordering::Acquire);
        // A producer killed between its header and its cursor leaves a tail that lags.
        let len = tail.wrapping_sub(self.head);
        if len > self.capacity { 0 } else { len }
    }

    /// Whether there is no message to receive.
    fn is_empty(&self) -> bool {
        if !self.seat.is_here() {
            return true;
        }
        if M::FRAMED {
            self.area.word(self.next).load(Ordering::Acquire) == FrameHeader::EMPTY
        } else {
            self.shared_tail.load(Ordering::Acquire) == self.next
        }
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn max_message(&self) -> usize {
        self.max_message
    }

    fn area(&self) -> &Area {
        &self.area
    }

    fn seat(&self) -> &Seat {
        &self.seat
    }
}

impl<M: Payload + ?Sized> std::fmt::Debug for Head<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head")
            .field("head", &self.head)
            .field("next", &self.next)
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}
