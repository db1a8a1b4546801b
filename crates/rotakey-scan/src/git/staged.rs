//! What the next commit would bring: the index against HEAD.

use super::change::{Change, Changes, Folder, read_tree};
use super::gaps::Gaps;
use super::index::{CachedTree, Index, IndexEntry};
use super::read::ReadObjects;
use super::tree::Mode;
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
    let mut comparison = Comparison { index, length: objects.format().length(), staged: Staged::default() };
    let mut open = vec![Part { entries: index.entries(), path: 0, head, cached: index.cache_tree().top() }];
    let mut changes = Changes::default();
    while let Some(part) = open.pop() {
        comparison.part(part, objects, &mut changes, &mut open);
    }
    let mut staged = comparison.staged;
    staged.gaps.add(changes.gaps);
    staged.blobs.sort_by(|a, b| a.path.cmp(&b.path));
    staged
}

/// A folder of the index.
struct Part<'a> {
    entries: &'a [IndexEntry],
    /// The length of its path, with the slash.
    path: usize,
    /// What it is in HEAD.
    head: Option<ObjectId>,
    /// What it would become.
    cached: Option<CachedTree<'a>>,
}

struct Comparison<'a> {
    index: &'a Index,
    length: usize,
    staged: Staged,
}

impl<'a> Comparison<'a> {
    fn part(
        &mut self,
        part: Part<'a>,
        objects: &mut impl ReadObjects,
        changes: &mut Changes,
        open: &mut Vec<Part<'a>>,
    ) {
        let known = part.cached.and_then(|cached| cached.known());
        if known.is_some_and(|(count, id)| count == part.entries.len() && Some(id) == part.head) {
            return;
        }
        // What of HEAD cannot be read is as if it were not there: more is scanned then, and nothing missed.
        let head = part.head.and_then(|id| read_tree(objects, &id).ok().flatten()).unwrap_or_default();
        let head = Folder::new(&head, self.length);
        let cached = part.cached.map(|cached| cached.folders()).unwrap_or_default();
        let mut rest = part.entries;
        while let Some((entry, behind)) = rest.split_first() {
            let whole = self.index.path(entry);
            let name = &whole[part.path..];
            let slash = memchr::memchr(b'/', name);
            match slash {
                // A folder that a sparse checkout leaves out. It need not be that of HEAD.
                Some(slash) if entry.mode.is_tree() && slash + 1 == name.len() => {
                    let before = head.get(&name[..slash], Mode::TREE);
                    let blobs = &mut self.staged.blobs;
                    changes.between(objects, whole, entry.id, before.as_slice(), &mut |change| {
                        blobs.push(change)
                    });
                    rest = behind;
                }
                Some(slash) => {
                    let folder = &name[..=slash];
                    let inside = |entry: &IndexEntry| self.index.path(entry)[part.path..].starts_with(folder);
                    let count = 1 + behind.iter().take_while(|entry| inside(entry)).count();
                    let (entries, others) = rest.split_at(count);
                    open.push(Part {
                        entries,
                        path: part.path + folder.len(),
                        head: head.get(&name[..slash], Mode::TREE),
                        cached: cached.get(&name[..slash]).copied(),
                    });
                    rest = others;
                }
                None => {
                    rest = behind;
                    if !entry.mode.is_blob() || entry.intent_to_add {
                        continue;
                    }
                    let before = head.get(name, entry.mode);
                    if before != Some(entry.id) {
                        let before = before.into_iter().collect();
                        let (id, mode) = (entry.id, entry.mode);
                        self.staged.blobs.push(Change { path: whole.to_vec(), id, mode, before });
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
