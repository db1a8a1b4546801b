//! What is kept of each commit and tree.

use std::collections::HashMap;

use super::Visit;
use super::key::{ByKey, Key};
use crate::git::commit::Commit;
use crate::git::objects::{ObjectFormat, ObjectKind};
use crate::object_id::ObjectId;

/// The blobs that are looked for.
#[derive(Debug)]
pub(super) struct Wanted {
    key: Key,
    blobs: HashMap<ObjectId, u32>,
    places: Vec<Vec<usize>>,
    /// A bit for each beginning of an id.
    beginnings: Vec<u64>,
}

impl Wanted {
    pub(super) fn new(blobs: &[ObjectId]) -> Self {
        let mut wanted =
            Self { key: Key::new(), blobs: HashMap::new(), places: Vec::new(), beginnings: vec![0; 1024] };
        for (place, id) in blobs.iter().enumerate() {
            let next = wanted.places.len() as u32;
            let number = *wanted.blobs.entry(*id).or_insert(next);
            if number == next {
                wanted.places.push(Vec::new());
            }
            wanted.places[number as usize].push(place);
            let (word, bit) = beginning(id.as_bytes());
            wanted.beginnings[word] |= bit;
        }
        wanted
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Where a blob stands among those that were asked for.
    pub(super) fn places(&self, blob: u32) -> &[usize] {
        &self.places[blob as usize]
    }

    fn find(&self, id: &[u8]) -> Option<u32> {
        let (word, bit) = beginning(id);
        if self.beginnings[word] & bit == 0 {
            return None;
        }
        self.blobs.get(&ObjectId::from_bytes(id)?).copied()
    }
}

fn beginning(id: &[u8]) -> (usize, u64) {
    let number = usize::from(id[0]) << 8 | usize::from(id[1]);
    (number / 64, 1 << (number % 64))
}

/// What one thread has collected.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    wanted: &'a Wanted,
    length: usize,
    pub(super) commits: Vec<CollectedCommit>,
    pub(super) parents: Vec<u64>,
    pub(super) trees: Vec<CollectedTree>,
    /// The folders of all trees, one tree behind the other: places in `folders`.
    pub(super) edges: Vec<u32>,
    /// Each tree under each name, once.
    pub(super) folders: Vec<CollectedFolder>,
    folder_of: ByKey<u32>,
    /// The names of folders and of wanted blobs.
    names: Vec<u8>,
    /// The blobs that are wanted: in which tree, which, and under which name.
    pub(super) found: Vec<(u32, u32, Name)>,
}

/// Where a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u32, u32);

/// A commit.
#[derive(Debug)]
pub(super) struct CollectedCommit {
    pub(super) id: ObjectId,
    pub(super) tree: u64,
    pub(super) seconds: i64,
    /// How many parents of the common list are its own.
    pub(super) parents: u32,
}

/// A tree, whose folders stand in the common list up to where the next begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct CollectedTree {
    pub(super) key: u64,
    pub(super) edges: u32,
}

/// A tree under a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct CollectedFolder {
    pub(super) key: u64,
    pub(super) name: Name,
}

impl<'a> Collector<'a> {
    pub(super) fn new(wanted: &'a Wanted, format: ObjectFormat) -> Self {
        Self {
            wanted,
            length: format.length(),
            commits: Vec::new(),
            parents: Vec::new(),
            trees: Vec::new(),
            edges: Vec::new(),
            folders: Vec::new(),
            folder_of: ByKey::default(),
            names: Vec::new(),
            found: Vec::new(),
        }
    }

    pub(super) fn name(&self, name: Name) -> &[u8] {
        &self.names[name.0 as usize..][..name.1 as usize]
    }

    fn keep(&mut self, name: &[u8]) -> Name {
        let kept = Name(self.names.len() as u32, name.len() as u32);
        self.names.extend_from_slice(name);
        kept
    }

    fn folder(&mut self, id: &[u8], name: &[u8]) -> u32 {
        let key = self.wanted.key.of(id);
        let mut place = key;
        loop {
            match self.folder_of.get(&place) {
                Some(folder) => {
                    let CollectedFolder { key: own, name: other } = self.folders[*folder as usize];
                    if own == key && self.name(other) == name {
                        return *folder;
                    }
                    // The same tree under another name.
                    let next = self.wanted.key.with(key, name);
                    place = if place == key { next } else { place.wrapping_add(1) };
                }
                None => {
                    let name = self.keep(name);
                    let folder = self.folders.len() as u32;
                    self.folders.push(CollectedFolder { key, name });
                    self.folder_of.insert(place, folder);
                    return folder;
                }
            }
        }
    }

    fn tree(&mut self, id: &ObjectId, mut content: &[u8]) {
        let tree = self.trees.len() as u32;
        let key = self.wanted.key.id(id);
        self.trees.push(CollectedTree { key, edges: self.edges.len() as u32 });
        // As `tree::entries`, but without what is not needed here: this is done for millions of entries.
        while let Some(end) = memchr::memchr(0, content) {
            let Some(id) = content.get(end + 1..end + 1 + self.length) else { return };
            let is_tree = content.starts_with(b"40000 ") || content.starts_with(b"040000 ");
            let name = |content: &'_ [u8]| {
                let space = memchr::memchr(b' ', &content[..end]).map_or(end, |space| space + 1);
                space..end
            };
            if is_tree {
                let folder = self.folder(id, &content[name(content)]);
                self.edges.push(folder);
            } else if let Some(blob) = self.wanted.find(id)
                && !content.starts_with(b"160000 ")
            {
                let name = self.keep(&content[name(content)]);
                self.found.push((tree, blob, name));
            }
            content = &content[end + 1 + self.length..];
        }
    }
}

impl Visit for Collector<'_> {
    fn visit(&mut self, id: &ObjectId, kind: ObjectKind, content: &[u8]) {
        match kind {
            ObjectKind::Tree => self.tree(id, content),
            ObjectKind::Commit => {
                // One that is no commit leads nowhere, and git would not follow it either.
                let Ok(commit) = Commit::parse(content) else { return };
                self.parents.extend(commit.parents.iter().map(|parent| self.wanted.key.id(parent)));
                self.commits.push(CollectedCommit {
                    id: *id,
                    tree: self.wanted.key.id(&commit.tree),
                    seconds: commit.seconds,
                    parents: commit.parents.len() as u32,
                });
            }
            ObjectKind::Blob | ObjectKind::Tag => {}
        }
    }
}
