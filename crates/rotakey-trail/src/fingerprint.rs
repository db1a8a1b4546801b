//! A number that stands for a text. The same on every machine and in every version: it is written to files.

/// 64 well mixed bits of the text: that of 128-bit products that are folded, as in wyhash. Two different event ids, of which
/// AWS makes 122 bits by chance, have the same number once in 2^64; among `n` of them there is a pair with a
/// probability of `n^2 / 2^65`, which is 10^-5 for 20 million. It is no protection against somebody who makes up ids.
#[inline]
pub fn fingerprint(text: &[u8]) -> u64 {
    keyed(text, 0)
}

/// Another such function for each key. With a key that nobody knows, texts with equal numbers cannot be made up.
#[inline]
pub(crate) fn keyed(text: &[u8], key: u64) -> u64 {
    const SEEDS: [u64; 3] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3];
    let mut state = key ^ SEEDS[0] ^ text.len() as u64;
    let (mut left, mut right) = (0, 0);
    if let Some(end) = text.last_chunk::<16>() {
        let (pairs, rest) = text.as_chunks::<16>();
        // The last sixteen bytes are mixed in at the end, whether they overlap the others or not.
        let before = if rest.is_empty() { &pairs[..pairs.len() - 1] } else { pairs };
        for pair in before {
            state = fold(word(pair) ^ state ^ SEEDS[1], word(&pair[8..]) ^ SEEDS[2]);
        }
        (left, right) = (word(end), word(&end[8..]));
    } else if let Some((first, last)) = text.first_chunk::<8>().zip(text.last_chunk::<8>()) {
        (left, right) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    } else if let Some((first, last)) = text.first_chunk::<4>().zip(text.last_chunk::<4>()) {
        (left, right) = (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    } else if let [first, .., last] = text {
        left = u64::from(*first) | u64::from(text[text.len() / 2]) << 8 | u64::from(*last) << 16;
    } else if let [only] = text {
        left = u64::from(*only);
    }
    state = fold(left ^ state ^ SEEDS[1], right ^ SEEDS[2]);
    fold(state ^ SEEDS[1], SEEDS[2])
}

/// The first eight bytes, of which there are as many.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_number_of_a_text_never_changes() {
        assert_eq!(fingerprint(b""), 0x4d93_5529_1104_a278);
    }

    #[test]
    fn every_byte_of_a_text_counts() {
        for length in 0..70 {
            let text = vec![b'a'; length];
            let mut numbers = BTreeSet::from([fingerprint(&text)]);
            for place in 0..length {
                let mut other = text.clone();
                other[place] = b'b';
                assert!(numbers.insert(fingerprint(&other)), "{place} of {length}");
            }
        }
    }

    #[test]
    fn texts_that_differ_little_have_numbers_that_differ() {
        let texts = (0..100_000_u32).map(|number| format!("3f6a1c1e-0000-4000-8000-{number:012x}"));
        let numbers: BTreeSet<u64> = texts.map(|text| fingerprint(text.as_bytes())).collect();
        assert_eq!(numbers.len(), 100_000);
        let lower: BTreeSet<u64> = numbers.iter().map(|number| number & 0xff_ffff).collect();
        assert!(lower.len() > 99_500, "the lower bits alone tell nearly all apart: {}", lower.len());
    }
}
