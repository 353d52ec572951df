//! What a new region is to be, and how a file becomes one.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, RawFd},
    sync::Arc,
};

use crate::{
    error::Error,
    geometry::Geometry,
    header::{Identity, LockFile, check_boot_is_known},
    memory::{self, Mapping},
    mpmc,
    options::Options,
    placement::{HugePages, Pages, Wish},
};

/// What a new region is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(super) geometry: Geometry,
    pub(super) wish: Wish,
    pub(super) mode: u32,
}

impl Plan {
    pub(crate) const fn new(geometry: Geometry, options: &Options) -> Self {
        Self { geometry, wish: options.wish(), mode: options.permissions() }
    }

    /// Allocates the region's space in `file` and writes its identity: all zeros elsewhere.
    pub(super) fn fill(&self, file: &File) -> Result<(), Error> {
        let looking = |e| Error::io("asking what kind of memory the region's file is", e);
        let pages = match (memory::huge_page_size(file).map_err(looking)?, self.wish.huge_pages) {
            (Some(_), Some(HugePages::Never)) => {
                return Err(refused(
                    "never",
                    "anything else for a file on hugetlbfs, which has no other pages",
                ));
            }
            (Some(size), _) => Pages::Huge { size },
            (None, Some(HugePages::Require)) => {
                return Err(refused(
                    "require",
                    "`prefer` for a file that is not on hugetlbfs: make the ring without a name, or below a \
                     directory with such a file system (mount -t hugetlbfs none DIR)",
                ));
            }
            (None, Some(HugePages::Prefer)) => Pages::Advised { huge: 0 },
            (None, Some(HugePages::Never)) => Pages::Small,
            (None, None) => Pages::Ordinary,
        };
        if self.wish.node.is_some() && !memory::is_memory(file).map_err(looking)? {
            return Err(Error::Options {
                option: "node",
                found: self.wish.node.unwrap_or(0).to_string(),
                expected: "left out for a file on disk: only memory can be bound to a node".into(),
            });
        }
        if super::file::outlives_boot(file)? {
            check_boot_is_known()?;
        }
        let len = self.wish.on(pages).file_len(self.geometry.region_len());
        file.set_len(len).map_err(|e| lacking(file, len, e))?;
        let mapping = Mapping::shared(file, len as usize).map_err(|e| match e {
            Error::Io { source, .. } if source.raw_os_error() == Some(libc::ENOMEM) => {
                lacking(file, len, source)
            }
            e => e,
        })?;
        let allocate = || match fallocate(file.as_raw_fd(), len) {
            0 => Ok(()),
            e => Err(lacking(file, len, io::Error::from_raw_os_error(e))),
        };
        self.prepare(&mapping, pages, LockFile::default(), allocate)
    }

    /// Makes the region in `mapping`, all of whose bytes are zero: binds, allocates, writes.
    pub(super) fn prepare(
        &self,
        mapping: &Arc<Mapping>,
        mut pages: Pages,
        lock_file: LockFile,
        allocate: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(node) = self.wish.node {
            mapping.bind(node)?;
            // Other memory keeps the binding with it; reserved pages are of the node only where a mapping
            // that is bound has them allocated, and not the file.
            if let Pages::Huge { .. } = pages {
                mapping.populate_as_asked()?;
            }
        }
        if let Pages::Advised { .. } = pages {
            mapping.prefer_huge_pages();
            // What this cannot have, the next step reports.
            let _ = mapping.populate();
            pages = Pages::Advised { huge: mapping.huge_bytes() };
        }
        allocate()?;
        let identity = Identity::of_new(self.geometry, self.wish.on(pages), lock_file);
        if let Some(exchange) = self.geometry.exchange {
            mpmc::hand_out_slots(mapping, &self.geometry, exchange);
        }
        identity.write(mapping);
        Ok(())
    }
}

fn refused(found: &str, expected: &str) -> Error {
    Error::Options { option: "huge_pages", found: found.into(), expected: expected.into() }
}

fn fallocate(fd: RawFd, len: u64) -> libc::c_int {
    // SAFETY: the descriptor is open, and the call takes integers.
    unsafe { libc::posix_fallocate(fd, 0, len as libc::off_t) }
}

/// Why `len` bytes could not be allocated.
fn lacking(file: &File, len: u64, why: io::Error) -> Error {
    match memory::huge_page_size(file) {
        Ok(Some(size)) => Error::NoHugePages { pages: len.div_ceil(size), size },
        _ => Error::io(format!("allocating {len} bytes for the ring"), why),
    }
}
