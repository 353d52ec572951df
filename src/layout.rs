//! Every offset in a region, in bytes from its start. docs/LAYOUT.md draws this page.
//!
//! All integers are little-endian as the machine stores them; `byte_order` lets a
//! reader of the other kind find out. A line is [`LINE`] bytes: two cache lines,
//! since the adjacent-line prefetcher fetches them in pairs.

/// Bytes of the header page; the data area starts behind it.
pub(crate) const HEADER_LEN: usize = 4096;

/// Bytes that each shared word with its own writer has to itself.
pub(crate) const LINE: usize = 128;

/// The first eight bytes of a finished ring: `IRONRING`.
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"IRONRING");

/// The version of this layout.
pub(crate) const VERSION: u32 = 1;

/// What `byte_order` reads as on a machine of the writer's kind.
pub(crate) const BYTE_ORDER: u32 = 0x0102_0304;

// Identity: written before the magic, never changed afterwards, covered by the checksum.
pub(crate) const AT_MAGIC: usize = 0;
pub(crate) const AT_VERSION: usize = 8;
pub(crate) const AT_BYTE_ORDER: usize = 12;
pub(crate) const AT_KIND: usize = 16;
pub(crate) const AT_HEADER_LEN: usize = 20;
pub(crate) const AT_INCOMPAT: usize = 24;
pub(crate) const AT_COMPAT: usize = 32;
pub(crate) const AT_REGION_LEN: usize = 40;
pub(crate) const AT_DATA_OFFSET: usize = 48;
pub(crate) const AT_CAPACITY: usize = 56;
pub(crate) const AT_STRIDE: usize = 64;
pub(crate) const AT_MAX_MESSAGE: usize = 72;
pub(crate) const AT_MESSAGE_SIZE: usize = 80;
pub(crate) const AT_MESSAGE_ALIGN: usize = 84;
pub(crate) const AT_TYPE_TAG: usize = 88;
pub(crate) const AT_DELIVERY: usize = 96;
pub(crate) const AT_PARTICIPANTS: usize = 100;
pub(crate) const AT_CREATED: usize = 104;
pub(crate) const AT_BOOT_ID: usize = 112;
/// An exchange ring's only: slots that each participant holds.
pub(crate) const AT_HELD: usize = 128;
/// An exchange ring's only: deliveries of a message before it is set aside.
pub(crate) const AT_MAX_DELIVERIES: usize = 132;
/// Pages, whether to populate and to lock them; the NUMA node and one; bytes in huge pages.
pub(crate) const AT_PLACEMENT: usize = 136;
pub(crate) const AT_NODE: usize = 140;
pub(crate) const AT_HUGE: usize = 144;
/// Which file is locked, where it is not the region's own.
pub(crate) const AT_LOCK_DEVICE: usize = 152;
pub(crate) const AT_LOCK_INODE: usize = 160;
/// Reserved identity words, zero in this version.
pub(crate) const AT_IDENTITY_RESERVED: usize = 168;
pub(crate) const AT_CHECKSUM: usize = 248;

// Life: words that any participant may change.
pub(crate) const AT_RETIRED: usize = 256;
/// How often the ring was closed and opened again: odd while it is closed.
pub(crate) const AT_SESSION: usize = 264;
/// A bit for each role that anybody ever had, and above them, by [`LEFT`] each, how many consumers
/// of an MPMC ring have left.
pub(crate) const AT_CAME: usize = 268;
pub(crate) const LEFT: u32 = 1 << 2;
/// The words to sleep on, each alone on its line: the one of consumers, which publishers look
/// at, and the one of producers, which whoever makes room looks at.
pub(crate) const AT_CONSUMERS_WAIT: usize = 384;
pub(crate) const AT_PRODUCERS_WAIT: usize = 512;

/// The producer's cursor, alone on its line.
pub(crate) const AT_TAIL: usize = 640;
/// The consumer's cursor, alone on its line.
pub(crate) const AT_HEAD: usize = 768;

