//! What is new in a tree.

use std::collections::{HashMap, HashSet};

use super::gaps::Gaps;
use super::objects::{ObjectKind, ReadError};
use super::read::ReadObjects;
use super::tree::{self, Mode};
use crate::object_id::ObjectId;

/// A blob that a tree has at a path at which no other has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: Vec<u8>,
    /// The blob.
    pub id: ObjectId,
    /// A file or a symbolic link.
    pub mode: Mode,
    /// What is at this path in the others.
    pub before: Vec<ObjectId>,
}

/// Longer paths are not followed: no system can have them, and each folder costs its whole path.
const LONGEST_PATH: usize = 1 << 14;

/// Compares trees, and each with the same others once only.
#[derive(Debug, Default)]
pub struct Changes {
    compared: HashSet<(ObjectId, Vec<ObjectId>)>,
    /// What of the trees could not be read. Where it is another that cannot be read, more is new.
    pub gaps: Gaps,
}

impl Changes {
    /// Tells all blobs of a tree that are not at the same path in any of the others. What a folder holds that was compared
    /// before with the same others is not told again, whatever its path.
    pub fn between(
        &mut self,
        objects: &mut impl ReadObjects,
        path: &[u8],
        tree: ObjectId,
        others: &[ObjectId],
        found: &mut impl FnMut(Change),
    ) {
        let length = objects.format().length();
        let mut open = vec![(path.to_vec(), tree, others.to_vec())];
        while let Some((path, tree, mut others)) = open.pop() {
            others.sort();
            others.dedup();
            if others.contains(&tree) || !self.compared.insert((tree, others.clone())) {
                continue;
            }
            let content = match read_tree(objects, &tree) {
                Ok(Some(content)) => content,
                Ok(None) => {
                    self.gaps.missing("trees", tree);
                    continue;
                }
                Err(error) => {
                    self.gaps.damaged(&error);
                    continue;
                }
            };
            let contents: Vec<Vec<u8>> =
                others.iter().filter_map(|other| read_tree(objects, other).ok().flatten()).collect();
            let folders: Vec<Folder<'_>> =
                contents.iter().map(|content| Folder::new(content, length)).collect();
            for entry in tree::entries(&content, length) {
                let Ok(entry) = entry else {
                    self.gaps.wrong(&tree, tree::DamagedTree);
                    break;
                };
                let same = folders.iter().filter_map(|folder| folder.get(entry.name, entry.mode));
                if entry.mode.is_submodule() || same.clone().any(|id| id == entry.id) {
                    continue;
                }
                let mut whole = path.clone();
                whole.extend_from_slice(entry.name);
                if entry.mode.is_blob() {
                    let (mode, before) = (entry.mode, same.collect());
                    found(Change { path: whole, id: entry.id, mode, before });
                } else if whole.len() < LONGEST_PATH {
                    whole.push(b'/');
                    open.push((whole, entry.id, same.collect()));
                } else {
                    self.gaps.wrong(&entry.id, "its path is too long");
                }
            }
        }
    }
}

/// The entries of a tree by their names.
struct Folder<'a> {
    entries: HashMap<(&'a [u8], bool), ObjectId>,
}

impl<'a> Folder<'a> {
    /// Those of a tree; what is behind a damaged one is not there.
    fn new(content: &'a [u8], length: usize) -> Self {
        let entries = tree::entries(content, length).map_while(Result::ok);
        let entries = entries.filter(|entry| !entry.mode.is_submodule());
        Self { entries: entries.map(|entry| ((entry.name, entry.mode.is_tree()), entry.id)).collect() }
    }

    /// The folder of this name, or the blob, as the mode says.
    fn get(&self, name: &[u8], mode: Mode) -> Option<ObjectId> {
        self.entries.get(&(name, mode.is_tree())).copied()
    }
}

/// The content of a tree; `None` if it is not here.
pub(super) fn read_tree(objects: &mut impl ReadObjects, id: &ObjectId) -> Result<Option<Vec<u8>>, ReadError> {
    match objects.read(id)? {
        None => Ok(None),
        Some(object) if object.kind == ObjectKind::Tree => Ok(Some(object.content.to_vec())),
        Some(_) => Err(ReadError::Corrupt { place: format!("object {id}"), detail: "it is not a tree" }),
    }
}
