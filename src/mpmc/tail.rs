//! The producer's end: writing messages to a slot of its own, giving the slot to the ring.

use std::marker::PhantomData;

use super::{
    Displaced, EXPECT_ENTRY, EXPECT_SLOT, FULL_STAY,
    cursor::{Cursor, Look, Lost, Side},
    participant::Participant,
    recovered::Recovered,
    slot::{Place, Slot},
    words::{Held, Operation},
};
use crate::{
    Error, Published, Role, Seat, algorithm,
    error::{Corrupt, SendError},
    layout::{SLOT_HEADER, SLOT_PAYLOAD},
    memory::{Area, Span},
    payload::{FrameHeader, Payload, WORD},
    region::Region,
    sync::{Ordering, spin_loop},
};

pub struct Tail<M: Payload + ?Sized> {
    participant: Participant,
    cursor: Cursor,
    /// The entry at the cursor, if it was found free. It is looked at when the one before is taken:
    /// so a send need not wait for it before the exchange does.
    ready: Option<u64>,
    /// Which held slot messages are written to.
    place: u32,
    slot: Slot,
    /// Behind the messages that are written to the slot, from its start.
    end: u64,
    /// How many those are.
    count: u32,
    /// The last of them. Bytes only.
    last: Frame,
    tag: u32,
    /// The tag that the record names as the next.
    next_tag: u32,
    corrupt: Option<Corrupt>,
    recovered: Vec<Recovered>,
    _payload: PhantomData<fn(&M)>,
}

/// A frame that was written, and may get another behind it.
#[derive(Clone, Copy, Debug)]
struct Frame {
    offset: u64,
    len: usize,
    tag: u32,
}

/// Room for one message behind those that are staged.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    span: Span,
}

const EMPTY: u64 = SLOT_HEADER as u64;

impl<M: Payload + ?Sized> Tail<M> {
    /// Takes a place in the ring; also what was found there.
    pub(super) fn attach(region: &Region) -> Result<Self, Error> {
        let (participant, recovered) = Participant::attach(region, Role::Producer)?;
        let place = participant.spares()?.trailing_zeros();
        if place >= participant.shared.exchange.held {
            return Err(Corrupt { word: "held", found: 0, expected: "a spare slot in each record" }.into());
        }
        participant.sign(place)?;
        let (_, tag) = participant.last();
        participant.set_next_tag(tag);
        Ok(Self {
            cursor: Cursor::new(&participant.shared, Side::Tail),
            ready: None,
            place,
            slot: participant.slot(place),
            end: EMPTY,
            count: 0,
            last: Frame { offset: EMPTY, len: 0, tag: 0 },
            tag: 0,
            next_tag: tag,
            corrupt: None,
            recovered,
            participant,
            _payload: PhantomData,
        })
    }

