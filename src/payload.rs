//! What a ring carries: byte messages of any length, or values of one type.
//!
//! Both run through the same producer and consumer. What differs is in the constants
//! here: a byte message is a *frame* (an eight-byte header, then the bytes) in a data
//! area counted in bytes; a value lies in a *slot* without a header, in a data area
//! counted in slots.

use bytemuck::Pod;

/// The unit of room for frames, in bytes. A frame's header is one such word.
pub(crate) const WORD: u64 = 8;

/// A type that a ring can carry: `[u8]`, or any plain old data (`bytemuck::Pod`).
///
/// `Pod` is checked where the type derives it: no padding, no pointers, every bit
/// pattern valid. Nobody implements this trait by hand.
///
/// ```
/// use ironring::{Options, spsc};
///
/// #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(C)]
/// struct Tick {
///     price: f64,
///     size: u64,
/// }
///
/// let ring = spsc::Ring::<Tick>::anonymous(&Options::messages(64))?;
/// let (mut producer, mut consumer) = (ring.producer()?, ring.consumer()?);
/// producer.try_send(&Tick { price: 1.5, size: 3 })?;
/// assert_eq!(consumer.try_recv()?.get(), Tick { price: 1.5, size: 3 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A type with padding is refused by the compiler:
///
/// ```compile_fail
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(C)]
/// struct Padded {
///     flag: u8,
///     value: u64,
/// }
/// ```
pub trait Payload: sealed::Payload + 'static {}

impl Payload for [u8] {}
impl<T: Pod> Payload for T {}

pub(crate) mod sealed {
    /// The constants by which the two forms of payload differ, and their bytes.
    pub trait Payload {
        /// Whether messages are frames, which carry their own header.
        const FRAMED: bool;
        /// Bytes from one position to the next: 1 for frames, else a slot's length.
        const STRIDE: u64;
        /// The length of every message in bytes, 0 where it varies.
        const SIZE: usize;
        /// The alignment that the type asks for in bytes.
        const ALIGN: usize;

        /// The message's bytes.
        fn bytes(&self) -> &[u8];

        /// The message's bytes, to be overwritten.
        fn bytes_mut(&mut self) -> &mut [u8];
    }
}

impl sealed::Payload for [u8] {
    const FRAMED: bool = true;
    const STRIDE: u64 = 1;
    const SIZE: usize = 0;
    const ALIGN: usize = 1;

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<T: Pod> sealed::Payload for T {
    const FRAMED: bool = false;
    const STRIDE: u64 = slot_stride(size_of::<T>(), align_of::<T>()) as u64;
    const SIZE: usize = {
        assert!(size_of::<T>() > 0, "a message needs at least one byte");
        size_of::<T>()
    };
    const ALIGN: usize = align_of::<T>();

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }

    #[inline(always)]
    fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::bytes_of_mut(self)
    }
}

/// A slot's length: small slots never straddle a cache line, large ones start on one.
const fn slot_stride(size: usize, align: usize) -> usize {
    assert!(align <= crate::layout::HEADER_LEN, "the data area starts on a page only");
    if size <= 64 && align <= 64 {
        let stride = size.next_power_of_two();
        if stride < 8 { 8 } else { stride }
    } else {
        let unit = if align > 64 { align } else { 64 };
        size.div_ceil(unit) * unit
    }
}

/// A frame's header: one word that says how long the message is and that it is there.
///
/// Bits 0 to 29: the payload's length in bytes. Bit 30: padding, which fills the rest
/// of the data area so that the message after it need not wrap. Bit 31: ready, set in
/// every header, so that an empty message differs from no message. Bits 32 to 63: the
/// sender's tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader(u64);

impl FrameHeader {
    const LEN: u64 = (1 << 30) - 1;
    const PADDING: u64 = 1 << 30;
    const FOLLOWED: u64 = 1 << 30;
    const READY: u64 = 1 << 31;
    const TAG_SHIFT: u32 = 32;

    /// No message is here yet.
    pub(crate) const EMPTY: u64 = 0;

    /// The longest message that a header can describe, in bytes.
    pub(crate) const MAX_LEN: u64 = Self::LEN;

