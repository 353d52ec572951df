//! Looking after a ring by its name, whatever its messages are.

use super::{Recovered, aside, recover_region, shared::Shared};
use crate::{Error, Kind, Name, region::Region};

/// Sets right what participants of the ring called `name` left that died; says what that was.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Mismatch`] if it is no MPMC ring;
/// [`Error::Corrupt`]; [`Error::Io`].
///
/// ```
/// use ironring::{Options, mpmc};
///
/// let dir = tempfile::tempdir()?;
/// let name = dir.path().join("jobs");
/// mpmc::Ring::<u64>::create(&name, &Options::messages(8))?;
/// assert!(mpmc::recover(&name)?.is_empty(), "nobody has died");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recover(name: impl Into<Name>) -> Result<Vec<Recovered>, Error> {
    recover_region(&open(&name.into())?)
}

/// Takes the messages of the ring called `name` that were [set aside](super::Ring::set_aside)
/// and were at `position`, once `keep` has them safe: it is shown copies of them, and where it
/// fails they stay. Nobody else takes them meanwhile. False if there are none, or somebody
/// else is just taking them.
///
/// # Errors
///
/// Those of [`recover`], and what `keep` gives.
///
/// ```
/// use ironring::{Options, mpmc};
///
/// let dir = tempfile::tempdir()?;
/// let name = dir.path().join("jobs");
/// let ring = mpmc::Ring::<[u8]>::create(&name, &Options::messages(8).max_deliveries(1))?;
/// ring.producer()?.send(b"poison")?;
/// ring.consumer()?.recv()?.hand_back();
/// ring.recover()?;
///
/// let mut kept = Vec::new();
/// let was_taken = mpmc::take_set_aside(&name, 0, |messages| {
///     kept.extend_from_slice(messages);
///     Ok::<_, ironring::Error>(())
/// })?;
/// assert!(was_taken);
/// assert_eq!(kept, [b"poison"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn take_set_aside<E: From<Error>>(
    name: impl Into<Name>,
    position: u64,
    keep: impl FnOnce(&[Vec<u8>]) -> Result<(), E>,
) -> Result<bool, E> {
    let region = open(&name.into())?;
    let shared = Shared::of(region.mapping(), &region.identity().geometry);
    Ok(aside::take(&region, &shared, position, keep)?.is_some())
}

fn open(name: &Name) -> Result<Region, Error> {
    let region = Region::open(name)?;
    match region.identity().kind {
        Kind::Mpmc => Ok(region),
        kind => {
            Err(Error::Mismatch { field: "kind", found: kind.to_string(), expected: Kind::Mpmc.to_string() })
        }
    }
}