    /// Whether a message of `len` bytes may be sent: by this process, as long as the ring is open,
    /// and as far as is known.
    #[inline(always)]
    fn check(&self, len: usize) -> Result<(), SendError> {
        let seat = self.participant.seat();
        if !seat.is_here() {
            return Err(seat.not_here().into());
        }
        if seat.is_over() {
            return Err(SendError::Disconnected);
        }
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt.into());
        }
        let limit = self.participant.shared.max_message;
        if M::FRAMED && len > limit {
            return Err(SendError::TooLong { len, limit });
        }
        Ok(())
    }

    /// Finds a free entry; others may take it before it is used.
    #[inline(always)]
    fn find_room(&mut self) -> Result<u64, SendError> {
        if let Some(entry) = self.ready
            && !self.cursor.is_behind_hint()
        {
            return Ok(entry);
        }
        self.ready = None;
        match self.cursor.look(&self.participant.shared, Side::Tail) {
            Ok(Look::Ready(entry)) => {
                self.ready = Some(entry);
                Ok(entry)
            }
            Ok(Look::Blocked(_)) => Err(SendError::Full),
            Ok(Look::Contended) => Err(SendError::Contended),
            Err(corrupt) => Err(self.spoilt(corrupt).into()),
        }
    }

    #[cold]
    fn spoilt(&mut self, corrupt: Corrupt) -> Corrupt {
        self.corrupt = Some(corrupt);
        corrupt
    }

    /// Gives the slot to the ring, with all that is written to it, of which the last has `tag`, for
    /// that in `entry`, which was found free, or in the next that is.
    #[inline(always)]
    fn give(&mut self, mut entry: u64, tag: u32) -> Result<(), SendError> {
        self.announce(tag);
        let mut lost = Lost::default();
        while !self.exchange(Operation::Enqueue, entry)? {
            if !lost.again() {
                return Err(SendError::Contended);
            }
            entry = self.find_room()?;
        }
        Ok(())
    }

    /// Gives the slot to the ring, with all that is staged.
    #[inline(always)]
    fn give_staged(&mut self) -> Result<(), SendError> {
        let entry = self.find_room()?;
        self.give(entry, self.last.tag)?;
        self.clear();
        Ok(())
    }

    /// Says that the next tag to be published is `tag`.
    #[inline(always)]
    fn announce(&mut self, tag: u32) {
        if M::FRAMED && tag != self.next_tag {
            self.next_tag = tag;
            self.participant.set_next_tag(tag);
        }
    }

    #[inline(always)]
    fn exchange(&mut self, operation: Operation, entry: u64) -> Result<bool, Corrupt> {
        let position = self.cursor.position();
        if self.participant.shared.checksums.is_some() {
            self.sum_up(position);
        }
        let tag = M::FRAMED.then_some(self.next_tag);
        match self.participant.exchange(operation, self.place, position, entry, tag) {
            Ok(Some(got)) => self.slot = got,
            Ok(None) => {
                self.ready = None;
                return Ok(false);
            }
            Err(corrupt) => return Err(self.spoilt(corrupt)),
        }
        self.cursor.take(self.participant.shared.turns);
        let shared = &self.participant.shared;
        self.ready = self.cursor.peek(shared);
        shared.expect_entry(position.wrapping_add(EXPECT_ENTRY));
        shared.expect(position.wrapping_add(EXPECT_SLOT), Side::Tail);
        Ok(true)
    }

    /// Records the checksum of what is written to the slot, which is about to be given at `position`.
    #[cold]
    fn sum_up(&self, position: u64) {
        let shared = &self.participant.shared;
        // Its own: a slot that only this participant has written to.
        let header = shared.first_header(self.slot).load(Ordering::Relaxed);
        let end = if !M::FRAMED {
            shared.payload_offset + u64::from(self.count.max(1)) * M::SIZE as u64
        } else if self.count > 0 {
            self.end
        } else {
            let len = FrameHeader::decode_packed(header).map_or(0, FrameHeader::len);
            EMPTY + WORD + len.next_multiple_of(WORD)
        };
        let start = SLOT_PAYLOAD as u64;
        if let Some(checksums) = &shared.checksums
            && let Some(span) = shared.slots().part(self.slot, start, (end - start) as usize)
        {
            checksums.record(self.slot.number().into(), position, header, shared.area(), span);
        }
    }

    #[inline(always)]
    fn clear(&mut self) {
        self.end = EMPTY;
        self.count = 0;
    }

    /// Sends `message`, in place of the oldest one where the ring is full.
    pub(super) fn force(&mut self, message: &[u8]) -> Result<Option<Displaced>, SendError> {
        let room = self.room_behind(message.len())?;
        let staged = self.what_is_staged();
        self.write(room, message);
        self.announce(self.last.tag);
        let displaced = self.give_or_displace();
        match displaced {
            Ok(_) => self.clear(),
            Err(_) => self.stage_again(staged),
        }
        displaced
    }

    /// Gives the slot to the ring, for the oldest messages where it is full.
    fn give_or_displace(&mut self) -> Result<Option<Displaced>, SendError> {
        // What was found before is not tried: it need not be at the cursor when this is over.
        self.ready = None;
        let mut lost = Lost::default();
        loop {
            let look = match self.cursor.look(&self.participant.shared, Side::Tail) {
                Ok(look) => look,
                Err(corrupt) => return Err(self.spoilt(corrupt).into()),
            };
            let position = self.cursor.position();
            match look {
                Look::Ready(entry) => {
                    if self.exchange(Operation::Enqueue, entry)? {
                        return Ok(None);
                    }
                }
                Look::Blocked(entry) => {
                    if self.exchange(Operation::Displace, entry)? {
                        let shared = &self.participant.shared;
                        // What was displaced lies in the slot that was got for it.
                        let first = shared.message(self.slot, Place::FIRST, M::SIZE).ok();
                        return Ok(Some(Displaced {
                            position: position.wrapping_sub(shared.capacity),
                            messages: shared.messages_in(self.slot).unwrap_or(1),
                            tag: first.map_or(0, |first| first.tag),
                        }));
                    }
                }
                Look::Contended => return Err(SendError::Contended),
            }
            if !lost.again() {
                return Err(SendError::Contended);
            }
        }
    }

    /// Stages a copy of `message`, for which there is `room`.
    #[inline(always)]
    fn write(&mut self, room: Room, message: &[u8]) {
        // Before the bytes, so that what it knows of the slot is not read again.
        self.add(message.len());
        self.participant.shared.area().write(room.span, message);
    }

    /// Sends `message` with what is staged, before which it must not come.
    #[cold]
    fn send_behind(&mut self, message: &[u8]) -> Result<(), SendError> {
        let staged = self.what_is_staged();
        algorithm::Tail::stage_bytes(self, message)?;
        self.give_staged().inspect_err(|_| self.stage_again(staged))
    }

    const fn what_is_staged(&self) -> (u64, u32, Frame) {
        (self.end, self.count, self.last)
    }

    /// Takes back what was written behind what was staged before.
    fn stage_again(&mut self, staged: (u64, u32, Frame)) {
        (self.end, self.count, self.last) = staged;
        self.mark_last();
    }

    /// Writes a copy of `message`, which may be sent, to the slot, in which nothing is staged.
    #[inline(always)]
    fn write_alone(&mut self, message: &[u8]) -> Result<(), SendError> {
        let len = message.len();
        let shared = &self.participant.shared;
        // A slot has room for one message of any length that is allowed, so this never fails.
        let Some(span) = shared.slots().body(self.slot, len) else {
            return Err(SendError::TooLong { len, limit: shared.max_message });
        };
        let tag = if M::FRAMED { self.tag } else { 0 };
        self.set_header(EMPTY, FrameHeader::packed(len, tag, false));
        shared.area().write(span, message);
        Ok(())
    }

    /// Room in the slot behind what is staged.
    #[inline(always)]
    fn room_behind(&mut self, len: usize) -> Result<Room, SendError> {
        self.check(len)?;
        let shared = &self.participant.shared;
        let at = if M::FRAMED {
            self.end + WORD
        } else {
            shared.payload_offset + u64::from(self.count) * M::SIZE as u64
        };
        // The slot takes one message of any length that is allowed, so it is the staged ones
        // that leave no room.
        if self.count == Held::MAX_MESSAGES {
            return Err(SendError::Full);
        }
        shared.slots().part(self.slot, at, len).map(|span| Room { span }).ok_or(SendError::Full)
    }

    /// Counts a message of `len` bytes, which was written behind what is staged, and writes
    /// its header.
    #[inline(always)]
    fn add(&mut self, len: usize) {
        if M::FRAMED {
            if self.count > 0 {
                let Frame { offset, len, tag } = self.last;
                self.set_header(offset, FrameHeader::packed(len, tag, true));
            }
            self.last = Frame { offset: self.end, len, tag: self.tag };
            self.set_header(self.end, FrameHeader::packed(len, self.tag, false));
            self.end += WORD + (len as u64).next_multiple_of(WORD);
            self.count += 1;
        } else {
            self.add_values(1);
        }
    }

    #[inline(always)]
    fn add_values(&mut self, count: u32) {
        self.count += count;
        self.set_header(EMPTY, FrameHeader::packed(self.count as usize * M::SIZE, 0, false));
    }

    /// Marks the last staged frame as the last of its slot.
    fn mark_last(&self) {
        if M::FRAMED && self.count > 0 {
            let Frame { offset, len, tag } = self.last;
            self.set_header(offset, FrameHeader::packed(len, tag, false));
        }
    }

    /// Writes a header to the slot.
    #[inline(always)]
    fn set_header(&self, offset: u64, header: u64) {
        // The slot is the participant's own, and the offset was found to be within it.
        let shared = &self.participant.shared;
        // Published by the Release of the exchange.
        if offset == EMPTY {
            shared.first_header(self.slot).store(header, Ordering::Relaxed);
        } else if let Ok(word) = shared.slot_word(self.slot, offset) {
            word.store(header, Ordering::Relaxed);
        }
    }

    pub(super) const fn participant(&self) -> &Participant {
        &self.participant
    }

    /// Those that were recovered to attach, if that is not told yet.
    pub(super) fn take_recovered(&mut self) -> Vec<Recovered> {
        std::mem::take(&mut self.recovered)
    }
}

