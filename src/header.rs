//! The identity of a region: what its creator writes once, and what everyone who opens
//! it checks, field by field, before believing any of it.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    error::Error,
    geometry::{Exchange, Geometry},
    layout::{
        AT_BOOT_ID, AT_BYTE_ORDER, AT_CAPACITY, AT_CHECKSUM, AT_COMPAT, AT_CREATED, AT_DATA_OFFSET,
        AT_DELIVERY, AT_HEADER_LEN, AT_HELD, AT_HUGE, AT_IDENTITY_RESERVED, AT_INCOMPAT, AT_KIND,
        AT_LOCK_DEVICE, AT_LOCK_INODE, AT_MAGIC, AT_MAX_DELIVERIES, AT_MAX_MESSAGE, AT_MESSAGE_ALIGN,
        AT_MESSAGE_SIZE, AT_NODE, AT_PARTICIPANTS, AT_PLACEMENT, AT_REGION_LEN, AT_STRIDE, AT_TYPE_TAG,
        AT_VERSION, BYTE_ORDER, HEADER_LEN, MAGIC, VERSION,
    },
    memory::Mapping,
    options::Delivery,
    placement::{Placed, Placement},
    record::now,
};

/// A feature without which a ring must not be used: each message has a checksum.
const INCOMPAT_CHECKSUMS: u64 = 1;
/// All such features that are known.
const KNOWN_INCOMPAT: u64 = INCOMPAT_CHECKSUMS;

/// Which algorithm a ring runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One producer and one consumer at a time.
    Spsc,
    /// Any number of producers and consumers.
    Mpmc,
}

impl Kind {
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Spsc => 1,
            Self::Mpmc => 2,
        }
    }

    pub(crate) const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Spsc),
            2 => Some(Self::Mpmc),
            _ => None,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Spsc => "spsc",
            Self::Mpmc => "mpmc",
        })
    }
}

/// The identity of a ring, as its header says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) kind: Kind,
    pub(crate) geometry: Geometry,
    /// Nanoseconds since 1970.
    pub(crate) created: u64,
    pub(crate) boot_id: [u8; 16],
    pub(crate) placement: Placement,
    pub(crate) lock_file: LockFile,
}

