//! docs/LAYOUT.md, written down a second time: a layout that changes by mistake does
//! not agree with this.

pub(crate) const HEADER_LEN: usize = 4096;
pub(crate) const MAGIC: u64 = 0x474e_4952_4e4f_5249;

pub(crate) const AT_MAGIC: usize = 0;
pub(crate) const AT_CAPACITY: usize = 56;
pub(crate) const AT_CHECKSUM: usize = 248;
pub(crate) const AT_RETIRED: usize = 256;
/// Half a word; in the other half are the roles that anybody ever had.
pub(crate) const AT_SESSION: usize = 264;
/// Where consumers and producers sleep, and the bit that says that some may.
pub(crate) const AT_CONSUMERS_WAIT: usize = 384;
pub(crate) const AT_PRODUCERS_WAIT: usize = 512;
pub(crate) const WAITED_FOR: u32 = 1;
/// A wake-up is owed, or somebody is to be told by a touch of the file.
pub(crate) const OWED: u32 = 2;
pub(crate) const WATCHED: u32 = 8;
/// What is closed by, and slept on.
pub(crate) const WAITING: [usize; 3] = [AT_SESSION, AT_CONSUMERS_WAIT, AT_PRODUCERS_WAIT];
pub(crate) const AT_TAIL: usize = 640;
pub(crate) const AT_HEAD: usize = 768;
pub(crate) const AT_PRODUCER: usize = 896;
pub(crate) const AT_CONSUMER: usize = 1024;
/// Within a record: where the owner's mark lies.
pub(crate) const MARK: usize = 32;

/// Frames start at multiples of this, in bytes, and their header has as many.
pub(crate) const WORD: u64 = 8;

/// Bytes that a message of `len` bytes takes in a byte ring.
pub(crate) const fn frame_len(len: usize) -> u64 {
    match WORD + len as u64 {
        ..=16 => 16,
        17..=32 => 32,
        33..=64 => 64,
        more => more.next_multiple_of(WORD),
    }
}

/// Bytes of padding before a frame for `len` bytes at `position`.
pub(crate) const fn padding(position: u64, len: usize, capacity: u64) -> u64 {
    let to_end = capacity - position % capacity;
    if frame_len(len) > to_end { to_end } else { 0 }
}

/// A field of the identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) at: usize,
    pub(crate) len: usize,
}

const fn field(name: &'static str, at: usize, len: usize) -> Field {
    Field { name, at, len }
}

/// Every field of the identity, in order; the reserved words are one.
pub(crate) const IDENTITY: &[Field] = &[
    field("magic", 0, 8),
    field("version", 8, 4),
    field("byte_order", 12, 4),
    field("kind", 16, 4),
    field("header_len", 20, 4),
    field("incompat", 24, 8),
    field("compat", 32, 8),
    field("region_len", 40, 8),
    field("data_offset", 48, 8),
    field("capacity", 56, 8),
    field("stride", 64, 8),
    field("max_message", 72, 8),
    field("message_size", 80, 4),
    field("message_align", 84, 4),
    field("type_tag", 88, 8),
    field("delivery", 96, 4),
    field("participants", 100, 4),
    field("created", 104, 8),
    field("boot_id", 112, 16),
    field("held", 128, 4),
    field("max_deliveries", 132, 4),
    field("placement", 136, 4),
    field("node", 140, 4),
    field("huge", 144, 8),
    field("lock_device", 152, 8),
    field("lock_inode", 160, 8),
    field("reserved", 168, 80),
    field("checksum", 248, 8),
];

/// FNV-1a, 64 bits.
pub(crate) fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// An exchange ring's own parts.
pub(crate) mod exchange {
    use super::HEADER_LEN;

    /// Within a record: counts of messages that were dropped, and displaced.
    pub(crate) const AT_DROPPED: usize = 72;
    pub(crate) const AT_DISPLACED: usize = 88;
    /// Within a record: the journal; and a word for each held slot, and as many positions.
    pub(crate) const INTENT: usize = 128;
    pub(crate) const EXPECTED: usize = 136;
    pub(crate) const HELD: usize = 168;

    /// How large an exchange ring is: what follows is in bytes from the region's start.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Size {
        pub(crate) capacity: usize,
        pub(crate) participants: usize,
        /// Messages that a consumer may hold at once.
        pub(crate) holding: usize,
    }

    impl Size {
        const fn record_len(self) -> usize {
            (HELD + 2 * 8 * (self.holding + 1)).next_multiple_of(128)
        }

        /// Where the record of participant `number` lies.
        pub(crate) const fn record(self, number: usize) -> usize {
            HEADER_LEN + number * self.record_len()
        }

        /// Where the entries lie.
        pub(crate) const fn entries(self) -> usize {
            self.record(self.participants).next_multiple_of(HEADER_LEN)
        }

        /// Where the slots lie.
        pub(crate) const fn slots(self) -> usize {
            (self.entries() + 8 * self.capacity).next_multiple_of(HEADER_LEN)
        }

        /// How many bits of an entry number a slot: those above are its turn.
        pub(crate) const fn slot_bits(self) -> u32 {
            (self.capacity + self.participants * (self.holding + 1)).ilog2() + 1
        }
    }
}
