//! How a new ring is to be.

use crate::{
    error::Error,
    geometry::{Exchange, Geometry, MAX_CAPACITY, MIN_BYTES},
    payload::{FrameHeader, Payload, WORD, frame_len},
    placement::{HugePages, Wish},
};

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
    participants: u32,
    holding: u32,
    batch: u32,
    max_deliveries: u32,
    checksums: bool,
    wish: Wish,
}

/// Participants of an MPMC ring, where their number is not given.
const DEFAULT_PARTICIPANTS: u32 = 16;
/// Messages that a consumer of an MPMC ring may hold at once, where that is not given.
const DEFAULT_HOLDING: u32 = 3;

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
        Self {
            size,
            max_message: None,
            delivery: Delivery::AtLeastOnce,
            type_tag: 0,
            mode: 0o600,
            participants: DEFAULT_PARTICIPANTS,
            holding: DEFAULT_HOLDING,
            batch: 1,
            max_deliveries: 0,
            checksums: false,
            wish: Wish { huge_pages: None, populate: false, lock: false, node: None },
        }
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

    /// How many producers and consumers an MPMC ring has place for, together. Default: 16;
    /// at most 1024. No effect on SPSC rings.
    pub const fn participants(mut self, participants: u32) -> Self {
        self.participants = participants;
        self
    }

    /// How many received messages each consumer of an MPMC ring may hold at once (batches
    /// count as one). Default: 3; at most 63. No effect on SPSC rings.
    pub const fn holding(mut self, messages: u32) -> Self {
        self.holding = messages;
        self
    }

    /// How many messages of the greatest length one slot of an MPMC ring is to have room
    /// for: a batch of that many is sent, and received by one consumer, at once. Default: 1.
    /// Shorter messages share a slot in any case, up to 4095. No effect on SPSC rings.
    pub const fn batch(mut self, messages: u32) -> Self {
        self.batch = messages;
        self
    }

    /// How often a message of an MPMC ring is delivered, if each time its consumer dies or
    /// hands it back, before it is set aside. Default: 0, as often as it takes; at most 1000.
    /// No effect on SPSC rings, nor where messages are delivered at most once.
    pub const fn max_deliveries(mut self, deliveries: u32) -> Self {
        self.max_deliveries = deliveries;
        self
    }

    /// Whether each message has a checksum, for a ring on disk: by them, after a crash of the machine,
    /// its messages are known to be those that were sent, and the ring is opened as one that was
    /// made since the restart ([`salvage`](crate::salvage) does the same by hand). Default: no.
    ///
    /// Senders compute them, the CRC-32 of each message; receivers do not look at them. They take 8 bytes for each slot, or for each 16 bytes of
    /// an SPSC ring of bytes.
    pub const fn checksums(mut self, checksums: bool) -> Self {
        self.checksums = checksums;
        self
    }

    /// Whether the memory is to be of huge pages. Default: as the system does by itself.
    pub const fn huge_pages(mut self, huge_pages: HugePages) -> Self {
        self.wish.huge_pages = Some(huge_pages);
        self
    }

    /// Whether each handle has all pages in reach when it is made, which costs it some
    /// microseconds for each 2 MiB and spares the first messages. Default: no. The memory itself is
    /// allocated when the ring is made, in any case.
    pub const fn populate(mut self, populate: bool) -> Self {
        self.wish.populate = populate;
        self
    }

    /// Whether the memory is kept from being swapped out (`mlock`), by each handle. Default: no.
    /// Who attaches needs leave for so much: `ulimit -l`.
    pub const fn lock(mut self, lock: bool) -> Self {
        self.wish.lock = lock;
        self
    }

    /// Binds the memory to a NUMA node. Default: that of whoever touches a page first.
    pub const fn node(mut self, node: u32) -> Self {
        self.wish.node = Some(node);
        self
    }

    #[cfg_attr(loom, expect(dead_code, reason = "a model has no pages"))]
    pub(crate) const fn wish(&self) -> Wish {
        self.wish
    }

    pub(crate) const fn permissions(&self) -> u32 {
        self.mode
    }

    /// The geometry that an SPSC ring of these options has.
    pub(crate) fn geometry<M: Payload + ?Sized>(&self) -> Result<Geometry, Error> {
        self.checked(if M::FRAMED { self.frames()? } else { self.slots::<M>()? })
    }

    /// The geometry that an MPMC ring of these options has.
    pub(crate) fn exchange_geometry<M: Payload + ?Sized>(&self) -> Result<Geometry, Error> {
        self.checked(self.entries::<M>()?)
    }

    fn checked(&self, geometry: Geometry) -> Result<Geometry, Error> {
        if self.mode & !0o777 != 0 {
            return Err(wrong("mode", format!("{:o}", self.mode), "up to 777 in octal"));
        }
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
            checksums: self.checksums,
            exchange: None,
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
            checksums: self.checksums,
            exchange: None,
        })
    }

    fn entries<M: Payload + ?Sized>(&self) -> Result<Geometry, Error> {
        let batch = u64::from(self.batch);
        if !(1..=Exchange::MAX_PACKED).contains(&batch) {
            return Err(wrong("batch", batch, format!("1 to {}", Exchange::MAX_PACKED)));
        }
        if !(1..Exchange::MAX_HELD).contains(&self.holding) {
            return Err(wrong("holding", self.holding, format!("1 to {}", Exchange::MAX_HELD - 1)));
        }
        let exchange = Exchange {
            participants: self.participants,
            held: self.holding + 1,
            max_deliveries: self.max_deliveries,
        };
        let mut geometry = Geometry {
            stride: 0,
            capacity: 0,
            max_message: M::SIZE as u64,
            message_size: M::SIZE as u32,
            message_align: M::ALIGN as u32,
            delivery: self.delivery,
            type_tag: self.type_tag,
            checksums: self.checksums,
            exchange: Some(exchange),
        };
        let room = if M::FRAMED {
            geometry.max_message = self.max_message.unwrap_or(DEFAULT_MAX_MESSAGE);
            // The first frame's header lies in the slot's.
            let frame = WORD.saturating_add(geometry.max_message.min(MAX_CAPACITY).next_multiple_of(WORD));
            frame * batch - WORD
        } else {
            (M::SIZE as u64).saturating_mul(batch)
        };
        geometry.stride = Geometry::slot_len(geometry.payload_offset(), room, M::ALIGN as u64);
        let messages = match self.size {
            Size::Bytes(bytes) => bytes / geometry.stride,
            Size::Messages(messages) => messages,
        };
        if messages == 0 {
            return Err(wrong(
                "messages",
                0,
                format!("at least 1, in slots of {} bytes each", geometry.stride),
            ));
        }
        geometry.capacity = power_of_two(messages, "messages")?;
        Ok(geometry)
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
