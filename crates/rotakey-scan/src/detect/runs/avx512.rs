//! Vectors of 64 bytes, a whole block.

use std::arch::x86_64::*;

use super::{BLOCK, Classes};

/// What each ASCII character is: 1 if it belongs to a secret or an escape, 2 if it is a capital letter or a digit too.
const CLASS: [u8; 128] = {
    let mut classes = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'A'..=b'Z' | b'0'..=b'9' => 3,
            b'a'..=b'z' | b'/' | b'+' | b'\\' | b'%' | b'&' | b'#' | b';' => 1,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn classify(block: &[u8; BLOCK]) -> Classes {
    let bytes = load(block);
    let (low, high) = CLASS.as_chunks::<BLOCK>().0.split_at(1);
    let ascii = !_mm512_movepi8_mask(bytes);
    let class = _mm512_maskz_permutex2var_epi8(ascii, load(&low[0]), bytes, load(&high[0]));
    Classes {
        secret: _mm512_test_epi8_mask(class, class),
        upper: _mm512_test_epi8_mask(class, _mm512_set1_epi8(2)),
        zero: _mm512_testn_epi8_mask(bytes, bytes),
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &[u8; BLOCK]) -> __m512i {
    #[expect(unsafe_code, reason = "a vector can be loaded through a pointer only")]
    // SAFETY: a block has 64 bytes, and the place need not be aligned.
    unsafe {
        _mm512_loadu_epi8(block.as_ptr().cast())
    }
}
