//! How far a handle trusts the processes that can write its region.

/// The default: whatever a peer writes, safe code stays sound. Contents are copied in
/// and out; references into the region are not to be had.
#[derive(Clone, Copy, Debug)]
pub struct Wary;

/// The caller has promised that every process which can write the region keeps the
/// protocol, so messages may be read and written in place, by reference.
#[derive(Clone, Copy, Debug)]
pub struct Trusting;

/// [`Wary`] or [`Trusting`].
pub trait Trust: sealed::Sealed + 'static {}

impl Trust for Wary {}
impl Trust for Trusting {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Wary {}
    impl Sealed for super::Trusting {}
}
