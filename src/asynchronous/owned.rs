//! Messages that belong to the program, copied from the ring.

use bytemuck::Pod;

use crate::payload::Payload;

/// A [`Payload`] as a program owns it: `Vec<u8>` for `[u8]`, else the type itself.
///
/// ```
/// use ironring::asynchronous::Owned;
///
/// fn message(bytes: Vec<u8>) -> <[u8] as Owned>::Message {
///     bytes
/// }
/// assert_eq!(message(vec![1, 2]), [1, 2]);
/// ```
pub trait Owned: Payload {
    /// The message.
    type Message: Send + Unpin;

    /// A message of `len` bytes, all zero.
    #[doc(hidden)]
    fn zeroed(len: usize) -> Self::Message;

    /// The message, to be read.
    #[doc(hidden)]
    fn payload(message: &Self::Message) -> &Self;

    /// The message, to be overwritten.
    #[doc(hidden)]
    fn payload_mut(message: &mut Self::Message) -> &mut Self;
}

impl Owned for [u8] {
    type Message = Vec<u8>;

    fn zeroed(len: usize) -> Vec<u8> {
        vec![0; len]
    }

    fn payload(message: &Vec<u8>) -> &Self {
        message
    }

    fn payload_mut(message: &mut Vec<u8>) -> &mut Self {
        message
    }
}

impl<T: Pod + Send + Unpin> Owned for T {
    type Message = T;

    fn zeroed(_: usize) -> T {
        T::zeroed()
    }

    fn payload(message: &T) -> &Self {
        message
    }

    fn payload_mut(message: &mut T) -> &mut Self {
        message
    }
}
