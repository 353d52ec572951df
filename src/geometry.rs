//! What follows from a ring's options for its region: sizes and offsets, and whether
//! they fit each other.

use crate::{
    error::Error,
    layout::{AT_CONSUMER, AT_PRODUCER, HEADER_LEN, LINE, RECORD_HELD, SLOT_PAYLOAD},
    options::Delivery,
    payload::{CACHE_LINE, FrameHeader, MIN_FRAME, WORD},
};

/// The largest capacity, in bytes of a byte ring or messages of a typed one.
pub(crate) const MAX_CAPACITY: u64 = 1 << 40;
/// The smallest data area of a byte ring.
pub(crate) const MIN_BYTES: u64 = 64;

/// What every participant must agree on: sizes, the message's type, and delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes from one position to the next: 1 in a byte ring.
    pub(crate) stride: u64,
    /// Positions in the data area, a power of two.
    pub(crate) capacity: u64,
    /// The longest message in bytes.
    pub(crate) max_message: u64,
    /// The size of a typed message in bytes, 0 in a byte ring.
    pub(crate) message_size: u32,
    pub(crate) message_align: u32,
    pub(crate) delivery: Delivery,
    pub(crate) type_tag: u64,
    /// Whether each message has a checksum.
    pub(crate) checksums: bool,
    /// What only an exchange ring has.
    pub(crate) exchange: Option<Exchange>,
}

/// What an exchange ring (MPMC) has besides: who may take part, and with how many slots.
///
/// Its `capacity` counts entries; its `stride` is the length of a slot, in which a message
/// or several lie, bytes or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// How many records there are.
    pub(crate) participants: u32,
    /// Slots that each participant holds.
    pub(crate) held: u32,
    /// How often a message is delivered before it is set aside; 0: as often as it takes.
    pub(crate) max_deliveries: u32,
}

impl Exchange {
    pub(crate) const MAX_CAPACITY: u64 = 1 << 24;
    pub(crate) const MAX_PARTICIPANTS: u32 = 1024;
    /// One slot is kept to send with, and to give for the next message.
    pub(crate) const MIN_HELD: u32 = 2;
    pub(crate) const MAX_HELD: u32 = 64;
    /// Deliveries are counted up to here.
    pub(crate) const MAX_DELIVERIES: u32 = 1000;
    /// Messages that a slot carries at most.
    pub(crate) const MAX_PACKED: u64 = (1 << 12) - 1;

    /// The length of a participant's record in bytes.
    pub(crate) const fn record_len(&self) -> usize {
        (RECORD_HELD + 2 * size_of::<u64>() * self.held as usize).next_multiple_of(LINE)
    }

    /// Where the record of participant `number` lies, and the byte to lock.
    pub(crate) const fn record(&self, number: u32) -> usize {
        HEADER_LEN + number as usize * self.record_len()
    }

    /// Where the entries lie.
    pub(crate) const fn entries_offset(&self) -> usize {
        self.record(self.participants).next_multiple_of(HEADER_LEN)
    }

    /// How many slots there are, for that many entries.
    pub(crate) const fn slots(&self, capacity: u64) -> u64 {
        capacity + self.participants as u64 * self.held as u64
    }
}

impl Geometry {
    /// The longest message that always finds room in an empty byte ring: were a frame
    /// longer than half the area, one that must start at the beginning could lack room
    /// beside the padding before it and the empty header after it.
    pub(crate) const fn longest_frame_payload(capacity: u64) -> u64 {
        let longest = capacity / 2 - WORD;
        if longest < FrameHeader::MAX_LEN { longest } else { FrameHeader::MAX_LEN }
    }

    /// Where the data area starts: the frames or slots.
    pub(crate) const fn data_offset(&self) -> u64 {
        match self.exchange {
            None => HEADER_LEN as u64,
            Some(exchange) => {
                (exchange.entries_offset() as u64 + self.capacity * WORD).next_multiple_of(HEADER_LEN as u64)
            }
        }
    }

    pub(crate) const fn data_len(&self) -> u64 {
        match self.exchange {
            None => self.capacity * self.stride,
            Some(exchange) => exchange.slots(self.capacity) * self.stride,
        }
    }

