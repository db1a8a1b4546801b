//! What is kept of each commit and tree.
//!
//! A tree is mostly one that was seen before with one entry changed, and mostly that entry is a file that nobody asks for.
//! So trees with the same folders and the same wanted blobs are one class, and of a tree that differs little from another
//! only the entries are read that differ.

use std::collections::HashMap;

use super::key::{ByKey, Key};
use crate::git::commit::Commit;
use crate::git::objects::{Change, Named, Notes, ObjectFormat, ObjectKind, Visit};
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
    /// The ids of trees that are in no pack.
    pub(super) ids: Vec<ObjectId>,
    /// For each class, where its folders begin in `edges`.
    pub(super) classes: Vec<u32>,
    /// The folders of all classes, one class behind the other: places in `folders`.
    pub(super) edges: Vec<u32>,
    /// Trees under names, as they were read.
    pub(super) folders: Vec<CollectedFolder>,
    /// The names of folders and of wanted blobs, each once.
    names: Vec<u8>,
    name_of: ByKey<Name>,
    /// The blobs that are wanted: in which class, which, and under which name.
    pub(super) found: Vec<(u32, u32, Name)>,
    /// The same for marks.
    marked: Vec<(u32, Name)>,
    /// Used again for each tree.
    fresh: Vec<(u32, u32)>,
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

/// A tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct CollectedTree {
    /// The number of the pack, and the position in its index. Or none, and the position among the ids of the collector.
    pub(super) pack: u32,
    pub(super) position: u32,
    pub(super) class: u32,
}

/// Stands for the pack of what is in none.
pub(super) const NO_PACK: u32 = u32::MAX;