    pub(crate) const fn message(len: usize, tag: u32) -> u64 {
        debug_assert!(len as u64 <= Self::LEN);
        Self::READY | ((tag as u64) << Self::TAG_SHIFT) | len as u64
    }

    /// Padding of `len` bytes, its own header included, in a ring of up to 2^40 bytes.
    pub(crate) const fn padding() -> u64 {
        Self::READY | Self::PADDING
    }

    /// Reads a header word that is not [`Self::EMPTY`]; `None` if it is not one that a
    /// producer writes.
    #[inline(always)]
    pub(crate) const fn decode(word: u64) -> Option<Self> {
        if word & Self::READY == 0 {
            return None;
        }
        if word & Self::PADDING != 0 && word != Self::padding() {
            return None;
        }
        Some(Self(word))
    }

    /// A header in a slot of an exchange ring, where nothing is padded and bit 30 says
    /// that another frame follows in the same slot.
    pub(crate) const fn packed(len: usize, tag: u32, is_followed: bool) -> u64 {
        Self::message(len, tag) | if is_followed { Self::FOLLOWED } else { 0 }
    }

    /// Reads a header of [`packed`](Self::packed); `None` if it is not one.
    #[inline(always)]
    pub(crate) const fn decode_packed(word: u64) -> Option<Self> {
        if word & Self::READY == 0 { None } else { Some(Self(word)) }
    }

    pub(crate) const fn is_followed(self) -> bool {
        self.0 & Self::FOLLOWED != 0
    }

    pub(crate) const fn is_padding(self) -> bool {
        self.0 & Self::PADDING != 0
    }

    pub(crate) const fn len(self) -> u64 {
        self.0 & Self::LEN
    }

    pub(crate) const fn tag(self) -> u32 {
        (self.0 >> Self::TAG_SHIFT) as u32
    }
}

/// Bytes that a frame takes for a message of `len` bytes, its header included: a power of
/// two from 16 up to a cache line, so that small frames of one size never straddle two
/// lines; whole words beyond.
#[inline(always)]
pub(crate) const fn frame_len(len: u64) -> u64 {
    let needed = WORD + len;
    if needed > CACHE_LINE {
        return (needed + WORD - 1) & !(WORD - 1);
    }
    // A byte for each number of words that are needed, from one to eight.
    const ROUNDED: u64 = u64::from_le_bytes([16, 16, 32, 32, 64, 64, 64, 64]);
    (ROUNDED >> ((needed - 1) & !(WORD - 1))) & 0xff
}

/// The shortest frame, in bytes.
pub(crate) const MIN_FRAME: u64 = 16;

/// Bytes that travel together between two cores.
pub(crate) const CACHE_LINE: u64 = 64;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn slots_do_not_straddle_lines() {
        for (size, align, stride) in [
            (1, 1, 8),
            (8, 8, 8),
            (24, 8, 32),
            (40, 8, 64),
            (64, 1, 64),
            (65, 1, 128),
            (72, 8, 128),
            (256, 128, 256),
        ] {
            assert_eq!(slot_stride(size, align), stride, "size {size} align {align}");
        }
    }

    #[test]
    fn small_frames_do_not_straddle_lines_and_all_hold_their_message() {
        for (len, frame) in
            [(0, 16), (8, 16), (9, 32), (24, 32), (25, 64), (56, 64), (57, 72), (64, 72), (65, 80)]
        {
            assert_eq!(frame_len(len), frame, "{len} bytes");
        }
        for len in 0..10_000 {
            assert!(frame_len(len) >= WORD + len && frame_len(len).is_multiple_of(WORD));
        }
    }

    #[test]
    fn every_header_is_read_as_written_and_none_is_empty() {
        for len in [0, 1, 47, FrameHeader::MAX_LEN as usize] {
            for tag in [0, 1, u32::MAX] {
                let word = FrameHeader::message(len, tag);
                assert_ne!(word, FrameHeader::EMPTY);
                let header = FrameHeader::decode(word).expect("a header");
                assert_eq!((header.len(), header.tag(), header.is_padding()), (len as u64, tag, false));
            }
        }
        assert!(FrameHeader::decode(FrameHeader::padding()).is_some_and(FrameHeader::is_padding));
        assert!(FrameHeader::decode(FrameHeader::padding() | 1).is_none());
        assert!(FrameHeader::decode(7).is_none());
    }
}
