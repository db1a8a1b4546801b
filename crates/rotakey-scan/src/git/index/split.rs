//! Split indexes: a large part that seldom changes, and a small one that says what differs.

use super::parse::Packed;
use super::{IndexEntry, Problem, bitmap};
use crate::git::objects::ObjectFormat;
use crate::object_id::ObjectId;

/// What the small part says of the large one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The checksum of the large part, which is in its name.
    pub(super) base: ObjectId,
    bitmaps: Vec<u8>,
}

impl Link {
    /// Reads the extension `link`; `None` if there is no large part.
    pub(super) fn parse(content: &[u8], format: ObjectFormat) -> Result<Option<Self>, Problem> {
        let (base, bitmaps) = content
            .split_at_checked(format.length())
            .ok_or(Problem::Damaged("its extension `link` is cut off"))?;
        let base = ObjectId::from_bytes(base).filter(|base| !base.is_zero());
        Ok(base.map(|base| Self { base, bitmaps: bitmaps.to_vec() }))
    }
}

/// The entries of both parts.
#[derive(Debug, Default)]
pub(super) struct Joined {
    entries: Vec<Entry>,
    /// The paths of all entries, one behind the other.
    paths: Vec<u8>,
}

/// An entry, and where its path is.
#[derive(Debug, Clone, Copy)]
struct Entry {
    path: (u32, u32),
    rest: IndexEntry<'static>,
}

impl Joined {
    /// Puts the two parts together.
    pub(super) fn new(base: &Packed, changes: &Packed, link: &Link) -> Result<Self, Problem> {
        let damaged = Problem::Damaged("its extension `link` is damaged");
        let (deleted, replaced) = if link.bitmaps.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            let (deleted, rest) = bitmap::set_bits(&link.bitmaps, base.count()).ok_or(damaged.clone())?;
            (deleted, bitmap::set_bits(rest, base.count()).ok_or(damaged.clone())?.0)
        };
        let mut joined = Self::default();
        // The paths of both, those of the small part behind those of the large one.
        let mut kept: Vec<Option<Entry>> =
            joined.take(base).ok_or(damaged.clone())?.into_iter().map(Some).collect();
        let changes = joined.take(changes).ok_or(damaged.clone())?;
        let (replacements, added) = changes.split_at_checked(replaced.len()).ok_or(damaged)?;
        for (at, replacement) in replaced.into_iter().zip(replacements) {
            // A replacement has no path of its own.
            if let Some(entry) = &mut kept[at] {
                entry.rest = replacement.rest;
            }
        }
        for at in deleted {
            kept[at] = None;
        }
        let mut entries: Vec<Entry> = kept.into_iter().flatten().chain(added.iter().copied()).collect();
        entries
            .sort_by(|a, b| joined.path(a).cmp(joined.path(b)).then_with(|| a.rest.stage.cmp(&b.rest.stage)));
        joined.entries = entries;
        Ok(joined)
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, number: usize) -> Option<IndexEntry<'_>> {
        let entry = self.entries.get(number)?;
        Some(IndexEntry { path: self.path(entry), ..entry.rest })
    }

    fn path(&self, entry: &Entry) -> &[u8] {
        &self.paths[entry.path.0 as usize..][..entry.path.1 as usize]
    }

    /// Takes the entries of a part over, and their paths; `None` if these are too long together.
    fn take(&mut self, part: &Packed) -> Option<Vec<Entry>> {
        let mut entries = Vec::with_capacity(part.count());
        let mut cursor = part.cursor();
        while let Some(entry) = cursor.entry() {
            let path = (u32::try_from(self.paths.len()).ok()?, u32::try_from(entry.path.len()).ok()?);
            self.paths.extend_from_slice(entry.path);
            entries.push(Entry { path, rest: IndexEntry { path: &[], ..entry } });
            cursor.advance();
        }
        Some(entries)
    }
}
