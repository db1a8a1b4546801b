//! Numbers from a seed: the same on every machine and in every version, so that a corpus is a function of its
//! options.

use std::ops::Range;

/// A sequence of numbers (SplitMix64). Cheap to start, so that every event has its own.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence that belongs to these numbers.
    pub(crate) fn of(numbers: &[u64]) -> Self {
        let mut random = Self(0x6A09_E667_F3BC_C909);
        for number in numbers {
            random.0 ^= number.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
            random.0 = random.next();
        }
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    pub(crate) fn within(&mut self, range: Range<i64>) -> i64 {
        let length = (range.end - range.start).max(1);
        range.start + self.below(length as usize) as i64
    }

    /// From 0 up to 1, which it never is.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so many times in a thousand.
    pub(crate) fn per_mille(&mut self, times: usize) -> bool {
        self.below(1_000) < times
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// An index below `end` of which the first are by far the most frequent.
    pub(crate) fn skewed(&mut self, end: usize) -> usize {
        ((self.unit().powf(2.5)) * end as f64) as usize
    }

    /// From the logarithmic normal distribution of median 1.
    pub(crate) fn log_normal(&mut self, sigma: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        ((sum - 6.0) * sigma).exp()
    }

    /// So many characters of the alphabet, appended.
    pub(crate) fn text(&mut self, length: usize, alphabet: &[u8], text: &mut String) {
        let mut left = 0;
        let mut bits = 0_u64;
        for _ in 0..length {
            if left == 0 {
                (bits, left) = (self.next(), 8);
            }
            text.push(alphabet[(bits & 0xFF) as usize % alphabet.len()] as char);
            (bits, left) = (bits >> 8, left - 1);
        }
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self, text: &mut String) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let (high, low) = (self.next() & !0xF000 | 0x4000, self.next() & !(3 << 62) | 1 << 63);
        for (index, shift) in (0..16).rev().enumerate() {
            if index == 8 || index == 12 {
                text.push('-');
            }
            text.push(HEX[(high >> (shift * 4)) as usize & 15] as char);
        }
        text.push('-');
        for (index, shift) in (0..16).rev().enumerate() {
            if index == 4 {
                text.push('-');
            }
            text.push(HEX[(low >> (shift * 4)) as usize & 15] as char);
        }
    }
}

/// The alphabet of key ids and of other ids of IAM.
pub(crate) const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Hexadecimal digits.
pub(crate) const HEX: &[u8] = b"0123456789abcdef";
/// The alphabet of request ids of S3 and of tokens.
pub(crate) const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::of(&[42, 1]);
        assert_eq!([random.next(), random.next()], [FIRST, SECOND]);
    }

    #[test]
    fn ids_have_their_form() {
        let (mut random, mut text) = (Random::of(&[1]), String::new());
        random.uuid(&mut text);
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        assert_eq!((lengths.as_slice(), text.as_bytes()[14]), (&[8, 4, 4, 4, 12][..], b'4'));
    }

    const FIRST: u64 = 0x231A_FFF9_0B25_5CEB;
    const SECOND: u64 = 0xCD46_1BC8_61E6_C2A1;
}
