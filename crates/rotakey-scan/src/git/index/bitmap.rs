//! The compressed bitmaps of a split index: EWAH, of runs of equal words and of words as they are.

use super::parse::number;

/// The bits of a bitmap that are set, of those below `limit`, and what stands behind it; `None` if it is damaged.
pub(super) fn set_bits(content: &[u8], limit: usize) -> Option<(Vec<usize>, &[u8])> {
    let (header, rest) = content.split_first_chunk::<8>()?;
    // How many bits there are does not matter: those that are not there are not set.
    let (words, rest) = rest.split_at_checked((number(&header[4..]) as usize).checked_mul(8)?)?;
    // Which of the words was the last to count others.
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let mut words = words.as_chunks::<8>().0.iter().map(|word| u64::from_be_bytes(*word));
    let mut bits = Vec::new();
    let mut at = 0_usize;
    while let Some(marker) = words.next() {
        let run = ((marker >> 1 & 0xffff_ffff) as usize).saturating_mul(64);
        let behind = at.saturating_add(run);
        if marker & 1 == 1 {
            bits.extend(at..behind.min(limit));
        }
        at = behind;
        for _ in 0..marker >> 33 {
            let word = words.next()?;
            bits.extend(
                (0..64)
                    .filter(|bit| word >> bit & 1 == 1)
                    .map(|bit| at.saturating_add(bit))
                    .filter(|bit| *bit < limit),
            );
            at = at.saturating_add(64);
        }
    }
    Some((bits, rest))
}
