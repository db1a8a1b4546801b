//! The index of a pack: which object is where.

use std::ops::Range;

use super::kind::ObjectFormat;
use super::map::Bytes;
use crate::object_id::ObjectId;

const MAGIC: [u8; 4] = *b"\xfftOc";
/// The mark, the version and the table of the first bytes.
const HEADER: usize = 8 + FANOUT;
const FANOUT: usize = 256 * 4;

/// An index of version 1 or 2.
#[derive(Debug)]
pub(super) struct Index {
    bytes: Bytes,
    layout: Layout,
    count: u32,
    length: usize,
}

#[derive(Debug, Clone, Copy)]
enum Layout {
    /// Offset and id side by side.
    One,
    /// Ids, check sums, offsets, and the offsets beyond 2 GiB, of which there are so many.
    Two { large: usize },
}

impl Index {
    /// Takes an index for what it says; ids in disorder and offsets that lead nowhere show only when they are used.
    pub(super) fn new(bytes: Bytes, format: ObjectFormat) -> Result<Self, &'static str> {
        const SHORT: &str = "it is shorter than it says to be";
        let length = format.length();
        let two = bytes.starts_with(&MAGIC);
        if two && number(&bytes, 4) != Some(2) {
            return Err("its version is unknown");
        }
        let fanout = bytes.get(if two { 8..HEADER } else { 0..FANOUT }).ok_or(SHORT)?;
        let mut count = 0;
        for entry in fanout.as_chunks::<4>().0 {
            let next = u32::from_be_bytes(*entry);
            if next < count {
                return Err("its table descends");
            }
            count = next;
        }
        let entries = count as usize;
        let layout = if two {
            let least = HEADER + entries * (length + 8) + 2 * length;
            Layout::Two { large: bytes.len().checked_sub(least).ok_or(SHORT)? / 8 }
        } else {
            bytes.len().checked_sub(FANOUT + entries * (length + 4) + 2 * length).ok_or(SHORT)?;
            Layout::One
        };
        Ok(Self { bytes, layout, count, length })
    }

    /// An index that holds these ids and offsets.
    pub(super) fn build(mut entries: Vec<(Vec<u8>, u64)>, format: ObjectFormat, checksum: &[u8]) -> Self {
        entries.sort_unstable();
        let length = format.length();
        let mut bytes = Vec::with_capacity(HEADER + entries.len() * (length + 8) + 2 * length);
        bytes.extend(MAGIC);
        bytes.extend(2_u32.to_be_bytes());
        for first in 0..=255 {
            let count = entries.partition_point(|(id, _)| id[0] <= first);
            bytes.extend((count as u32).to_be_bytes());
        }
        entries.iter().for_each(|(id, _)| bytes.extend(id));
        // No check sums: what is made from the entries themselves need not be checked against them.
        bytes.extend(entries.iter().flat_map(|_| [0; 4]));
        let mut large = Vec::new();
        for &(_, offset) in &entries {
            let offset = if offset < LARGE.into() {
                offset as u32
            } else {
                large.extend(offset.to_be_bytes());
                LARGE | (large.len() / 8 - 1) as u32
            };
            bytes.extend(offset.to_be_bytes());
        }
        bytes.extend(&large);
        bytes.extend(checksum);
        bytes.extend(vec![0; length]);
        let layout = Layout::Two { large: large.len() / 8 };
        Self { bytes: Bytes::Owned(bytes), layout, count: entries.len() as u32, length }
    }

    /// How many objects it names.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The check sum of the pack that it was made for.
    pub(super) fn pack_checksum(&self) -> &[u8] {
        let end = self.bytes.len() - self.length;
        &self.bytes[end - self.length..end]
    }

    /// The id at a position below [`Index::count`].
    pub(super) fn id(&self, position: u32) -> &[u8] {
        let start = match self.layout {
            Layout::One => FANOUT + position as usize * (self.length + 4) + 4,
            Layout::Two { .. } => HEADER + position as usize * self.length,
        };
        &self.bytes[start..start + self.length]
    }

    /// As [`Index::id`].
    pub(super) fn object(&self, position: u32) -> ObjectId {
        ObjectId::from_bytes(self.id(position)).expect("an id of a known format")
    }

    /// The check sum of the entry at a position; `None` where the index has none.
    pub(super) fn checksum(&self, position: u32) -> Option<u32> {
        let (Layout::Two { .. }, Bytes::Mapped(_)) = (self.layout, &self.bytes) else { return None };
        number(&self.bytes, HEADER + self.count as usize * self.length + position as usize * 4)
    }

    /// Where the object at a position is in the pack; `None` if that is not told.
    pub(super) fn offset(&self, position: u32) -> Option<u64> {
        let position = position as usize;
        let large = match self.layout {
            Layout::One => return number(&self.bytes, FANOUT + position * (self.length + 4)).map(u64::from),
            Layout::Two { large } => large,
        };
        let count = self.count as usize;
        let start = HEADER + count * (self.length + 4);
        let offset = number(&self.bytes, start + position * 4)?;
        if offset & LARGE == 0 {
            return Some(offset.into());
        }
        let which = (offset & !LARGE) as usize;
        let bytes = self.bytes.get(start + count * 4 + which * 8..)?.first_chunk()?;
        (which < large).then(|| u64::from_be_bytes(*bytes))
    }

    /// The positions of the ids with this first byte.
    pub(super) fn with_first(&self, first: u8) -> Range<u32> {
        let table = match self.layout {
            Layout::One => 0,
            Layout::Two { .. } => 8,
        };
        let entry = |first: u8| number(&self.bytes, table + usize::from(first) * 4).unwrap_or(0);
        first.checked_sub(1).map_or(0, entry)..entry(first)
    }

    /// The position of an id.
    pub(super) fn find(&self, id: &[u8]) -> Option<u32> {
        let position = self.first_not_below(id);
        (self.with_first(*id.first()?).contains(&position) && self.id(position) == id).then_some(position)
    }

    /// The first position whose id is not below this one or this beginning of one.
    pub(super) fn first_not_below(&self, id: &[u8]) -> u32 {
        let mut range = self.with_first(id.first().copied().unwrap_or(0));
        while range.start < range.end {
            let middle = range.start.midpoint(range.end);
            if self.id(middle) < id {
                range.start = middle + 1;
            } else {
                range.end = middle;
            }
        }
        range.start
    }
}

/// The bit that marks an offset as the number of one in the table of large ones.
const LARGE: u32 = 1 << 31;

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
