//! The producer's end of the ring: finding room, staging, publishing, taking over.

use std::marker::PhantomData;

use super::Frame;
use crate::{
    Error, Published, Role, Seat, algorithm,
    checksum::Checksums,
    error::{Corrupt, SendError},
    geometry::Geometry,
    layout::{AT_HEAD, AT_PRODUCER, AT_RECORD_MARK, AT_RECORD_TAG, AT_TAIL, HEADER_LEN},
    memory::{Area, Span, Word},
    payload::{CACHE_LINE, FrameHeader, MIN_FRAME, Payload, WORD, frame_len},
    region::Region,
    sync::Ordering,
};

/// How many lines behind the last message lie the lines that are fetched ahead: several
/// lines then travel at a time. (Of 1, 4 and 10; docs/BENCHMARKS.md.)
const EXPECT_BEYOND: u64 = 4;

/// Lines published at once beyond which no lines are fetched ahead: the copy itself runs
/// through more of them than the processor fetches at a time.
const EXPECT_AT_MOST: u64 = 60;

/// The producer's end of a ring.
pub struct Tail<M: Payload + ?Sized> {
    /// Where the next message is published; stored to shared memory after each.
    tail: u64,
    /// Behind the messages that are written and not yet published.
    staged: u64,
    /// The header at `tail`, kept back while messages are staged: storing it publishes
    /// them all. Frames only.
    withheld: u64,
    /// Where the last staged or published frame starts. Frames only.
    last: u64,
    /// The tag of that frame. Kept in the record too: what is written after it, up to
    /// one lap on, may lie where its header lay.
    last_tag: u32,
    /// The consumer's cursor as last read: it may lag, which only makes the ring seem
    /// fuller than it is.
    head: u64,
    capacity: u64,
    max_message: usize,
    tag: u32,
    corrupt: Option<Corrupt>,
    area: Area,
    checksums: Option<Checksums>,
    shared_tail: Word,
    shared_head: Word,
    shared_last: Word,
    shared_last_tag: Word,
    seat: Seat,
    _payload: PhantomData<fn(&M)>,
}

/// Room for one message, not yet staged.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes before it that only fill the end of the data area.
    padding: u64,
    /// From the message's position to the one behind it.
    footprint: u64,
    span: Span,
}

impl<M: Payload + ?Sized> Tail<M> {
    /// Goes on where the last producer stopped, however it stopped.
    ///
    /// It left `tail` where it had published everything before, or one publish short of
    /// that: then the frames of that publish lie from `tail` on, up to an empty header.
    pub(super) fn attach(region: &Region) -> Result<Self, Error> {
        let seat = Seat::take(region, Role::Producer)?;
        let end = Self::take_over(seat, &region.identity().geometry)?;
        // Also where the last one was killed before it could wake the consumer.
        end.seat.signals().came_or_went();
        Ok(end)
    }

    fn take_over(seat: Seat, geometry: &Geometry) -> Result<Self, Corrupt> {
        let mapping = seat.mapping();
        let shared_tail = mapping.word(AT_TAIL);
        let shared_head = mapping.word(AT_HEAD);
        let shared_last = mapping.word(AT_PRODUCER + AT_RECORD_MARK);
        let shared_last_tag = mapping.word(AT_PRODUCER + AT_RECORD_TAG);
        let area = mapping.area(HEADER_LEN, geometry.data_len() as usize);
        let tail = shared_tail.load(Ordering::Acquire);
        let mut end = Self {
            tail,
            staged: tail,
            withheld: FrameHeader::EMPTY,
            last: shared_last.load(Ordering::Relaxed),
            last_tag: shared_last_tag.load(Ordering::Relaxed) as u32,
            head: tail,
            capacity: geometry.capacity,
            max_message: geometry.max_message as usize,
            tag: 0,
            corrupt: None,
            area,
            checksums: Checksums::of(mapping, geometry),
            shared_tail,
            shared_head,
            shared_last,
            shared_last_tag,
            seat,
            _payload: PhantomData,
        };
        if M::FRAMED {
            end.find_unrecorded_publish()?;
        }
        end.head = end.tail.wrapping_sub(end.capacity);
        end.refresh_head()?;
        Ok(end)
    }

    #[inline(always)]
    fn check_open(&self) -> Result<(), SendError> {
        if !self.seat.is_here() {
            return Err(self.seat.not_here().into());
        }
        if self.seat.is_over() {
            return Err(SendError::Disconnected);
        }
        Ok(())
    }

