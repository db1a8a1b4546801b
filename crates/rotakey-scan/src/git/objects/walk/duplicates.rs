//! Objects that are in several packs.

use crate::git::objects::pack::Pack;

/// Says of each object of each pack whether an earlier pack has it too.
#[derive(Debug)]
pub(super) struct Duplicates {
    /// A bit for each object of each pack; nothing for one pack alone.
    bits: Vec<Vec<u64>>,
}

impl Duplicates {
    pub(super) fn none() -> Self {
        Self { bits: Vec::new() }
    }

    pub(super) fn find(packs: &[Pack]) -> Self {
        if packs.len() < 2 {
            return Self::none();
        }
        let mut bits: Vec<Vec<u64>> =
            packs.iter().map(|pack| vec![0; pack.index.count().div_ceil(64) as usize]).collect();
        // Indices are sorted, so objects with the same first byte are compared at a time.
        let mut objects: Vec<(&[u8], u32, u32)> = Vec::new();
        for first in 0..=255 {
            objects.clear();
            for (number, pack) in packs.iter().enumerate() {
                let positions = pack.index.with_first(first);
                objects.extend(positions.map(|position| (pack.index.id(position), number as u32, position)));
            }
            objects.sort_unstable();
            for pair in objects.windows(2) {
                let (id, number, position) = pair[1];
                if pair[0].0 == id {
                    bits[number as usize][position as usize / 64] |= 1 << (position % 64);
                }
            }
        }
        Self { bits }
    }

    pub(super) fn contains(&self, pack: usize, position: u32) -> bool {
        self.bits.get(pack).is_some_and(|bits| bits[position as usize / 64] >> (position % 64) & 1 != 0)
    }
}
