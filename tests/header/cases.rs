//! Wrong values for every field of the identity, and what is to be said of each.

/// A field set to a wrong value.
pub(crate) struct Case {
    pub(crate) field: &'static str,
    pub(crate) value: u64,
    /// What is said where the checksum fits the wrong value.
    pub(crate) told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The field of this name is invalid.
    Invalid(&'static str),
    /// The ring is whole, but its messages are of another type.
    Mismatch,
    /// Nothing: that is a ring as well.
    Fine,
}
use Told::{Fine, Invalid, Mismatch};

const ONES: u64 = u64::MAX;
const HALF_ONES: u64 = u32::MAX as u64;

/// The ring that [`BYTE_RING`] spoils: 4096 bytes, messages of up to 2040.
pub(crate) const BYTES: u64 = 4096;

const fn case(field: &'static str, value: u64, told: Told) -> Case {
    Case { field, value, told }
}

/// Fields that read alike in every kind of ring.
pub(crate) const ANY_RING: &[Case] = &[
    case("magic", 0, Invalid("magic")),
    case("magic", ONES, Invalid("magic")),
    case("magic", super::support::layout::MAGIC + 1, Invalid("magic")),
    case("magic", super::support::layout::MAGIC - 1, Invalid("magic")),
    case("magic", super::support::layout::MAGIC.swap_bytes(), Invalid("magic")),
    case("version", 0, Invalid("version")),
    case("version", 2, Invalid("version")),
    case("version", HALF_ONES, Invalid("version")),
    case("byte_order", 0, Invalid("byte_order")),
    case("byte_order", 0x0102_0305, Invalid("byte_order")),
    case("byte_order", 0x0403_0201, Invalid("byte_order")),
    case("byte_order", HALF_ONES, Invalid("byte_order")),
    case("kind", 0, Invalid("kind")),
    case("kind", 0xffff, Invalid("kind")),
    case("kind", HALF_ONES, Invalid("kind")),
    case("header_len", 0, Invalid("header_len")),
    case("header_len", 4095, Invalid("header_len")),
    case("header_len", 4097, Invalid("header_len")),
    case("header_len", 8192, Invalid("header_len")),
    case("header_len", HALF_ONES, Invalid("header_len")),
    case("incompat", 1 << 63, Invalid("incompat")),
    case("incompat", 1 << 62 | 1, Invalid("incompat")),
    case("incompat", ONES, Invalid("incompat")),
    case("compat", 1, Fine),
    case("compat", ONES, Fine),
    case("region_len", 0, Invalid("region_len")),
    case("region_len", 4096, Invalid("region_len")),
    case("region_len", 8191, Invalid("region_len")),
    case("region_len", 8193, Invalid("region_len")),
    case("region_len", 12_288, Invalid("region_len")),
    case("region_len", ONES, Invalid("region_len")),
    case("data_offset", 0, Invalid("data_offset")),
    case("data_offset", 4095, Invalid("data_offset")),
    case("data_offset", 4104, Invalid("data_offset")),
    case("data_offset", 8192, Invalid("data_offset")),
    case("data_offset", ONES, Invalid("data_offset")),
    case("delivery", 0, Invalid("delivery")),
    case("delivery", 2, Fine),
    case("delivery", 3, Invalid("delivery")),
    case("delivery", HALF_ONES, Invalid("delivery")),
    case("participants", 0, Invalid("participants")),
    case("participants", 1, Invalid("participants")),
    case("participants", 3, Invalid("participants")),
    case("participants", HALF_ONES, Invalid("participants")),
    case("held", 1, Invalid("held")),
    case("held", HALF_ONES, Invalid("held")),
    case("max_deliveries", 1, Invalid("max_deliveries")),
    case("max_deliveries", HALF_ONES, Invalid("max_deliveries")),
    case("placement", 3, Invalid("placement")),
    case("placement", 3 | 15 << 8, Invalid("placement")),
    case("placement", 3 | 35 << 8, Invalid("placement")),
    case("placement", 3 | 21 << 8, Invalid("the file's length")),
    case("placement", 21 << 8, Invalid("placement")),
    case("placement", 1 << 4, Invalid("placement")),
    case("placement", 1 | 1 << 2, Fine),
    case("placement", HALF_ONES, Invalid("placement")),
    case("node", 1, Fine),
    case("node", 1025, Invalid("node")),
    case("node", HALF_ONES, Invalid("node")),
    case("huge", 1, Invalid("huge")),
    case("huge", ONES, Invalid("huge")),
    case("lock_device", 1, Invalid("lock_device")),
    case("lock_device", ONES, Invalid("lock_device")),
    case("lock_inode", 1, Invalid("lock_inode")),
    case("lock_inode", ONES, Invalid("lock_inode")),
    case("type_tag", 1, Mismatch),
    case("type_tag", ONES, Mismatch),
    case("created", 0, Invalid("created")),
    case("created", 1, Fine),
    // The year 2200, and the end of time.
    case("created", 7_258_118_400_000_000_000, Invalid("created")),
    case("created", ONES, Invalid("created")),
];

/// Fields whose range depends on the geometry, in a ring of [`BYTES`].
pub(crate) const BYTE_RING: &[Case] = &[
    case("capacity", 0, Invalid("capacity")),
    case("capacity", 32, Invalid("capacity")),
    case("capacity", 2048, Invalid("max_message")),
    case("capacity", 4095, Invalid("capacity")),
    case("capacity", 4097, Invalid("capacity")),
    case("capacity", 8192, Invalid("region_len")),
    case("capacity", 1 << 40, Invalid("region_len")),
    case("capacity", 1 << 41, Invalid("capacity")),
    case("capacity", ONES, Invalid("capacity")),
    case("stride", 0, Invalid("stride")),
    case("stride", 2, Invalid("stride")),
    case("stride", 8, Invalid("stride")),
    case("stride", ONES, Invalid("stride")),
    case("max_message", 0, Fine),
    case("max_message", 2039, Fine),
    case("max_message", 2041, Invalid("max_message")),
    case("max_message", 4096, Invalid("max_message")),
    case("max_message", ONES, Invalid("max_message")),
    case("message_size", 1, Invalid("max_message")),
    case("message_size", 2040, Invalid("stride")),
    case("message_size", HALF_ONES, Invalid("max_message")),
    case("message_align", 0, Invalid("message_align")),
    case("message_align", 2, Invalid("message_align")),
    case("message_align", HALF_ONES, Invalid("message_align")),
];

/// The same in a ring of 128 values of 24 bytes, aligned to 8, 32 apart.
pub(crate) const TYPED_RING: &[Case] = &[
    case("capacity", 0, Invalid("capacity")),
    case("capacity", 64, Invalid("region_len")),
    case("capacity", 127, Invalid("capacity")),
    case("capacity", 129, Invalid("capacity")),
    case("capacity", 256, Invalid("region_len")),
    case("capacity", 1 << 40, Invalid("capacity")),
    case("capacity", 1 << 41, Invalid("capacity")),
    case("capacity", ONES, Invalid("capacity")),
    case("stride", 0, Invalid("stride")),
    case("stride", 16, Invalid("stride")),
    case("stride", 24, Invalid("region_len")),
    case("stride", 31, Invalid("stride")),
    case("stride", 33, Invalid("stride")),
    case("stride", 64, Invalid("region_len")),
    case("stride", ONES, Invalid("stride")),
    case("stride", ONES - 7, Invalid("stride")),
    case("max_message", 0, Invalid("max_message")),
    case("max_message", 23, Invalid("max_message")),
    case("max_message", 25, Invalid("max_message")),
    case("max_message", ONES, Invalid("max_message")),
    case("message_size", 0, Invalid("stride")),
    case("message_size", 23, Invalid("max_message")),
    case("message_size", 25, Invalid("max_message")),
    case("message_size", HALF_ONES, Invalid("max_message")),
    case("message_align", 0, Invalid("message_align")),
    case("message_align", 1, Mismatch),
    case("message_align", 3, Invalid("message_align")),
    case("message_align", 16, Mismatch),
    case("message_align", 64, Invalid("message_align")),
    case("message_align", HALF_ONES, Invalid("message_align")),
];
