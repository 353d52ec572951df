//! What kind of memory a ring lies in, as it is asked for and as it turns out.

use crate::error::Error;

/// Whether a new ring's memory is to be of huge pages (2 MiB on most machines): fewer misses
/// of the processor's table of pages in a large ring.
///
/// ```
/// use ironring::{HugePages, Options, Pages, spsc};
///
/// let options = Options::bytes(8 << 20).huge_pages(HugePages::Prefer);
/// let ring = spsc::Ring::<[u8]>::anonymous(&options)?;
/// match ring.placement().pages {
///     Pages::Huge { size } => println!("reserved pages of {size} bytes"),
///     other => println!("no huge pages are reserved: {other}"),
/// }
/// # Ok::<(), ironring::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugePages {
    /// None, even where the system gives them by itself.
    Never,
    /// Reserved ones where there are enough, else the system is advised to find some
    /// (transparent huge pages), else none: [`Ring::placement`](crate::Ring::placement) tells.
    Prefer,
    /// Reserved ones, or there is no ring: an anonymous one, or one on a hugetlbfs.
    Require,
}

/// Of which pages a ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pages {
    /// Such as the system gives by itself.
    #[default]
    Ordinary,
    /// Small ones: huge ones were refused.
    Small,
    /// The system was advised to use huge ones, and had them for so many bytes of the new ring.
    Advised {
        /// Bytes in huge pages when the ring was made.
        huge: u64,
    },
    /// Huge ones, that were reserved.
    Huge {
        /// The size of one, in bytes.
        size: u64,
    },
}

impl std::fmt::Display for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ordinary => f.write_str("ordinary"),
            Self::Small => f.write_str("small, huge ones refused"),
            Self::Advised { huge: 0 } => f.write_str("small, no huge ones were to be had"),
            Self::Advised { huge } => write!(f, "transparent huge ones, for {huge} bytes"),
            Self::Huge { size } => write!(f, "huge, of {size} bytes"),
        }
    }
}

/// How a ring lies in memory: decided when it is made, and kept to by all who use it.
///
/// ```
/// use ironring::{Options, Pages, spsc};
///
/// let ring = spsc::Ring::<u64>::anonymous(&Options::messages(64).populate(true))?;
/// let placement = ring.placement();
/// assert!(placement.populate && !placement.lock);
/// assert_eq!((placement.pages, placement.node), (Pages::Ordinary, None));
/// # Ok::<(), ironring::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placement {
    /// Of which pages it is.
    pub pages: Pages,
    /// Whether each handle has all pages in reach when it is made, so that no message waits
    /// for the system to find one.
    pub populate: bool,
    /// Whether each handle keeps the pages from being swapped out.
    pub lock: bool,
    /// The NUMA node that the memory is of, where it is bound to one.
    pub node: Option<u32>,
}

/// How a new ring is to lie in memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) huge_pages: Option<HugePages>,
    pub(crate) populate: bool,
    pub(crate) lock: bool,
    pub(crate) node: Option<u32>,
}

impl Wish {
    /// What becomes of the wish in memory of `pages`.
    pub(crate) const fn on(self, pages: Pages) -> Placement {
        Placement { pages, populate: self.populate, lock: self.lock, node: self.node }
    }
}

/// A placement as the header has it: three words of docs/LAYOUT.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) placement: u32,
    pub(crate) node: u32,
    pub(crate) huge: u64,
}

const PAGES: u32 = 3;
const SMALL: u32 = 1;
const ADVISED: u32 = 2;
const RESERVED: u32 = 3;
const POPULATE: u32 = 1 << 2;
const LOCK: u32 = 1 << 3;
const UNUSED: u32 = 0xf << 4;
/// Where the logarithm of a huge page's size lies.
const SIZE_SHIFT: u32 = 8;
/// NUMA nodes that a kernel may be built for.
pub(crate) const MAX_NODES: u32 = 1024;
/// From 64 KiB (ARM) to 16 GiB.
const SIZES: std::ops::RangeInclusive<u32> = 16..=34;

impl Placement {
    pub(crate) fn encode(&self) -> Placed {
        let (pages, huge) = match self.pages {
            Pages::Ordinary => (0, 0),
            Pages::Small => (SMALL, 0),
            Pages::Advised { huge } => (ADVISED, huge),
            Pages::Huge { size } => (RESERVED | size.trailing_zeros() << SIZE_SHIFT, 0),
        };
        let populate = if self.populate { POPULATE } else { 0 };
        let lock = if self.lock { LOCK } else { 0 };
        Placed { placement: pages | populate | lock, node: self.node.map_or(0, |node| node + 1), huge }
    }

    pub(crate) fn decode(found: Placed) -> Result<Self, Error> {
        let log = found.placement >> SIZE_SHIFT;
        let invalid =
            |field, found, expected: &str| Error::Invalid { field, found, expected: expected.into() };
        if found.node > MAX_NODES {
            return Err(invalid("node", found.node.to_string(), "0, or a NUMA node's number and 1"));
        }
        if found.huge != 0 && found.placement & PAGES != ADVISED {
            return Err(invalid("huge", found.huge.to_string(), "0 where no huge pages were asked for"));
        }
        if found.placement & UNUSED != 0 {
            return Err(invalid("placement", format!("{:#x}", found.placement), "bits 4 to 7 clear"));
        }
        let pages = match found.placement & PAGES {
            RESERVED if SIZES.contains(&log) => Pages::Huge { size: 1 << log },
            0 if log == 0 => Pages::Ordinary,
            SMALL if log == 0 => Pages::Small,
            ADVISED if log == 0 => Pages::Advised { huge: found.huge },
            _ => {
                let found = format!("{:#x}", found.placement);
                return Err(invalid(
                    "placement",
                    found,
                    "a size of 2^16 to 2^34 from bit 8 on for huge pages, 0 for others",
                ));
            }
        };
        Ok(Self {
            pages,
            populate: found.placement & POPULATE != 0,
            lock: found.placement & LOCK != 0,
            node: found.node.checked_sub(1),
        })
    }

    /// How long a file is that holds `len` bytes of such pages.
    pub(crate) fn file_len(&self, len: u64) -> u64 {
        match self.pages {
            Pages::Huge { size } => len.next_multiple_of(size),
            _ => len,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_says_how_a_ring_lies_in_memory() {
        let pages = [
            Pages::Ordinary,
            Pages::Small,
            Pages::Advised { huge: 0 },
            Pages::Advised { huge: 6 << 20 },
            Pages::Huge { size: 2 << 20 },
            Pages::Huge { size: 1 << 30 },
        ];
        for pages in pages {
            for (populate, lock, node) in
                [(false, false, None), (true, false, Some(0)), (false, true, Some(3)), (true, true, Some(63))]
            {
                let placement = Placement { pages, populate, lock, node };
                assert_eq!(Placement::decode(placement.encode()).expect("a placement"), placement);
            }
        }
        let no_size = Placed { placement: 3, node: 0, huge: 0 };
        assert!(matches!(Placement::decode(no_size), Err(Error::Invalid { field: "placement", .. })));
        let huge = Placement { pages: Pages::Huge { size: 2 << 20 }, ..Placement::default() };
        assert_eq!((huge.file_len(1), huge.file_len(2 << 20)), (2 << 20, 2 << 20));
        assert_eq!(Placement::default().file_len(4104), 4104);
    }
}
