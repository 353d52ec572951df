//! How a new ring is to be, and what follows from that for its region.

use crate::{
    error::Error,
    layout::HEADER_LEN,
    payload::{FrameHeader, Payload, WORD, frame_len},
};

/// The largest capacity, in bytes of a byte ring or messages of a typed one.
const MAX_CAPACITY: u64 = 1 << 40;
/// The smallest data area of a byte ring.
const MIN_BYTES: u64 = 64;
/// The longest message of a byte ring whose size is given as a number of messages.
const DEFAULT_MAX_MESSAGE: u64 = 4096;

/// What happens to messages that a consumer had received and not released when it died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// They are delivered again, marked as redelivered. The default.
    #[default]
    AtLeastOnce,
    /// They are dropped.
    AtMostOnce,
}

impl Delivery {
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::AtLeastOnce => 1,
            Self::AtMostOnce => 2,
        }
    }

    pub(crate) const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::AtMostOnce),
            _ => None,
        }
    }
}

impl std::fmt::Display for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Size {
    Bytes(u64),
    Messages(u64),
}

/// How a new ring is to be.
///
/// ```
/// use ironring::{Delivery, Options, spsc};
///
/// let options = Options::messages(1024).max_message(256).delivery(Delivery::AtMostOnce);
/// let ring = spsc::Ring::<[u8]>::anonymous(&options)?;
/// assert_eq!(ring.max_message(), 256);
/// # Ok::<(), ironring::Error>(())
/// ```
///
/// A ring that fits the processor's second-level cache (1 MiB, say) moves large
/// messages two to three times as fast as one that does not.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    size: Size,
    max_message: Option<u64>,
    delivery: Delivery,
    type_tag: u64,
    mode: u32,
}

impl Options {
    /// A data area of at least `bytes` bytes, rounded up to a power of two (of bytes,
    /// or of messages where all have one size).
    pub const fn bytes(bytes: u64) -> Self {
        Self::of(Size::Bytes(bytes))
    }

    /// Room for at least `messages` messages of the greatest length. In a byte ring
    /// that length is [`max_message`](Self::max_message), or 4096 bytes if not given.
    pub const fn messages(messages: u64) -> Self {
        Self::of(Size::Messages(messages))
    }

    const fn of(size: Size) -> Self {
        Self { size, max_message: None, delivery: Delivery::AtLeastOnce, type_tag: 0, mode: 0o600 }
    }

    /// The longest message of a byte ring, in bytes. Default: half the data area less
    /// eight bytes, which is also the most that is possible. No effect on typed rings.
    pub const fn max_message(mut self, bytes: u64) -> Self {
        self.max_message = Some(bytes);
        self
    }

    /// What happens to messages that a consumer held when it died.
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// A number of the caller's that must be the same for all who open the ring, such
    /// as a version or a hash of the message's type. Default: 0.
    pub const fn type_tag(mut self, tag: u64) -> Self {
        self.type_tag = tag;
        self
    }

    /// The permissions of a ring that has a name, as in `chmod`. Default: `0o600`.
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    pub(crate) const fn permissions(&self) -> u32 {
        self.mode
    }

    /// The geometry that a ring of these options has.
    pub(crate) fn geometry<M: Payload + ?Sized>(&self) -> Result<Geometry, Error> {
        if self.mode & !0o777 != 0 {
            return Err(wrong("mode", format!("{:o}", self.mode), "up to 777 in octal"));
        }
        let geometry = if M::FRAMED { self.frames()? } else { self.slots::<M>()? };
        let geometry = Geometry { delivery: self.delivery, type_tag: self.type_tag, ..geometry };
        geometry.check().map_err(|(option, found, expected)| Error::Options { option, found, expected })?;
        Ok(geometry)
    }

