//! The slow way, for processors that nothing better is written for.

use super::{BLOCK, Classes};

const QUOTE: u8 = 1;
const BACKSLASH: u8 = 2;
const STRUCTURE: u8 = 4;
const WHITE: u8 = 8;
const CONTROL: u8 = 16;

const CLASS: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'"' => QUOTE,
            b'\\' => BACKSLASH,
            b'{' | b'}' | b'[' | b']' | b':' | b',' => STRUCTURE,
            b' ' => WHITE,
            b'\t' | b'\n' | b'\r' => WHITE | CONTROL,
            0..0x20 => CONTROL,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

pub(super) fn classify(block: &[u8; BLOCK]) -> Classes {
    let mut classes = Classes { quotes: 0, backslashes: 0, structure: 0, white: 0, controls: 0 };
    for (number, byte) in block.iter().enumerate() {
        let class = CLASS[usize::from(*byte)];
        let bit = |of: u8| u64::from(class & of != 0) << number;
        classes.quotes |= bit(QUOTE);
        classes.backslashes |= bit(BACKSLASH);
        classes.structure |= bit(STRUCTURE);
        classes.white |= bit(WHITE);
        classes.controls |= bit(CONTROL);
    }
    classes
}

/// Each bit of the result is the parity of the bits up to it.
pub(super) fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The offsets of the first sixteen bits; those beyond the last bit mean nothing.
#[inline(always)]
pub(super) fn places(offset: u32, mut bits: u64, sixteen: &mut [u32; 16]) {
    let (first, second) = sixteen.split_at_mut(8);
    for half in [first, second] {
        for place in half {
            *place = offset.wrapping_add(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            return;
        }
    }
}
