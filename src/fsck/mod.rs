//! Proving or disproving that a ring is whole.
//!
//! A check looks at a ring read-only and takes no part in it. It shares with the rings the
//! constants of the layout and nothing else: what words and slots mean is written down here
//! a second time, after docs/LAYOUT.md, so that a mistake in the rings does not hide itself.
//!
//! A participant that was killed leaves its work in some middle, and that is whole: the next
//! one sets it right. What is found is what no participant leaves, killed wherever it was.

mod contents;
mod exchange;
mod repair;
mod report;
mod stream;

use std::sync::Arc;

pub use self::{
    repair::{Repaired, repair},
    report::{At, Finding, Report},
};
use crate::{
    Error, Name,
    header::Identity,
    memory::Mapping,
    region::{Region, RegionFile},
};

/// Looks whether the ring called `name` is whole, and leaves it as it is.
///
/// In a ring in use, only what two looks one after the other agree about is judged; the
/// report notes what could not be.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Invalid`] if its header is not that of a usable ring;
/// [`Error::Io`].
///
/// ```
/// use ironring::{Options, fsck, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders");
/// spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096))?;
/// assert!(fsck::check(&path)?.is_whole());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(name: impl Into<Name>) -> Result<Report, Error> {
    let (file, mapping, identity) = Region::open_read_only(&name.into())?;
    check_region(&file, &mapping, &identity)
}

/// The same of a region that is mapped.
pub(crate) fn check_region(
    file: &RegionFile,
    mapping: &Arc<Mapping>,
    identity: &Identity,
) -> Result<Report, Error> {
    let mut report = Report::new(identity.kind);
    let geometry = &identity.geometry;
    match geometry.exchange {
        Some(exchange) => exchange::check(file.checked()?, mapping, geometry, exchange, &mut report)?,
        None => stream::check(file.checked()?, mapping, geometry, &mut report)?,
    }
    Ok(report)
}