    /// Walks the frames beyond the recorded tail, and records them.
    fn find_unrecorded_publish(&mut self) -> Result<(), Corrupt> {
        if !self.tail.is_multiple_of(WORD) {
            return Err(Corrupt { word: "tail", found: self.tail, expected: "a multiple of 8" });
        }
        let mut walked = 0;
        loop {
            let position = self.tail.wrapping_add(walked);
            // Acquire: pairs with the Release of the header in `publish`.
            let word = self.area.word(position).load(Ordering::Acquire);
            if word == FrameHeader::EMPTY {
                break;
            }
            let frame = Frame::read(word, position, self.capacity, self.max_message)?;
            if !frame.is_padding {
                self.last = position;
                self.last_tag = frame.tag;
            }
            walked += frame.footprint;
            if walked >= self.capacity {
                return Err(Corrupt {
                    word: "frame header",
                    found: word,
                    expected: "an empty header behind the last",
                });
            }
        }
        self.tail = self.tail.wrapping_add(walked);
        self.staged = self.tail;
        self.record_last();
        self.shared_tail.store(self.tail, Ordering::Release);
        Ok(())
    }

    /// Reads how far the consumer has come.
    #[inline(always)]
    fn refresh_head(&mut self) -> Result<(), Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        // Acquire: pairs with the Release of `head` in `Head::release`, so that the
        // consumer has read what is about to be overwritten.
        let head = self.shared_head.load(Ordering::Acquire);
        let used = self.tail.wrapping_sub(head);
        if used > self.tail.wrapping_sub(self.head) || (M::FRAMED && !head.is_multiple_of(WORD)) {
            return Err(self.spoilt("head", head, "a position between its former value and tail"));
        }
        self.head = head;
        Ok(())
    }

    #[cold]
    fn spoilt(&mut self, word: &'static str, found: u64, expected: &'static str) -> Corrupt {
        let corrupt = Corrupt { word, found, expected };
        self.corrupt = Some(corrupt);
        // No room, so that every further call comes to ask for the head again.
        self.head = self.staged.wrapping_sub(self.capacity);
        corrupt
    }

    /// Writes a frame of several lines, the line with the header last: the consumer may be
    /// looking at it, and would take it away between two stores.
    #[inline(never)]
    fn write_lines(&self, room: Room, message: &[u8]) {
        let (near, far) = message.split_at(room.span.to_line_end().min(message.len()));
        self.area.write(room.span.skip(near.len()), far);
        self.clear_behind(room);
        self.area.write(room.span, near);
    }

    /// Copies `messages` to the slots from number `start` on.
    #[inline(always)]
    fn fill_slots(&self, start: u64, messages: &[u8]) {
        if M::SIZE as u64 == M::STRIDE {
            if let Some(run) = self.area.span(start * M::STRIDE, messages.len()) {
                self.area.write(run, messages);
            }
            return;
        }
        for (slot, message) in (start..).zip(messages.chunks_exact(M::SIZE)) {
            if let Some(span) = self.area.span(slot * M::STRIDE, M::SIZE) {
                self.area.write(span, message);
            }
        }
    }

    /// Stages the `count` slots that were filled, each with its checksum.
    #[cold]
    fn sum_up_slots(&mut self, count: u64) {
        for _ in 0..count {
            let slot = self.staged & (self.capacity - 1);
            if let Some(span) = self.area.span(slot * M::STRIDE, M::SIZE) {
                self.sum_up(0, span);
            }
            self.staged = self.staged.wrapping_add(1);
        }
    }

    /// Empties the header behind the frame in `room`, where bytes of an earlier lap lie:
    /// the consumer looks at it next.
    #[inline(always)]
    fn clear_behind(&self, room: Room) {
        if M::FRAMED {
            let next = self.staged.wrapping_add(room.padding + room.footprint);
            // Published by the Release of the withheld header.
            self.area.word(next).store(FrameHeader::EMPTY, Ordering::Relaxed);
        }
    }

    /// Counts `room` as staged, and writes its headers.
    #[inline(always)]
    fn add_staged(&mut self, room: Room, len: usize) {
        if M::FRAMED {
            if room.padding != 0 {
                self.stage_header(FrameHeader::padding());
                self.staged = self.staged.wrapping_add(room.padding);
            }
            self.last = self.staged;
            self.last_tag = self.tag;
            let header = FrameHeader::message(len, self.tag);
            self.stage_header(header);
            self.sum_up(header, room.span.first(len));
        } else {
            self.sum_up(0, room.span);
        }
        self.staged = self.staged.wrapping_add(room.footprint);
    }

    /// Records the checksum of the message in `span` that is being staged.
    #[inline(always)]
    fn sum_up(&self, header: u64, span: Span) {
        if let Some(checksums) = &self.checksums {
            let start = self.staged & (self.capacity - 1);
            let number = if M::FRAMED { start / MIN_FRAME } else { start };
            checksums.record(number, self.staged, header, &self.area, span);
        }
    }

    /// Writes a header of a staged frame; that of the first one is kept back.
    #[inline(always)]
    fn stage_header(&mut self, header: u64) {
        if self.staged == self.tail {
            self.withheld = header;
        } else {
            // Published by the Release of the withheld header.
            self.area.word(self.staged).store(header, Ordering::Relaxed);
        }
    }

    /// Publishes what is staged, with one store. The caller has just staged something.
    #[inline(always)]
    fn publish_staged(&mut self) {
        if M::FRAMED {
            // Release: pairs with the Acquire of the header in `Head::find`, and in
            // `find_unrecorded_publish`.
            self.area.word(self.tail).store(self.withheld, Ordering::Release);
            self.record_last();
        }
        let before = self.tail;
        self.tail = self.staged;
        // Release: pairs with the Acquire of `tail` in `Head::find` (slots), and in
        // `take_over`. For frames this only records what the header has published.
        self.shared_tail.store(self.tail, Ordering::Release);
        self.seat.signals().stored();
        self.expect_more(before);
    }

    /// Fetches lines that are free, ahead of what is published next: as many as were
    /// touched since `before`, from some lines behind the last message's on, so that in a
    /// stream each line is asked for once, and is there when it is written.
    #[inline(always)]
    fn expect_more(&self, before: u64) {
        let [from, to] = [before, self.tail].map(|position| position.wrapping_mul(M::STRIDE));
        if (from ^ to) < CACHE_LINE {
            return;
        }
        let lines = (to / CACHE_LINE).wrapping_sub(from / CACHE_LINE);
        let free = self.capacity.wrapping_sub(self.tail.wrapping_sub(self.head)) * M::STRIDE;
        if lines > EXPECT_AT_MOST || (lines + EXPECT_BEYOND) * CACHE_LINE > free {
            return;
        }
        let first = (self.tail & (self.capacity - 1)) * M::STRIDE / CACHE_LINE + EXPECT_BEYOND;
        let (behind, end) = (first + lines, self.capacity * M::STRIDE / CACHE_LINE);
        // A question for each line would take longer than to ask for it.
        if behind > end {
            return self.expect_around_the_end(first, behind, end);
        }
        for line in first..behind {
            self.area.expect_write(line * CACHE_LINE);
        }
    }

    /// Fetches the lines from number `first` up to `behind`, of which those from `end` on lie at the start
    /// of the data area.
    #[cold]
    fn expect_around_the_end(&self, first: u64, behind: u64, end: u64) {
        for line in first..behind {
            self.area.expect_write((if line < end { line } else { line - end }) * CACHE_LINE);
        }
    }

    /// Records which frame was published last. A producer killed in here has not stored
    /// `tail` yet, so that its successor finds the frame itself.
    #[inline(always)]
    fn record_last(&self) {
        // Release, so that they are not seen before the frame that they tell of.
        self.shared_last_tag.store(self.last_tag.into(), Ordering::Release);
        self.shared_last.store(self.last, Ordering::Release);
    }
}