/// Which file's locks say who lives: device and inode; zeros for the region's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockFile {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Identity {
    /// The identity of a ring that is made now, on this machine.
    pub(crate) fn of_new(geometry: Geometry, placement: Placement, lock_file: LockFile) -> Self {
        let kind = if geometry.exchange.is_some() { Kind::Mpmc } else { Kind::Spsc };
        Self { kind, geometry, created: now(), boot_id: boot_id(), placement, lock_file }
    }

    /// Writes the identity to a region of zeros; the magic comes last, so that a reader
    /// who sees it (Acquire, in [`read`](Self::read)) sees the rest.
    pub(crate) fn write(&self, to: &Arc<Mapping>) {
        let g = &self.geometry;
        let placed = self.placement.encode();
        let words = [
            (AT_INCOMPAT, if g.checksums { INCOMPAT_CHECKSUMS } else { 0 }),
            (AT_COMPAT, 0),
            (AT_REGION_LEN, g.region_len()),
            (AT_DATA_OFFSET, g.data_offset()),
            (AT_CAPACITY, g.capacity),
            (AT_STRIDE, g.stride),
            (AT_MAX_MESSAGE, g.max_message),
            (AT_TYPE_TAG, g.type_tag),
            (AT_CREATED, self.created),
            (AT_HUGE, placed.huge),
            (AT_LOCK_DEVICE, self.lock_file.device),
            (AT_LOCK_INODE, self.lock_file.inode),
        ];
        let half_words = [
            (AT_VERSION, VERSION),
            (AT_BYTE_ORDER, BYTE_ORDER),
            (AT_KIND, self.kind.code()),
            (AT_HEADER_LEN, HEADER_LEN as u32),
            (AT_MESSAGE_SIZE, g.message_size),
            (AT_MESSAGE_ALIGN, g.message_align),
            (AT_DELIVERY, g.delivery.code()),
            (AT_PARTICIPANTS, g.exchange.map_or(SPSC_PARTICIPANTS, |exchange| exchange.participants)),
            (AT_HELD, g.exchange.map_or(0, |exchange| exchange.held)),
            (AT_MAX_DELIVERIES, g.exchange.map_or(0, |exchange| exchange.max_deliveries)),
            (AT_PLACEMENT, placed.placement),
            (AT_NODE, placed.node),
        ];
        for (at, value) in words {
            to.word(at).store(value, Ordering::Relaxed);
        }
        for (at, value) in half_words {
            to.half_word(at).store(value, Ordering::Relaxed);
        }
        self.write_boot_id(to);
        to.word(AT_CHECKSUM).store(checksum(to, self.boot_id), Ordering::Relaxed);
        to.word(AT_MAGIC).store(MAGIC, Ordering::Release);
    }

    /// Reads and checks the identity of a region of `region_len` bytes, of which at
    /// least a header is mapped, and in which `lock_file` is locked. `outlives_boot` says
    /// whether its bytes may be from before the machine was restarted.
    pub(crate) fn read(
        from: &Arc<Mapping>,
        region_len: u64,
        lock_file: LockFile,
        outlives_boot: bool,
    ) -> Result<Self, Error> {
        let found = Self::read_of_any_boot(from, region_len, lock_file)?;
        match found.boot() {
            Boot::This => Ok(found),
            Boot::Unknown if !outlives_boot => Ok(found),
            Boot::Unknown => Err(no_boot_id()),
            Boot::Other(this) => Err(invalid(
                BOOT_ID,
                hex_bytes(found.boot_id),
                format!(
                    "{}: the machine was restarted since, and what was not written to disk before is lost; see \
                     `ironring salvage`",
                    hex_bytes(this)
                ),
            )),
        }
    }

    /// Of which boot the region is.
    pub(crate) fn boot(&self) -> Boot {
        match boot_id_of_machine() {
            Some(this) if this == self.boot_id => Boot::This,
            Some(this) if self.boot_id != UNKNOWN_BOOT => Boot::Other(this),
            _ => Boot::Unknown,
        }
    }

    fn write_boot_id(&self, to: &Arc<Mapping>) {
        for (i, half) in self.boot_id.chunks_exact(8).enumerate() {
            let value = u64::from_ne_bytes(half.try_into().expect("eight bytes"));
            to.word(AT_BOOT_ID + 8 * i).store(value, Ordering::Release);
        }
    }

    /// Takes a region of another boot over to this one, which must be in nobody's use.
    pub(crate) fn take_over(&mut self, of: &Arc<Mapping>) {
        self.boot_id = boot_id();
        // The checksum first: of one that is killed in between, the next sees what it was about to do.
        of.word(AT_CHECKSUM).store(checksum(of, self.boot_id), Ordering::Release);
        self.write_boot_id(of);
    }

    /// As [`read`](Self::read), of a region that may be from before the machine was restarted.
    pub(crate) fn read_of_any_boot(
        from: &Arc<Mapping>,
        region_len: u64,
        lock_file: LockFile,
    ) -> Result<Self, Error> {
        let word = |at| from.word(at).load(Ordering::Relaxed);
        let half = |at| from.half_word(at).load(Ordering::Relaxed);

        let magic = from.word(AT_MAGIC).load(Ordering::Acquire);
        expect("magic", hex(magic), hex(MAGIC))?;
        expect("byte_order", hex(half(AT_BYTE_ORDER).into()), hex(BYTE_ORDER.into()))?;
        expect("version", half(AT_VERSION), VERSION)?;
        expect("header_len", half(AT_HEADER_LEN), HEADER_LEN as u32)?;
        let kind = Kind::from_code(half(AT_KIND))
            .ok_or_else(|| invalid("kind", half(AT_KIND), "1 (spsc) or 2 (mpmc)"))?;
        let incompat = word(AT_INCOMPAT);
        if incompat & !KNOWN_INCOMPAT != 0 {
            return Err(invalid("incompat", hex(incompat), format!("no bits but {}", hex(KNOWN_INCOMPAT))));
        }
        let delivery = Delivery::from_code(half(AT_DELIVERY))
            .ok_or_else(|| invalid("delivery", half(AT_DELIVERY), "1 (at-least-once) or 2 (at-most-once)"))?;
        let exchange = match kind {
            Kind::Spsc => {
                expect("participants", half(AT_PARTICIPANTS), SPSC_PARTICIPANTS)?;
                expect("held", half(AT_HELD), 0)?;
                expect("max_deliveries", half(AT_MAX_DELIVERIES), 0)?;
                None
            }
            Kind::Mpmc => Some(Exchange {
                participants: half(AT_PARTICIPANTS),
                held: half(AT_HELD),
                max_deliveries: half(AT_MAX_DELIVERIES),
            }),
        };

        let geometry = Geometry {
            stride: word(AT_STRIDE),
            capacity: word(AT_CAPACITY),
            max_message: word(AT_MAX_MESSAGE),
            message_size: half(AT_MESSAGE_SIZE),
            message_align: half(AT_MESSAGE_ALIGN),
            delivery,
            type_tag: word(AT_TYPE_TAG),
            checksums: incompat & INCOMPAT_CHECKSUMS != 0,
            exchange,
        };
        geometry.check().map_err(|(field, found, expected)| Error::Invalid { field, found, expected })?;
        expect("data_offset", word(AT_DATA_OFFSET), geometry.data_offset())?;
        expect("region_len", word(AT_REGION_LEN), geometry.region_len())?;
        let placement = Placement::decode(Placed {
            placement: half(AT_PLACEMENT),
            node: half(AT_NODE),
            huge: word(AT_HUGE),
        })?;
        expect("the file's length", region_len, placement.file_len(geometry.region_len()))?;
        let found = LockFile { device: word(AT_LOCK_DEVICE), inode: word(AT_LOCK_INODE) };
        expect("lock_device", hex(found.device), hex(lock_file.device))?;
        expect("lock_inode", found.inode, lock_file.inode)?;

        let created = word(AT_CREATED);
        if created == 0 || created > now().saturating_add(CLOCK_STEP) {
            return Err(invalid("created", created, "a time in the past, in nanoseconds since 1970"));
        }
        let boot_id_found = read_boot_id(from);
        let (found, expected) = (word(AT_CHECKSUM), checksum(from, boot_id_found));
        // That of this boot is there where somebody was killed who took the region over.
        if found != expected && found != checksum(from, boot_id()) {
            return Err(invalid("checksum", hex(found), hex(expected)));
        }
        Ok(Self { kind, geometry, created, boot_id: boot_id_found, placement, lock_file })
    }
}

