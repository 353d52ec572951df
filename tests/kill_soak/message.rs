//! Numbered messages: what each contains follows from its number and its round.

/// The longest message in bytes.
pub(crate) const LONGEST: u64 = 120;
/// The shortest: round and number.
const SHORTEST: usize = 16;

/// The contents of message `number` of `round`.
pub(crate) fn make(round: u64, number: u64) -> Vec<u8> {
    let seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round;
    let len = match number % 4 {
        // Most are short, so that several share a slot.
        0..=2 => SHORTEST,
        _ => SHORTEST + (seed >> 32) as usize % (LONGEST as usize - SHORTEST + 1),
    };
    let mut bytes = Vec::with_capacity(len);
    bytes.extend(round.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.resize(len, seed as u8);
    bytes
}

/// The number that a message gives itself.
pub(crate) fn number(message: &[u8]) -> u64 {
    let bytes = message.get(8..SHORTEST).expect("a round and a number");
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}
