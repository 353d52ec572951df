//! Setting right what a check finds.

use super::{Report, check, exchange};
use crate::{Error, Name, Role, liveness::RecordLock, record::Record, region::Region};

/// What [`repair`] has done, and how the ring is now.
///
/// ```
/// use ironring::{Options, fsck, mpmc};
/// use std::{fs::OpenOptions, os::unix::fs::FileExt};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("jobs");
/// mpmc::Ring::<u64>::create(&path, &Options::messages(8))?;
/// // A hint where to enqueue that leads.
/// OpenOptions::new().write(true).open(&path)?.write_all_at(&[5], 640)?;
///
/// let repaired = fsck::repair(&path)?;
/// assert_eq!(repaired.done.len(), 1, "{:?}", repaired.done);
/// assert!(repaired.report.is_whole());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Repaired {
    /// Each thing that was set right, in the order of doing.
    pub done: Vec<String>,
    /// What a check finds afterwards: what could not be set right is still there.
    pub report: Report,
}

/// Sets right what is wrong in the MPMC ring called `name`, as far as no message is made up
/// by that, and none is lost that is well-formed. To be done while nobody takes part in it.
///
/// Participants that died are recovered; slots that are in no place are given to places that
/// name one of another; hints that lead are put back; owners, counts and states that nobody
/// writes are what they can only have been. Repeated, it does nothing; killed, it can be
/// repeated.
///
/// An SPSC ring is set right by whoever attaches, and only looked at here.
///
/// # Errors
///
/// Those of [`check`]; [`Error::Busy`] if somebody is attached, or a consumer delivers what a
/// dead one has left.
///
/// ```
/// use ironring::{Error, Options, fsck, mpmc};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("jobs");
/// let ring = mpmc::Ring::<u64>::create(&path, &Options::messages(8))?;
/// let producer = ring.producer()?;
/// assert!(matches!(fsck::repair(&path), Err(Error::Busy { .. })));
/// drop(producer);
/// let repaired = fsck::repair(&path)?;
/// assert!(repaired.done.is_empty() && repaired.report.is_whole());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn repair(name: impl Into<Name>) -> Result<Repaired, Error> {
    let name = name.into();
    let region = Region::open(&name)?;
    let mut done = Vec::new();
    if let Some(exchange) = region.identity().geometry.exchange {
        let locks = (0..exchange.participants).map(|number| lock(&region, exchange.record(number)));
        let locks = locks.collect::<Result<Vec<_>, Error>>()?;
        done = exchange::mend(&region)?;
        drop(locks);
    }
    Ok(Repaired { done, report: check(name)? })
}

fn lock(region: &Region, at: usize) -> Result<RecordLock, Error> {
    RecordLock::try_take(region, at)?.ok_or_else(|| {
        let record = Record::at(at, region.mapping());
        Error::Busy { role: record.role().unwrap_or(Role::Producer), holder: record.holder() }
    })
}