/// The field that says of which boot a region is.
pub(crate) const BOOT_ID: &str = "boot_id";

/// How many participants an SPSC ring has records for.
const SPSC_PARTICIPANTS: u32 = 2;

/// How far the clock may have been set back since a ring was made: a day.
const CLOCK_STEP: u64 = 86_400 * 1_000_000_000;

fn expect<T: PartialEq + ToString>(field: &'static str, found: T, expected: T) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(invalid(field, found, expected.to_string())) }
}

fn invalid(field: &'static str, found: impl ToString, expected: impl Into<String>) -> Error {
    Error::Invalid { field, found: found.to_string(), expected: expected.into() }
}

fn hex(value: u64) -> String {
    format!("{value:#x}")
}

fn hex_bytes(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// FNV-1a, 64 bits, over the identity's bytes from the version to the checksum, were it of the boot
/// `boot_id`.
fn checksum(of: &Arc<Mapping>, boot_id: [u8; 16]) -> u64 {
    const { assert!(AT_IDENTITY_RESERVED < AT_CHECKSUM) };
    (AT_VERSION..AT_CHECKSUM)
        .step_by(8)
        .flat_map(|at| match at.checked_sub(AT_BOOT_ID) {
            Some(i) if i < 16 => boot_id[i..i + 8].try_into().expect("eight bytes"),
            _ => of.word(at).load(Ordering::Relaxed).to_ne_bytes(),
        })
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

fn read_boot_id(from: &Arc<Mapping>) -> [u8; 16] {
    let mut id = [0; 16];
    for (i, half) in id.chunks_exact_mut(8).enumerate() {
        half.copy_from_slice(&from.word(AT_BOOT_ID + 8 * i).load(Ordering::Relaxed).to_ne_bytes());
    }
    id
}

/// Of which boot a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boot {
    This,
    /// Another than this one.
    Other([u8; 16]),
    /// The system does not tell its boot's id, or did not when the region was made.
    Unknown,
}

/// Written where the system does not tell its boot's id.
const UNKNOWN_BOOT: [u8; 16] = [0; 16];

/// Whether a region can be made whose bytes may outlive a restart: who opens it then must see that.
pub(crate) fn check_boot_is_known() -> Result<(), Error> {
    boot_id_of_machine().map(drop).ok_or_else(no_boot_id)
}

fn no_boot_id() -> Error {
    Error::Unsupported {
        found: format!(
            "no boot's id, in {BOOT_ID_FILE} or in the ring, so that a restart would not be noticed"
        ),
        needed: "it for a ring on disk or in memory of the caller's: mount /proc, or have the ring in memory \
                 (tmpfs, memfd, System V)",
    }
}

/// This boot's id, or zeros where the system does not tell it.
fn boot_id() -> [u8; 16] {
    boot_id_of_machine().unwrap_or(UNKNOWN_BOOT)
}

const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";

fn boot_id_of_machine() -> Option<[u8; 16]> {
    let text = std::fs::read_to_string(BOOT_ID_FILE).ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}
