//! Without any processor's own instructions, but so that a compiler makes vectors of it.

use super::{BLOCK, Classes};

pub(super) fn classify(block: &[u8; BLOCK]) -> Classes {
    let within = |byte: u8, first: u8, last: u8| u8::from(byte.wrapping_sub(first) <= last - first);
    let upper = block.map(|byte| within(byte, b'A', b'Z') | within(byte, b'0', b'9'));
    let secret = block.map(|byte| {
        // `#`, `%` and `&` are next to each other but for `$`.
        within(byte | 0x20, b'a', b'z')
            | within(byte, b'/', b'9')
            | (within(byte, b'#', b'&') & u8::from(byte != b'$'))
            | u8::from(byte == b'+')
            | u8::from(byte == b';')
            | u8::from(byte == b'\\')
    });
    let zero = block.map(|byte| u8::from(byte == 0));
    Classes { secret: gather(&secret), upper: gather(&upper), zero: gather(&zero) }
}

/// One bit of each byte, all of which are 0 or 1.
#[inline(always)]
fn gather(bytes: &[u8; BLOCK]) -> u64 {
    let mut bits = 0;
    for (number, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        // Moves the lowest bit of each byte to the highest byte, each to its own place.
        bits |= (u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (number * 8);
    }
    bits
}