    /// Where the participants' records lie, and the bytes to lock.
    pub(crate) fn records(&self) -> impl Iterator<Item = usize> + use<> {
        let exchange = self.exchange;
        let count = exchange.map_or(2, |exchange| exchange.participants);
        (0..count).map(move |number| match exchange {
            Some(exchange) => exchange.record(number),
            None => [AT_PRODUCER, AT_CONSUMER][number as usize],
        })
    }

    /// Where the checksums lie, if there are any: behind the data area, on pages of their own.
    pub(crate) const fn checksums_offset(&self) -> u64 {
        (self.data_offset() + self.data_len()).next_multiple_of(HEADER_LEN as u64)
    }

    /// In how many places messages may start: no two frames of a byte ring do in the same
    /// [`MIN_FRAME`] bytes.
    pub(crate) const fn checksums_count(&self) -> u64 {
        match self.exchange {
            Some(exchange) => exchange.slots(self.capacity),
            None if self.message_size == 0 => self.capacity / MIN_FRAME,
            None => self.capacity,
        }
    }

    pub(crate) const fn region_len(&self) -> u64 {
        if self.checksums {
            self.checksums_offset() + self.checksums_count() * WORD
        } else {
            self.data_offset() + self.data_len()
        }
    }

    /// Where the first message's bytes lie in a slot of an exchange ring: behind the
    /// slot's header, as the messages' alignment asks.
    pub(crate) const fn payload_offset(&self) -> u64 {
        let align = self.message_align as u64;
        if align > SLOT_PAYLOAD as u64 { align } else { SLOT_PAYLOAD as u64 }
    }

    /// The length of a slot that has room for `bytes` from its payload offset on.
    pub(crate) fn slot_len(payload_offset: u64, bytes: u64, align: u64) -> u64 {
        // Whole lines: two that share one would travel together, and be written by both sides.
        let needed = payload_offset.saturating_add(bytes);
        needed.checked_next_multiple_of(CACHE_LINE.max(align)).unwrap_or(u64::MAX)
    }

