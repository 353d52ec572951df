//! What a ring must not do.

use std::fmt;

/// What was broken.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A survivor could not go on.
    Wedged,
    /// A message did not come, or not as it was sent.
    Lost,
    /// A message came that must not come again.
    Duplicated,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

pub(crate) fn wedged<T>(what: impl fmt::Display) -> Result<T, Violation> {
    Err(Violation { kind: Kind::Wedged, what: what.to_string() })
}

pub(crate) fn lost<T>(what: impl fmt::Display) -> Result<T, Violation> {
    Err(Violation { kind: Kind::Lost, what: what.to_string() })
}

pub(crate) fn duplicated<T>(what: impl fmt::Display) -> Result<T, Violation> {
    Err(Violation { kind: Kind::Duplicated, what: what.to_string() })
}
