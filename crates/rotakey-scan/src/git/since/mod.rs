//! What came in since: the blobs of new commits.

use std::collections::HashSet;

use super::change::{Change, Changes};
use super::gaps::Gaps;
use super::objects::ObjectKind;
use super::read::ReadObjects;
use super::revision::{Peeled, peel};
use super::tree::Mode;
use super::walk::new_commits;
use crate::object_id::ObjectId;

/// A blob that a new commit brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlob {
    /// The blob, and where it is.
    pub change: Change,
    /// The commit; `None` for a tree or a blob that a reference leads to without a commit.
    pub commit: Option<ObjectId>,
}

/// What came in.
#[derive(Debug, Default)]
pub struct New {
    /// The blobs with the commits that brought them, the oldest first. A blob may be there at several paths, and may have been
    /// known at others.
    pub blobs: Vec<NewBlob>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// The blobs that are reachable from `tips` and not from `known`: those that a commit has where none of its parents has
/// them. Tips and known objects may be tags.
///
/// A file that was only moved is among them. Of the commits that a shallow clone ends with, all is new.
pub fn since(
    objects: &mut impl ReadObjects,
    tips: &[ObjectId],
    known: &[ObjectId],
    shallow: &HashSet<ObjectId>,
) -> New {
    let mut new = New::default();
    let mut commits = Vec::new();
    let mut trees = Vec::new();
    let mut seen = HashSet::new();
    let mut told = |new: &mut New, change: Change, commit| {
        if seen.insert((change.id, change.path.clone())) {
            new.blobs.push(NewBlob { change, commit });
        }
    };
    for tip in tips {
        match peel(objects, *tip) {
            Ok(Peeled::Object(id, ObjectKind::Commit)) => commits.push(id),
            Ok(Peeled::Object(id, ObjectKind::Tree)) => trees.push(id),
            Ok(Peeled::Object(id, _)) => {
                let change = Change { path: Vec::new(), id, mode: Mode(0o100_644), before: Vec::new() };
                told(&mut new, change, None);
            }
            Ok(Peeled::Missing(id)) => new.gaps.missing("tips", id),
            Err(error) => new.gaps.damaged(&error),
        }
    }
    let known: Vec<ObjectId> = known
        .iter()
        .filter_map(|id| match peel(objects, *id) {
            Ok(Peeled::Object(id, ObjectKind::Commit)) => Some(id),
            // Less is known then, and more is scanned.
            _ => None,
        })
        .collect();
    let mut changes = Changes::default();
    let mut gaps = Gaps::default();
    for commit in new_commits(objects, &commits, &known, shallow, &mut gaps) {
        changes.between(objects, b"", commit.tree, &commit.before, &mut |change| {
            told(&mut new, change, Some(commit.id));
        });
    }
    for tree in trees {
        changes.between(objects, b"", tree, &[], &mut |change| told(&mut new, change, None));
    }
    new.gaps.add(gaps);
    new.gaps.add(changes.gaps);
    new
}

/// A line that git hands to a `pre-receive` hook: what a push would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// What the reference led to; `None` if it is new.
    pub old: Option<ObjectId>,
    /// What it is to lead to; `None` if it is to go.
    pub new: Option<ObjectId>,
    /// Its full name.
    pub name: Vec<u8>,
}

/// A line is not what git hands to a `pre-receive` hook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not `old new reference` as git hands it to a pre-receive hook")]
pub struct NotAnUpdate {
    /// The line, from 1.
    pub line: usize,
}

/// Reads the lines that git hands to a `pre-receive` hook.
pub fn updates(text: &[u8]) -> Result<Vec<Update>, NotAnUpdate> {
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| {
            let mut words = line.splitn(3, |byte| *byte == b' ');
            let mut id = || ObjectId::from_hex(words.next()?);
            let (old, new) = (id(), id());
            match (old, new, words.next()) {
                (Some(old), Some(new), Some(name)) if !name.is_empty() => Ok(Update {
                    old: Some(old).filter(|id| !id.is_zero()),
                    new: Some(new).filter(|id| !id.is_zero()),
                    name: name.to_vec(),
                }),
                _ => Err(NotAnUpdate { line: number + 1 }),
            }
        })
        .collect()
}

/// The blobs that a push brings: reachable from what references are to lead to, and from nothing that they lead to now.
/// The objects are those of the quarantine and those of the repository.
pub fn received(
    objects: &mut impl ReadObjects,
    updates: &[Update],
    references: impl Iterator<Item = ObjectId>,
    shallow: &HashSet<ObjectId>,
) -> New {
    let tips: Vec<ObjectId> = updates.iter().filter_map(|update| update.new).collect();
    let mut known: Vec<ObjectId> = references.chain(updates.iter().filter_map(|update| update.old)).collect();
    known.sort();
    known.dedup();
    since(objects, &tips, &known, shallow)
}

#[cfg(test)]
mod tests;