    /// What is wrong with these numbers taken together, if anything: the field, what
    /// it is, and what it may be.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String, String)> {
        let fail = |field, found: u64, expected: String| Err((field, found.to_string(), expected));
        if !self.capacity.is_power_of_two() || self.capacity > MAX_CAPACITY {
            return fail("capacity", self.capacity, format!("a power of two up to {MAX_CAPACITY}"));
        }
        if let Some(exchange) = self.exchange {
            return self.check_exchange(exchange);
        }
        if self.message_size == 0 {
            if self.stride != 1 {
                return fail("stride", self.stride, "1 in a byte ring".into());
            }
            if self.message_align != 1 {
                return fail("message_align", self.message_align.into(), "1 in a byte ring".into());
            }
            if self.capacity < MIN_BYTES {
                return fail("capacity", self.capacity, format!("at least {MIN_BYTES} bytes"));
            }
            let longest = Self::longest_frame_payload(self.capacity);
            if self.max_message > longest {
                return fail("max_message", self.max_message, format!("at most {longest}"));
            }
        } else {
            if self.max_message != u64::from(self.message_size) {
                return fail("max_message", self.max_message, format!("message_size, {}", self.message_size));
            }
            if self.stride < self.max_message
                || !self.stride.is_multiple_of(WORD)
                || self.stride > u64::from(u32::MAX) * 2
            {
                return fail(
                    "stride",
                    self.stride,
                    format!("a multiple of 8 that holds {} bytes", self.max_message),
                );
            }
            if !self.message_align.is_power_of_two()
                || !self.stride.is_multiple_of(u64::from(self.message_align))
            {
                return fail(
                    "message_align",
                    self.message_align.into(),
                    "a power of two that divides the stride".into(),
                );
            }
            // Saturating: nobody has vouched for either number.
            if self.capacity.saturating_mul(self.stride) > MAX_CAPACITY * 8 {
                return fail("capacity", self.capacity, format!("at most {} bytes in all", MAX_CAPACITY * 8));
            }
        }
        Ok(())
    }

    fn check_exchange(&self, exchange: Exchange) -> Result<(), (&'static str, String, String)> {
        let must = |holds: bool, field, found: u64, expected: String| {
            if holds { Ok(()) } else { Err((field, found.to_string(), expected)) }
        };
        let Exchange { participants, held, max_deliveries } = exchange;
        let most = Exchange::MAX_CAPACITY;
        must(self.capacity <= most, "capacity", self.capacity, format!("at most {most} entries"))?;
        let most = Exchange::MAX_PARTICIPANTS;
        must(
            (1..=most).contains(&participants),
            "participants",
            participants.into(),
            format!("1 to {most}"),
        )?;
        let (least, most) = (Exchange::MIN_HELD, Exchange::MAX_HELD);
        must((least..=most).contains(&held), "held", held.into(), format!("{least} to {most}"))?;
        let most = Exchange::MAX_DELIVERIES;
        must(max_deliveries <= most, "max_deliveries", max_deliveries.into(), format!("at most {most}"))?;
        let (size, align) = (u64::from(self.message_size), u64::from(self.message_align));
        must(
            align.is_power_of_two() && align <= HEADER_LEN as u64 && (size != 0 || align == 1),
            "message_align",
            align,
            format!("a power of two up to {HEADER_LEN}, 1 where messages are bytes"),
        )?;
        must(
            self.max_message <= FrameHeader::MAX_LEN && (size == 0 || size == self.max_message),
            "max_message",
            self.max_message,
            format!("message_size where that is not 0, and at most {}", FrameHeader::MAX_LEN),
        )?;
        must(
            self.stride.is_multiple_of(align.max(WORD))
                && (self.payload_offset() + self.max_message..=1 << 31).contains(&self.stride),
            "stride",
            self.stride,
            format!("a multiple of 8 with room for a slot's header and {} bytes", self.max_message),
        )?;
        let slots = exchange.slots(self.capacity);
        must(
            slots.saturating_mul(self.stride) <= MAX_CAPACITY * 8,
            "capacity",
            self.capacity,
            format!("at most {} bytes in all", MAX_CAPACITY * 8),
        )
    }

    /// The first field in which `self`, which was found, is not `expected`.
    pub(crate) fn mismatch(&self, expected: &Self) -> Result<(), Error> {
        let unit = if self.message_size == 0 && self.exchange.is_none() { "bytes" } else { "messages" };
        let differ = |field, found: String, expected: String| Err(Error::Mismatch { field, found, expected });
        self.same_type(expected)?;
        if self.capacity != expected.capacity {
            return differ(
                "capacity",
                format!("{} {unit}", self.capacity),
                format!("{} {unit}", expected.capacity),
            );
        }
        if self.max_message != expected.max_message {
            return differ(
                "longest message",
                format!("{} bytes", self.max_message),
                format!("{} bytes", expected.max_message),
            );
        }
        if self.delivery != expected.delivery {
            return differ("delivery", self.delivery.to_string(), expected.delivery.to_string());
        }
        if self.checksums != expected.checksums {
            let told = |has| if has { "one for each message" } else { "none" }.to_owned();
            return differ("checksums", told(self.checksums), told(expected.checksums));
        }
        if let (Some(found), Some(asked)) = (self.exchange, expected.exchange) {
            for (field, found, asked) in [
                ("number of participants", found.participants, asked.participants),
                ("number of messages held", found.held - 1, asked.held - 1),
                ("greatest number of deliveries", found.max_deliveries, asked.max_deliveries),
            ] {
                if found != asked {
                    return differ(field, found.to_string(), asked.to_string());
                }
            }
            if self.stride != expected.stride {
                return differ(
                    "slot length",
                    format!("{} bytes", self.stride),
                    format!("{} bytes", expected.stride),
                );
            }
        }
        Ok(())
    }

    /// Whether the message type is the expected one: form, size, alignment and tag.
    pub(crate) fn same_type(&self, expected: &Self) -> Result<(), Error> {
        let describe = |g: &Self| match g.message_size {
            0 => format!("bytes of any length, tag {}", g.type_tag),
            size => format!("{size} bytes aligned to {}, tag {}", g.message_align, g.type_tag),
        };
        // The stride of an exchange ring is its slots', whatever their messages are.
        let stride = |g: &Self| if g.exchange.is_some() { 0 } else { g.stride };
        if (self.message_size, self.message_align, stride(self), self.type_tag)
            == (expected.message_size, expected.message_align, stride(expected), expected.type_tag)
        {
            return Ok(());
        }
        Err(Error::Mismatch { field: "message type", found: describe(self), expected: describe(expected) })
    }
}