impl<M: Payload + ?Sized> algorithm::Tail<M> for Tail<M> {
    type Room = Room;

    fn span(room: &Room) -> Span {
        room.span
    }

    #[inline(always)]
    fn reserve(&mut self, len: usize) -> Result<Room, SendError> {
        let room = self.room_behind(len)?;
        if self.count == 0 {
            self.find_room()?;
        }
        Ok(room)
    }

    #[inline(always)]
    fn stage_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        let room = self.reserve(message.len())?;
        self.write(room, message);
        Ok(())
    }

    #[inline(always)]
    fn stage_values(&mut self, messages: &[u8]) -> Result<usize, SendError> {
        if messages.is_empty() {
            return Ok(0);
        }
        self.reserve(M::SIZE)?;
        let shared = &self.participant.shared;
        let at = shared.payload_offset + u64::from(self.count) * M::SIZE as u64;
        let room = (shared.slot_len - at) / M::SIZE as u64;
        let count = room.min((messages.len() / M::SIZE) as u64).min((Held::MAX_MESSAGES - self.count).into());
        let len = count as usize * M::SIZE;
        if let Some(span) = shared.slots().part(self.slot, at, len) {
            shared.area().write(span, &messages[..len]);
            self.add_values(count as u32);
        }
        Ok(count as usize)
    }

    #[inline(always)]
    fn stage_room(&mut self, _: Room, len: usize) {
        self.add(len);
    }

    #[inline(always)]
    fn send_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        let shared = &self.participant.shared;
        // A consumer that polls has both, and they travel together. The slot first: an entry that
        // came before it would be fetched back before the exchange.
        shared.expect_slot(self.slot.number(), Side::Tail);
        shared.expect_entry(self.cursor.position());
        if self.count > 0 {
            return self.send_behind(message);
        }
        self.check(message.len())?;
        let entry = self.find_room()?;
        self.write_alone(message)?;
        self.give(entry, self.tag)
    }

    #[inline(always)]
    fn publish(&mut self) -> Result<(), SendError> {
        if self.count == 0 {
            return Ok(());
        }
        self.check(0)?;
        self.give_staged()
    }

    fn let_some_go(&mut self) {
        // A producer that looks again at once takes the line of the entry that a consumer is about
        // to free, message for message.
        for _ in 0..FULL_STAY {
            spin_loop();
        }
    }

    fn staged(&self) -> u64 {
        u64::from(self.count)
    }

    fn unstage(&mut self, to: u64) {
        let to = to.min(self.count.into()) as u32;
        if to == 0 {
            return self.clear();
        }
        self.count = to;
        if !M::FRAMED {
            return self.add_values(0);
        }
        // Its own frames are sound; the last of those that stay is found from the first.
        let shared = &self.participant.shared;
        if let Ok(Some(place)) = shared.place_of(self.slot, to - 1)
            && let Ok(packed) = shared.message(self.slot, place, M::SIZE)
        {
            let len = packed.span.len();
            self.last = Frame { offset: place.offset, len, tag: packed.tag };
            self.end = place.offset + WORD + (len as u64).next_multiple_of(WORD);
        }
        self.mark_last();
    }

    fn discard_staged(&mut self) {
        self.clear();
    }

    fn set_tag(&mut self, tag: u32) {
        self.tag = tag;
    }

    fn last_published(&self) -> Option<Published> {
        if !self.participant.seat().is_here() {
            return None;
        }
        let (behind, tag) = self.participant.last();
        (behind != 0).then(|| Published { position: behind.wrapping_sub(1), tag })
    }

    fn len(&self) -> u64 {
        if !self.participant.seat().is_here() {
            return 0;
        }
        self.participant.shared.len()
    }

    fn is_full(&self) -> bool {
        self.participant.seat().is_here()
            && matches!(self.cursor.clone().look(&self.participant.shared, Side::Tail), Ok(Look::Blocked(_)))
    }

    fn capacity(&self) -> u64 {
        self.participant.shared.capacity
    }

    fn max_message(&self) -> usize {
        self.participant.shared.max_message
    }

    fn area(&self) -> &Area {
        self.participant.shared.area()
    }

    fn seat(&self) -> &Seat {
        self.participant.seat()
    }
}

impl<M: Payload + ?Sized> std::fmt::Debug for Tail<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail")
            .field("participant", &self.participant)
            .field("cursor", &self.cursor)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