impl<M: Payload + ?Sized> algorithm::Tail<M> for Tail<M> {
    type Room = Room;

    #[inline(always)]
    fn span(room: &Room) -> Span {
        room.span
    }

    /// Finds room for a message of `len` bytes behind what is staged.
    #[inline(always)]
    fn reserve(&mut self, len: usize) -> Result<Room, SendError> {
        self.check_open()?;
        if len > self.max_message {
            return Err(SendError::TooLong { len, limit: self.max_message });
        }
        let start = self.staged & (self.capacity - 1);
        let to_end = self.capacity - start;
        let footprint = if M::FRAMED { frame_len(len as u64) } else { 1 };
        let padding = if footprint > to_end { to_end } else { 0 };
        // Behind the last frame there is always room for an empty header.
        let beyond = if M::FRAMED { WORD } else { 0 };
        let end = self.staged.wrapping_add(padding + footprint + beyond);
        if end.wrapping_sub(self.head) > self.capacity {
            self.refresh_head()?;
            if end.wrapping_sub(self.head) > self.capacity {
                return Err(SendError::Full);
            }
        }
        let at = if padding == 0 { start } else { 0 };
        let header = if M::FRAMED { WORD } else { 0 };
        let span = self.area.span(at * M::STRIDE + header, len);
        let Some(span) = span else {
            return Err(self.spoilt("tail", self.staged, "a position within the data area").into());
        };
        Ok(Room { padding, footprint, span })
    }

