//! Taking a ring over that was made before the machine was restarted.

use std::io;

use super::{Name, Region, RegionFile};
use crate::{
    error::Error,
    fsck::{self, Report},
    header::{Boot, Identity, check_boot_is_known},
    layout::AT_MAGIC,
    liveness,
    record::{Record, Role},
};

/// What became of a ring that was salvaged.
#[derive(Debug)]
pub enum Salvaged {
    /// It is of this boot: there is nothing to salvage.
    OfThisBoot,
    /// It is whole, and can be used.
    Whole,
    /// It is not, and stays refused: what is wrong with it.
    Spoilt(Report),
}

/// Takes over a ring in a file on disk that was made before the machine was restarted or crashed:
/// every participant of then is dead, and what they held is delivered again.
///
/// The structure is checked ([`fsck`](crate::fsck)), and a ring that is not whole stays refused. After a crash a page
/// may be older than its neighbours, unless it was [flushed](crate::Ring::flush) and not touched since; so whether
/// messages are those that were sent is known only in a ring with [checksums](crate::Options::checksums). Such a
/// ring is salvaged by itself where it is opened by its name, any other only by this.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Invalid`] if it is no usable ring; [`Error::Busy`] if somebody is
/// attached; [`Error::Io`].
///
/// ```
/// use ironring::{Options, Salvaged, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("journal");
/// spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096))?;
/// assert!(matches!(ironring::salvage(&path)?, Salvaged::OfThisBoot));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn salvage(name: impl Into<Name>) -> Result<Salvaged, Error> {
    super::check_system()?;
    take_over(name.into().open(true)?)
}

/// Takes over the ring called `name`, which is of another boot, if its messages have checksums; false
/// where that is not so.
pub(super) fn by_checksums(name: &Name) -> Result<bool, Error> {
    let file = name.open(true)?;
    let mapping = file.map(file.mappable_len()?)?;
    let identity = Identity::read_of_any_boot(&mapping, file.len(), file.lock_file())?;
    if !identity.geometry.checksums || !matches!(identity.boot(), Boot::Other(_)) {
        return Ok(false);
    }
    match take_over(file) {
        // Whoever does it is watched, by another look.
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Ok(Salvaged::OfThisBoot | Salvaged::Whole) => Ok(true),
        Ok(Salvaged::Spoilt(report)) => Err(Error::Invalid {
            field: "what is left of another boot",
            found: report.findings().first().map_or_else(String::new, ToString::to_string),
            expected: format!(
                "a whole ring, with the messages that were sent ({} findings in all): `ironring salvage` lists \
                 them",
                report.findings().len() + report.left_out()
            ),
        }),
        Err(error) => Err(error),
    }
}

fn take_over(file: RegionFile) -> Result<Salvaged, Error> {
    let mapping = file.map(file.mappable_len()?)?;
    let mut identity = Identity::read_of_any_boot(&mapping, file.len(), file.lock_file())?;
    match identity.boot() {
        Boot::Other(_) => {}
        Boot::Unknown if file.outlives_boot()? => check_boot_is_known()?,
        Boot::This | Boot::Unknown => return Ok(Salvaged::OfThisBoot),
    }
    // Only one at a time; it goes with `own`.
    let own = file.reopen()?;
    if !liveness::lock(&own, AT_MAGIC)? {
        return Err(Error::io(
            "salvaging the ring, which another process does",
            io::ErrorKind::WouldBlock.into(),
        ));
    }
    let region = Region::of_parts(file, mapping, identity);
    // Nobody can attach before it is of this boot; who is attached was before its file was copied here.
    for record in identity.geometry.records() {
        if region.is_locked(record)? {
            let record = Record::at(record, region.mapping());
            return Err(Error::Busy {
                role: record.role().unwrap_or(Role::Producer),
                holder: record.last_holder(),
            });
        }
    }
    let report = fsck::check_region(region.file(), region.mapping(), &identity)?;
    if !report.is_whole() {
        return Ok(Salvaged::Spoilt(report));
    }
    identity.take_over(region.mapping());
    region.mapping().flush()?;
    Ok(Salvaged::Whole)
}
