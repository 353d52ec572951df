//! Opening the ring that is sent to or received from.

use std::path::Path;

use ironring::{Error, Options, spsc::Ring};

/// The data area of a ring that `send` or `recv` makes, in bytes: large enough for long
/// lines and many chunks, so that a sender which naps finds the receiver still at work
/// (512 KiB took a tenth longer in chunks), and of the size of a second-level cache.
const DEFAULT_BYTES: u64 = 1 << 20;

/// How often others may remove the ring between two steps of this.
const TRIES: u32 = 100;

/// Opens the ring called `name`, of any size; makes one where there is none.
pub(crate) fn open_or_make(name: &Path) -> Result<Ring<[u8]>, Error> {
    let mut tries = 0;
    loop {
        match Ring::open(name) {
            Err(Error::NotFound { .. }) => {}
            done => return done,
        }
        match Ring::create(name, &Options::bytes(DEFAULT_BYTES)) {
            Err(Error::AlreadyExists { .. }) if tries < TRIES => tries += 1,
            done => return done,
        }
    }
}