/// A tree under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            ids: Vec::new(),
            classes: Vec::new(),
            edges: Vec::new(),
            folders: Vec::new(),
            names: Vec::new(),
            name_of: ByKey::default(),
            found: Vec::new(),
            marked: Vec::new(),
            fresh: Vec::new(),
        }
    }

    pub(super) fn name(&self, name: Name) -> &[u8] {
        &self.names[name.0 as usize..][..name.1 as usize]
    }

    /// The folders of a class.
    pub(super) fn edges(&self, class: u32) -> &[u32] {
        let class = class as usize;
        let end = self.classes.get(class + 1).map_or(self.edges.len(), |next| *next as usize);
        &self.edges[self.classes[class] as usize..end]
    }

    fn keep(&mut self, name: &[u8]) -> Name {
        let mut place = self.wanted.key.with(0, name);
        while let Some(kept) = self.name_of.get(&place) {
            if self.name(*kept) == name {
                return *kept;
            }
            place = place.wrapping_add(1);
        }
        let kept = Name(self.names.len() as u32, name.len() as u32);
        self.names.extend_from_slice(name);
        self.name_of.insert(place, kept);
        kept
    }

    /// Two that were read at different times may be the same.
    fn folder(&mut self, id: &[u8], name: &[u8]) -> u32 {
        let (key, name) = (self.wanted.key.of(id), self.keep(name));
        self.folders.push(CollectedFolder { key, name });
        self.folders.len() as u32 - 1
    }

    fn tree(&mut self, id: Named<'_>, content: &[u8], notes: &mut Notes, change: Option<Change>) {
        let whole = Change { start: 0, old_end: 0, new_end: content.len() };
        let class = match change {
            Some(change) => self.read(content, notes, change).then_some(notes.number),
            None => {
                notes.marks.clear();
                self.read(content, notes, whole);
                None
            }
        };
        notes.number = class.unwrap_or_else(|| self.class(&notes.marks));
        let class = notes.number;
        self.trees.push(match id {
            Named::At { number: pack, position, .. } => CollectedTree { pack, position, class },
            Named::Id(id) => {
                self.ids.push(*id);
                CollectedTree { pack: NO_PACK, position: self.ids.len() as u32 - 1, class }
            }
        });
    }

    /// A class of its own for what was marked.
    fn class(&mut self, marks: &[(u32, u32)]) -> u32 {
        let class = self.classes.len() as u32;
        self.classes.push(self.edges.len() as u32);
        for (_, what) in marks {
            if *what == PLACE {
            } else if what & FOUND == 0 {
                self.edges.push(*what);
            } else {
                let (blob, name) = self.marked[(what & !FOUND) as usize];
                self.found.push((class, blob, name));
            }
        }
        class
    }

    /// Whether the fresh marks say the same as these.
    fn is_same(&self, marks: &[(u32, u32)]) -> bool {
        let (mut before, mut now) = (kept(marks), kept(&self.fresh));
        loop {
            match (before.next(), now.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if (a | b) & FOUND == 0 => {
                    if self.folders[a as usize] != self.folders[b as usize] {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    /// Reads the entries that changed, and brings the marks up to date. Whether nothing changed that is kept.
    fn read(&mut self, content: &[u8], notes: &mut Notes, change: Change) -> bool {
        let marks = &mut notes.marks;
        // From the last entry of which it is known where it begins.
        let first = marks.partition_point(|(at, _)| *at as usize <= change.start).saturating_sub(1);
        let mut at = marks.get(first).map_or(0, |(at, _)| (*at as usize).min(change.start));
        let moved = |at: u32| (at as usize + change.new_end).wrapping_sub(change.old_end);
        // To one behind the change at which the other tree has the beginning of an entry too.
        let mut last = first + marks[first..].partition_point(|(at, _)| (*at as usize) < change.old_end);
        self.fresh.clear();
        let mut unmarked = 0;
        // As `tree::entries`, but without what is not needed here: this is done for millions of entries.
        loop {
            while marks.get(last).is_some_and(|(mark, _)| moved(*mark) < at) {
                last += 1;
            }
            if marks.get(last).is_some_and(|(mark, _)| moved(*mark) == at) {
                break;
            }
            let entry = &content[at..];
            let Some(end) = memchr::memchr(0, entry) else { break };
            let Some(id) = entry.get(end + 1..end + 1 + self.length) else { break };
            let name = || {
                let space = memchr::memchr(b' ', &entry[..end]).map_or(end, |space| space + 1);
                &entry[space..end]
            };
            if entry.starts_with(b"40000 ") || entry.starts_with(b"040000 ") {
                let folder = self.folder(id, name());
                self.fresh.push((at as u32, folder));
                unmarked = 0;
            } else if let Some(blob) = self.wanted.find(id)
                && !entry.starts_with(b"160000 ")
            {
                let name = self.keep(name());
                self.fresh.push((at as u32, FOUND | self.marked.len() as u32));
                self.marked.push((blob, name));
                unmarked = 0;
            } else {
                if unmarked % MARK_EACH == 0 {
                    self.fresh.push((at as u32, PLACE));
                }
                unmarked += 1;
            }
            at += end + 1 + self.length;
        }
        // What is damaged is not followed further.
        if marks.get(last).is_none_or(|(mark, _)| moved(*mark) != at) {
            last = marks.len();
        }
        let same = self.is_same(&marks[first..last]);
        if change.new_end != change.old_end {
            for (at, _) in &mut marks[last..] {
                *at = moved(*at) as u32;
            }
        }
        marks.splice(first..last, self.fresh.iter().copied());
        same
    }
}

fn kept(marks: &[(u32, u32)]) -> impl Iterator<Item = u32> {
    marks.iter().map(|(_, what)| *what).filter(|what| *what != PLACE)
}

/// Stands in a mark for an entry that is not kept, so that one can begin there.
const PLACE: u32 = u32::MAX;
/// Stands in a mark for a wanted blob.
const FOUND: u32 = 1 << 31;
/// Where there is nothing to keep, so many entries are between marks.
const MARK_EACH: u32 = 4;

impl Visit for Collector<'_> {
    fn visit(&mut self, id: Named<'_>, kind: ObjectKind, content: &[u8]) {
        match kind {
            ObjectKind::Tree => self.tree(id, content, &mut Notes::default(), None),
            ObjectKind::Commit => {
                // One that is no commit leads nowhere, and git would not follow it either.
                let Ok(commit) = Commit::parse(content) else { return };
                self.parents.extend(commit.parents.iter().map(|parent| self.wanted.key.id(parent)));
                self.commits.push(CollectedCommit {
                    id: id.id(),
                    tree: self.wanted.key.id(&commit.tree),
                    seconds: commit.seconds,
                    parents: commit.parents.len() as u32,
                });
            }
            ObjectKind::Blob | ObjectKind::Tag => {}
        }
    }

    fn visit_first(&mut self, id: Named<'_>, kind: ObjectKind, content: &[u8], notes: &mut Notes) {
        match kind {
            ObjectKind::Tree => self.tree(id, content, notes, None),
            _ => self.visit(id, kind, content),
        }
    }

    fn visit_changed(
        &mut self,
        id: Named<'_>,
        kind: ObjectKind,
        content: &[u8],
        notes: &mut Notes,
        change: Change,
    ) {
        let change = notes.is_there().then_some(change);
        match kind {
            ObjectKind::Tree => self.tree(id, content, notes, change),
            _ => self.visit(id, kind, content),
        }
    }
}
