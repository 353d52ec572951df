//! Opening the ring that is sent to or received from.

use ironring::{Error, Name, Options, mpmc, spsc};

/// The data area of a ring that `send` or `recv` makes, in bytes: large enough for long
/// lines and many chunks, so that a sender which naps finds the receiver still at work
/// (512 KiB took a tenth longer in chunks), and of the size of a second-level cache.
const DEFAULT_BYTES: u64 = 1 << 20;

/// How often others may remove the ring, or make another one, between two steps of this.
const TRIES: u32 = 100;

/// A ring of either kind.
pub(crate) enum Opened {
    Spsc(spsc::Ring<[u8]>),
    Mpmc(mpmc::Ring<[u8]>),
}

/// Opens the ring called `name`, of any kind and size.
pub(crate) fn open(name: &Name) -> Result<Opened, Error> {
    match spsc::Ring::open(name) {
        Err(Error::Mismatch { field: "kind", .. }) => mpmc::Ring::open(name).map(Opened::Mpmc),
        done => done.map(Opened::Spsc),
    }
}

/// Opens the ring called `name`, of any kind and size; makes one where there is none.
pub(crate) fn open_or_make(name: &Name) -> Result<Opened, Error> {
    let mut tries = 0;
    loop {
        let done = match open(name) {
            Err(Error::NotFound { .. }) => {
                spsc::Ring::create(name, &Options::bytes(DEFAULT_BYTES)).map(Opened::Spsc)
            }
            done => done,
        };
        match done {
            Err(
                Error::AlreadyExists { .. } | Error::NotFound { .. } | Error::Mismatch { field: "kind", .. },
            ) if tries < TRIES => {
                tries += 1;
            }
            done => return done,
        }
    }
}