    fn frames(&self) -> Result<Geometry, Error> {
        let bytes = match self.size {
            Size::Bytes(0) => return Err(wrong("bytes", 0, "at least 1")),
            Size::Bytes(bytes) => bytes,
            Size::Messages(0) => return Err(wrong("messages", 0, "at least 1")),
            Size::Messages(messages) => {
                // One frame more than asked for pays for the padding at the end of the
                // area and for the empty header behind the last frame.
                let frame = frame_len(self.max_message.unwrap_or(DEFAULT_MAX_MESSAGE).min(MAX_CAPACITY));
                messages.saturating_add(1).saturating_mul(frame)
            }
        };
        let at_least = match self.max_message {
            Some(len) if len > FrameHeader::MAX_LEN => {
                return Err(wrong("max_message", len, format!("at most {} bytes", FrameHeader::MAX_LEN)));
            }
            Some(len) => bytes.max(2 * frame_len(len)),
            None => bytes,
        };
        let capacity = power_of_two(at_least.max(MIN_BYTES), "bytes")?;
        let longest = Geometry::longest_frame_payload(capacity);
        Ok(Geometry {
            stride: 1,
            capacity,
            max_message: self.max_message.unwrap_or(match self.size {
                Size::Bytes(_) => longest,
                Size::Messages(_) => DEFAULT_MAX_MESSAGE,
            }),
            message_size: 0,
            message_align: 1,
            delivery: self.delivery,
            type_tag: self.type_tag,
        })
    }

    fn slots<M: Payload + ?Sized>(&self) -> Result<Geometry, Error> {
        let messages = match self.size {
            Size::Bytes(bytes) => bytes / M::STRIDE,
            Size::Messages(messages) => messages,
        };
        if messages == 0 {
            return Err(wrong("messages", 0, format!("at least 1, of {} bytes each", M::STRIDE)));
        }
        Ok(Geometry {
            stride: M::STRIDE,
            capacity: power_of_two(messages, "messages")?,
            max_message: M::SIZE as u64,
            message_size: M::SIZE as u32,
            message_align: M::ALIGN as u32,
            delivery: self.delivery,
            type_tag: self.type_tag,
        })
    }
}

fn power_of_two(n: u64, option: &'static str) -> Result<u64, Error> {
    n.checked_next_power_of_two()
        .filter(|n| *n <= MAX_CAPACITY)
        .ok_or_else(|| wrong(option, n, format!("at most {MAX_CAPACITY}")))
}

fn wrong(option: &'static str, found: impl ToString, expected: impl Into<String>) -> Error {
    Error::Options { option, found: found.to_string(), expected: expected.into() }
}

/// What every participant must agree on: sizes, the message's type, and delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
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
}

impl Geometry {
    /// The longest message that always finds room in an empty byte ring: were a frame
    /// longer than half the area, one that must start at the beginning could lack room
    /// beside the padding before it and the empty header after it.
    pub(crate) const fn longest_frame_payload(capacity: u64) -> u64 {
        let longest = capacity / 2 - WORD;
        if longest < FrameHeader::MAX_LEN { longest } else { FrameHeader::MAX_LEN }
    }

    pub(crate) const fn data_len(&self) -> u64 {
        self.capacity * self.stride
    }

    pub(crate) const fn region_len(&self) -> u64 {
        HEADER_LEN as u64 + self.data_len()
    }

    /// What is wrong with these numbers taken together, if anything: the field, what
    /// it is, and what it may be.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String, String)> {
        let fail = |field, found: u64, expected: String| Err((field, found.to_string(), expected));
        if !self.capacity.is_power_of_two() || self.capacity > MAX_CAPACITY {
            return fail("capacity", self.capacity, format!("a power of two up to {MAX_CAPACITY}"));
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

    /// The first field in which `self`, which was found, is not `expected`.
    pub(crate) fn mismatch(&self, expected: &Self) -> Result<(), Error> {
        let unit = if self.message_size == 0 { "bytes" } else { "messages" };
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
        Ok(())
    }

    /// Whether the message type is the expected one: form, size, alignment and tag.
    pub(crate) fn same_type(&self, expected: &Self) -> Result<(), Error> {
        let describe = |g: &Self| match g.message_size {
            0 => format!("bytes of any length, tag {}", g.type_tag),
            size => format!("{size} bytes aligned to {}, tag {}", g.message_align, g.type_tag),
        };
        if (self.message_size, self.message_align, self.stride, self.type_tag)
            == (expected.message_size, expected.message_align, expected.stride, expected.type_tag)
        {
            return Ok(());
        }
        Err(Error::Mismatch { field: "message type", found: describe(self), expected: describe(expected) })
    }
}
