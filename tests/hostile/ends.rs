//! Both ends of a ring, and everything that can be done with them.

use std::sync::Arc;

use ironring::{Corrupt, Error, Options, Payload, RecvError, SendError, spsc::Ring};

/// Who told of corruption, and whether it must do so from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Producer(Corrupt),
    Consumer(Corrupt),
    /// While attaching: the next to attach looks anew.
    Attaching,
}

/// Both ends of a ring. An end that could not be attached is attached at its next turn.
pub(crate) trait Ends: Sized {
    type Message: Payload + ?Sized;
    /// How many operations there are.
    const OPERATIONS: usize;

    fn options() -> Options;

    /// Without attaching anything yet.
    fn new(ring: &Arc<Ring<Self::Message>>) -> Self;

    /// Does operation `i`; panics if its result is impossible.
    fn operate(&mut self, i: usize) -> Result<(), Told>;

    /// What the end that told of corruption says now.
    fn again(&mut self, told: Told) -> Result<(), Told>;
}

/// The result of a call of the producer's that may also find no room.
pub(crate) fn sent<T>(result: Result<T, SendError>) -> Result<(), Told> {
    match result {
        Ok(_) | Err(SendError::Full | SendError::TimedOut) => Ok(()),
        Err(SendError::Corrupt(corrupt)) => Err(Told::Producer(corrupt)),
        Err(other) => panic!("a producer says: {other}"),
    }
}

/// The result of a call of the consumer's that may also find nothing.
pub(crate) fn received<T>(result: Result<T, RecvError>) -> Result<(), Told> {
    match result {
        Ok(_) | Err(RecvError::Empty | RecvError::TimedOut | RecvError::BufferTooShort { .. }) => Ok(()),
        Err(RecvError::Corrupt(corrupt)) => Err(Told::Consumer(corrupt)),
        Err(other) => panic!("a consumer says: {other}"),
    }
}

/// The result of attaching.
pub(crate) fn attached<T>(result: Result<T, Error>) -> Result<T, Told> {
    result.map_err(|error| match error {
        Error::Corrupt(_) => Told::Attaching,
        other => panic!("attaching: {other}"),
    })
}