// One record a participant: a line that its owner alone writes. The owner holds the
// lock on the record's first byte.
pub(crate) const AT_PRODUCER: usize = 896;
pub(crate) const AT_CONSUMER: usize = 1024;
pub(crate) const AT_RECORD_STATE: usize = 0;
pub(crate) const AT_RECORD_PID: usize = 8;
pub(crate) const AT_RECORD_ATTACHMENTS: usize = 16;
pub(crate) const AT_RECORD_SINCE: usize = 24;
/// The producer's last published position, or how far the consumer has received.
pub(crate) const AT_RECORD_MARK: usize = 32;
/// A consumer's only: the producers' attachments whose end a consumer has seen.
pub(crate) const AT_RECORD_ENDED: usize = 40;
/// The producer's only: the tag of its last published message.
pub(crate) const AT_RECORD_TAG: usize = 48;

/// An exchange ring's only: 1 for a producer, 2 for a consumer.
pub(crate) const AT_RECORD_ROLE: usize = 56;
/// An exchange ring's only: messages delivered again that this participant had received.
pub(crate) const AT_RECORD_REDELIVERED: usize = 64;
/// An exchange ring's only: messages dropped that this participant had received, and how
/// many those were before the ones that are being dropped.
pub(crate) const AT_RECORD_DROPPED: usize = 72;
pub(crate) const AT_RECORD_DROPPED_BEFORE: usize = 80;
/// An exchange ring's only: messages that this participant's displaced, and how many those
/// were before the displacement that is intended.
pub(crate) const AT_RECORD_DISPLACED: usize = 88;
pub(crate) const AT_RECORD_DISPLACED_BEFORE: usize = 96;
/// An exchange ring's only: how many of the attachments were producers'.
pub(crate) const AT_RECORD_PRODUCERS: usize = 104;

// The journal of an exchange ring's participant, from the second line of its record on.
pub(crate) const RECORD_INTENT: usize = 128;
pub(crate) const RECORD_EXPECTED: usize = 136;
/// The position behind the last published message, or 0; its tag; the tag of the next.
pub(crate) const RECORD_LAST: usize = 144;
pub(crate) const RECORD_LAST_TAG: usize = 152;
pub(crate) const RECORD_NEXT_TAG: usize = 160;
/// A word for each slot that is held, and behind those, the position for each at which
/// its message was.
pub(crate) const RECORD_HELD: usize = 168;

// A slot of an exchange ring: the participant that holds it or held it last, and the
// sender; the first frame's header; messages.
pub(crate) const SLOT_OWNER: usize = 0;
pub(crate) const SLOT_HEADER: usize = 8;
pub(crate) const SLOT_PAYLOAD: usize = 16;

/// Reserved for counters, a line a participant.
pub(crate) const AT_COUNTERS_RESERVED: usize = 1152;

/// Values of a record's state.
pub(crate) const DETACHED: u64 = 0;
pub(crate) const ATTACHED: u64 = 1;
/// It died, and what it left has been set right.
pub(crate) const RECOVERED: u64 = 2;

const _: () = {
    assert!(AT_BOOT_ID + 16 == AT_HELD && AT_MAX_DELIVERIES + 4 == AT_PLACEMENT);
    assert!(AT_CHECKSUM + 8 == AT_RETIRED);
    assert!(AT_RETIRED.is_multiple_of(LINE) && AT_SESSION == AT_RETIRED + 8 && AT_CAME == AT_SESSION + 4);
    assert!(AT_CONSUMERS_WAIT.is_multiple_of(LINE) && AT_CAME + 4 <= AT_CONSUMERS_WAIT);
    assert!(AT_PRODUCERS_WAIT == AT_CONSUMERS_WAIT + LINE && AT_TAIL == AT_PRODUCERS_WAIT + LINE);
    assert!(AT_TAIL.is_multiple_of(LINE) && AT_HEAD == AT_TAIL + LINE);
    assert!(AT_PRODUCER == AT_HEAD + LINE && AT_CONSUMER == AT_PRODUCER + LINE);
    assert!(AT_COUNTERS_RESERVED == AT_CONSUMER + LINE);
    assert!(AT_RECORD_PRODUCERS + 8 <= LINE && RECORD_INTENT == LINE);
    assert!(AT_COUNTERS_RESERVED + 2 * LINE <= HEADER_LEN);
};
