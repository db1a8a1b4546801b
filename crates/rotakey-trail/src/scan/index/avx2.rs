//! Vectors of 32 bytes.

use std::arch::x86_64::*;

use super::{BLOCK, Classes};

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn classify(block: &[u8; BLOCK]) -> Classes {
    let low = classify_half(load(block, 0));
    let high = classify_half(load(block, 32));
    let join = |class: usize| u64::from(low[class]) | u64::from(high[class]) << 32;
    Classes { quotes: join(0), backslashes: join(1), structure: join(2), white: join(3), controls: join(4) }
}

/// The classes of 32 bytes, in the order of the fields of [`Classes`].
#[inline]
#[target_feature(enable = "avx2")]
fn classify_half(bytes: __m256i) -> [u32; 5] {
    // What the lower four bits of a byte say it must be. Of structure bit 5 is set first, so that one entry serves
    // for `[` and `{`.
    let structure = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3a, 0x7b, 0x2c, 0x7d, 0, 0,
    ));
    let white = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0x20, 100, 100, 100, 17, 100, 113, 2, 100, 0x09, 0x0a, 112, 100, 0x0d, 100, 100,
    ));
    let mask = |bytes| _mm256_movemask_epi8(bytes) as u32;
    let equal = |byte: u8| mask(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte as i8)));
    let lower = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
    let last_control = _mm256_set1_epi8(0x1f);
    [
        equal(b'"'),
        equal(b'\\'),
        mask(_mm256_cmpeq_epi8(lower, _mm256_shuffle_epi8(structure, bytes))),
        mask(_mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(white, bytes))),
        mask(_mm256_cmpeq_epi8(_mm256_max_epu8(bytes, last_control), last_control)),
    ]
}

#[inline]
#[target_feature(enable = "pclmulqdq")]
pub(super) fn prefix_xor(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product) as u64
}

/// 32 bytes from there on. The compiler makes one load of it.
#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &[u8; BLOCK], from: usize) -> __m256i {
    let word = |number: usize| {
        let at = from + number * 8;
        i64::from_le_bytes(*block[at..].first_chunk().expect("the block has 64 bytes"))
    };
    _mm256_setr_epi64x(word(0), word(1), word(2), word(3))
}