    /// Writes a copy of `message` behind what is staged, and stages it.
    #[inline(always)]
    fn stage_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        let room = self.reserve(message.len())?;
        if M::FRAMED && message.len() as u64 > CACHE_LINE {
            self.write_lines(room, message);
        } else {
            self.clear_behind(room);
            // From its end on, so that of two lines the one with the header is written last, as there.
            self.area.write(room.span, message);
        }
        self.add_staged(room, message.len());
        Ok(())
    }

    /// Writes copies of as many of `messages` as there is room for, and stages them: slots
    /// only. Returns how many.
    #[inline(always)]
    fn stage_values(&mut self, messages: &[u8]) -> Result<usize, SendError> {
        let wanted = (messages.len() / M::SIZE) as u64;
        if wanted == 0 {
            return Ok(0);
        }
        self.reserve(M::SIZE)?;
        let free = |end: &Self| end.capacity.wrapping_sub(end.staged.wrapping_sub(end.head));
        if free(self) < wanted {
            self.refresh_head()?;
        }
        let count = free(self).min(wanted);
        let start = self.staged & (self.capacity - 1);
        let to_end = (self.capacity - start).min(count);
        let (one, other) = messages[..count as usize * M::SIZE].split_at(to_end as usize * M::SIZE);
        self.fill_slots(start, one);
        self.fill_slots(0, other);
        if self.checksums.is_some() {
            self.sum_up_slots(count);
        } else {
            self.staged = self.staged.wrapping_add(count);
        }
        Ok(count as usize)
    }

    /// Stages the first `len` bytes of `room`, which its caller has written.
    #[inline(always)]
    fn stage_room(&mut self, room: Room, len: usize) {
        let footprint = if M::FRAMED { frame_len(len as u64) } else { 1 };
        let room = Room { footprint, ..room };
        self.clear_behind(room);
        self.add_staged(room, len);
    }

    /// Publishes everything staged, if anything is.
    #[inline(always)]
    fn publish(&mut self) -> Result<(), SendError> {
        if self.staged != self.tail {
            self.check_open()?;
            self.publish_staged();
        }
        Ok(())
    }

    /// Takes back everything staged and not published.
    fn discard_staged(&mut self) {
        self.staged = self.tail;
        if self.corrupt.is_some() {
            // No room from here on either: see `spoilt`.
            self.head = self.staged.wrapping_sub(self.capacity);
        }
        // The last published frame is what shared memory says, as this handle wrote it.
        if self.seat.is_here() {
            self.last = self.shared_last.load(Ordering::Relaxed);
            self.last_tag = self.shared_last_tag.load(Ordering::Relaxed) as u32;
        }
    }

    /// What was last published in this ring, by this producer or one before it; `None`
    /// in a ring that was never used.
    fn last_published(&self) -> Option<Published> {
        if self.tail == 0 || !self.seat.is_here() {
            return None;
        }
        if !M::FRAMED {
            return Some(Published { position: self.tail.wrapping_sub(1), tag: 0 });
        }
        let position = self.shared_last.load(Ordering::Relaxed);
        Some(Published { position, tag: self.shared_last_tag.load(Ordering::Relaxed) as u32 })
    }

    /// What the ring holds that the consumer has not released: bytes in a byte ring
    /// (headers and padding included), else messages. A snapshot.
    fn len(&self) -> u64 {
        if !self.seat.is_here() {
            return 0;
        }
        self.tail.wrapping_sub(self.shared_head.load(Ordering::Acquire)).min(self.capacity)
    }

    fn is_full(&self) -> bool {
        let least = if M::FRAMED { MIN_FRAME + WORD } else { 1 };
        self.len() + least > self.capacity
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

    #[inline(always)]
    fn send_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.stage_bytes(message)?;
        self.publish_staged();
        Ok(())
    }

    #[inline(always)]
    fn staged(&self) -> u64 {
        self.staged.wrapping_sub(self.tail)
    }

    /// Only the publish of a forked child or in a closed ring fails, and there nothing can be
    /// staged either.
    fn unstage(&mut self, to: u64) {
        if to == 0 {
            self.discard_staged();
        }
    }

    fn set_tag(&mut self, tag: u32) {
        self.tag = tag;
    }
}

impl<M: Payload + ?Sized> std::fmt::Debug for Tail<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail")
            .field("tail", &self.tail)
            .field("staged", &self.staged)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
