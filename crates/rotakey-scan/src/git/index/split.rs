//! Split indexes: a large part that seldom changes, and a small one that says what differs.

use std::cmp::Ordering;

use super::{Index, IndexEntry, Problem, bitmap};
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

/// Puts the two parts together.
pub(super) fn join(base: Index, changes: Index, link: &Link) -> Result<Index, Problem> {
    let damaged = Problem::Damaged("its extension `link` is damaged");
    let count = base.entries.len();
    let (deleted, replaced) = if link.bitmaps.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        let (deleted, rest) = bitmap::set_bits(&link.bitmaps, count).ok_or(damaged.clone())?;
        (deleted, bitmap::set_bits(rest, count).ok_or(damaged.clone())?.0)
    };
    let mut kept: Vec<Option<IndexEntry>> = base.entries.iter().copied().map(Some).collect();
    // The paths of both, those of the small part behind those of the large one.
    let mut paths = base.paths;
    let shift = u32::try_from(paths.len()).map_err(|_| damaged.clone())?;
    if paths.len() + changes.paths.len() > u32::MAX as usize {
        return Err(damaged);
    }
    paths.extend_from_slice(&changes.paths);
    if changes.entries.len() < replaced.len() {
        return Err(damaged);
    }
    let (replacements, added) = changes.entries.split_at(replaced.len());
    for (at, replacement) in replaced.into_iter().zip(replacements) {
        // A replacement has no path of its own.
        if let Some(entry) = &mut kept[at] {
            *entry = IndexEntry { path: entry.path, ..*replacement };
        }
    }
    for at in deleted {
        kept[at] = None;
    }
    let mut entries: Vec<IndexEntry> = kept.into_iter().flatten().collect();
    entries.extend(
        added.iter().map(|entry| IndexEntry { path: (entry.path.0 + shift, entry.path.1), ..*entry }),
    );
    let mut index = Index { entries: Vec::new(), paths, cache_tree: changes.cache_tree };
    entries.sort_by(|a, b| match index.path(a).cmp(index.path(b)) {
        Ordering::Equal => a.stage.cmp(&b.stage),
        other => other,
    });
    index.entries = entries;
    Ok(index)
}
