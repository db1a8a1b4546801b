//! Vectors of 64 bytes, a whole block.

use std::arch::x86_64::*;

use super::{BLOCK, Classes};

/// The classes of all bytes of a block.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn classify(block: &[u8; BLOCK]) -> Classes {
    let bytes = load(block);
    // As in `avx2.rs`.
    let structure =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3a, 0x7b, 0x2c, 0x7d, 0, 0));
    let white = _mm512_broadcast_i32x4(_mm_setr_epi8(
        0x20, 100, 100, 100, 17, 100, 113, 2, 100, 0x09, 0x0a, 112, 100, 0x0d, 100, 100,
    ));
    let lower = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    Classes {
        quotes: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'"' as i8)),
        backslashes: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\\' as i8)),
        structure: _mm512_cmpeq_epi8_mask(lower, _mm512_shuffle_epi8(structure, bytes)),
        white: _mm512_cmpeq_epi8_mask(bytes, _mm512_shuffle_epi8(white, bytes)),
        controls: _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)),
    }
}

/// The offsets of the first sixteen bits; those beyond the last bit mean nothing.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
pub(super) fn places(offset: u32, bits: u64, sixteen: &mut [u32; 16]) {
    let numbers = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39,
        38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14,
        13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
    );
    let set = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(bits, numbers));
    let places = _mm512_add_epi32(_mm512_cvtepu8_epi32(set), _mm512_set1_epi32(offset as i32));
    #[expect(unsafe_code, reason = "a vector can be stored through a pointer only")]
    // SAFETY: there is room for sixteen numbers, and the place need not be aligned.
    unsafe {
        _mm512_storeu_epi32(sixteen.as_mut_ptr().cast(), places);
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
