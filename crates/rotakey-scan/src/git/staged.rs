//! What the next commit would bring: the index against HEAD.

use std::collections::HashMap;

use super::change::{Change, Changes, read_tree};
use super::gaps::Gaps;
use super::index::{CachedTree, Index, IndexEntry};
use super::read::ReadObjects;
use super::tree;
use crate::object_id::ObjectId;

/// What is staged.
#[derive(Debug, Default)]
pub struct Staged {
    /// The blobs that HEAD does not have at the same path: what was added or changed, and all sides of a conflict. A file
    /// that was renamed is one that was added.
    pub blobs: Vec<Change>,
    /// What could not be compared.
    pub gaps: Gaps,
}

/// Compares an index with the tree of HEAD, if there is a commit yet. Only folders that differ are looked at, where git
/// remembers the trees of the others.
pub fn staged(index: &Index, head: Option<ObjectId>, objects: &mut impl ReadObjects) -> Staged {
    let mut staged = Staged::default();
    let cached = index.cache_tree().top();
    if cached.and_then(CachedTree::known).is_some_and(|known| Some(known) == Some(index.count()).zip(head)) {
        return staged;
    }
    let mut changes = Changes::default();
    let mut entries = index.entries();
    // The folders around the entry, and the path of the innermost.
    let mut levels = vec![Level::new(0, head, cached, objects)];
    let mut folder: Vec<u8> = Vec::new();
    while let Some(entry) = entries.entry() {
        let common = entry.path.iter().zip(&folder).take_while(|(a, b)| a == b).count();
        levels.truncate(levels.partition_point(|level| level.path <= common));
        while let (Some(entry), Some(level)) = (entries.entry(), levels.last()) {
            folder.truncate(level.path);
            let name = &entry.path[level.path..];
            let Some(slash) = memchr::memchr(b'/', name) else {
                level.file(name, &entry, &mut staged.blobs);
                entries.advance();
                break;
            };
            let (name, head) = (&name[..slash], level.folders.get(&name[..slash]).copied());
            // A folder that a sparse checkout leaves out. It need not be that of HEAD.
            if entry.mode.is_tree() && level.path + slash + 1 == entry.path.len() {
                let mut found = |change| staged.blobs.push(change);
                changes.between(objects, entry.path, entry.id, head.as_slice(), &mut found);
                entries.advance();
                break;
            }
            let cached = level.cached.get(name).copied();
            folder.extend_from_slice(&entry.path[level.path..=level.path + slash]);
            if let Some((count, id)) = cached.and_then(CachedTree::known)
                && Some(id) == head
                && entries.skip_folder(&folder, count)
            {
                break;
            }
            levels.push(Level::new(folder.len(), head, cached, objects));
        }
    }
    staged.gaps.add(changes.gaps);
    staged.blobs.sort_by(|a, b| a.path.cmp(&b.path));
    staged
}

/// A folder of the index.
struct Level<'a> {
    /// The length of its path, with the slash.
    path: usize,
    /// What HEAD has there.
    folders: HashMap<Box<[u8]>, ObjectId>,
    files: HashMap<Box<[u8]>, ObjectId>,
    /// What the folders in it would become.
    cached: HashMap<&'a [u8], CachedTree<'a>>,
}

impl<'a> Level<'a> {
    fn new(
        path: usize,
        head: Option<ObjectId>,
        cached: Option<CachedTree<'a>>,
        objects: &mut impl ReadObjects,
    ) -> Self {
        // What of HEAD cannot be read is as if it were not there: more is scanned then, and nothing missed.
        let content = head.and_then(|id| read_tree(objects, &id).ok().flatten()).unwrap_or_default();
        let cached = cached.map(CachedTree::folders).unwrap_or_default();
        let mut level = Self { path, folders: HashMap::new(), files: HashMap::new(), cached };
        for entry in tree::entries(&content, objects.format().length()).map_while(Result::ok) {
            if entry.mode.is_tree() {
                level.folders.insert(entry.name.into(), entry.id);
            } else if entry.mode.is_blob() {
                level.files.insert(entry.name.into(), entry.id);
            }
        }
        level
    }

    fn file(&self, name: &[u8], entry: &IndexEntry<'_>, staged: &mut Vec<Change>) {
        let IndexEntry { path, id, mode, intent_to_add, .. } = *entry;
        let before = self.files.get(name).copied();
        if mode.is_blob() && !intent_to_add && before != Some(id) {
            staged.push(Change { path: path.to_vec(), id, mode, before: before.into_iter().collect() });
        }
    }
}

#[cfg(test)]
mod tests;
