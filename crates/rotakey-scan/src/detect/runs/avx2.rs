//! Vectors of 32 bytes.

use std::arch::x86_64::*;

use super::{BLOCK, Classes};

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn classify(block: &[u8; BLOCK]) -> Classes {
    let low = classify_half(load(block, 0));
    let high = classify_half(load(block, 32));
    let join = |class: usize| u64::from(low[class]) | u64::from(high[class]) << 32;
    Classes { secret: join(0), upper: join(1), zero: join(2) }
}

/// The classes of 32 bytes, in the order of the fields of [`Classes`].
///
/// Each row of the ASCII table, and each part of a row that is in a class of its own, has a bit. A byte is in the class if a bit is
/// set both for its row (the upper four bits) and for its column (the lower four).
#[inline]
#[target_feature(enable = "avx2")]
fn classify_half(bytes: __m256i) -> [u32; 3] {
    // 1: `#%&+/`; 2: digits; 4: `A` to `O`; 8: `P` to `Z`; 16: `a` to `o`; 32: `p` to `z`; 64: `;`; -128: `\`.
    const LETTERS: i8 = 4 | 16;
    let column = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        2 | 8 | 32,
        2 | 8 | 32 | LETTERS,
        2 | 8 | 32 | LETTERS,
        1 | 2 | 8 | 32 | LETTERS,
        2 | 8 | 32 | LETTERS,
        1 | 2 | 8 | 32 | LETTERS,
        1 | 2 | 8 | 32 | LETTERS,
        2 | 8 | 32 | LETTERS,
        2 | 8 | 32 | LETTERS,
        2 | 8 | 32 | LETTERS,
        8 | 32 | LETTERS,
        1 | 64 | LETTERS,
        -128 | LETTERS,
        LETTERS,
        LETTERS,
        1 | LETTERS,
    ));
    let row = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0,
        0,
        1,
        2 | 64,
        4,
        8 | -128,
        16,
        32,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ));
    let upper_four = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
    // A byte above 0x7f finds no column.
    let class = _mm256_and_si256(_mm256_shuffle_epi8(column, bytes), _mm256_shuffle_epi8(row, upper_four));
    let zero = _mm256_setzero_si256();
    let upper = _mm256_and_si256(class, _mm256_set1_epi8(2 | 4 | 8));
    let mask = |bytes| _mm256_movemask_epi8(bytes) as u32;
    [
        !mask(_mm256_cmpeq_epi8(class, zero)),
        !mask(_mm256_cmpeq_epi8(upper, zero)),
        mask(_mm256_cmpeq_epi8(bytes, zero)),
    ]
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
