//! Which commit brought a blob in, at which path, and whether it is still there.
//!
//! Most scans find nothing, so nothing of this is done until there is a blob to ask for. Then all commits and trees of the
//! repository are read once, in whatever order its packs have them, and what is kept of a tree is which folders it has:
//! a number each. The trees that lead to the blobs are then found without reading any of them again.

mod collect;
mod each;
mod graph;
mod key;
mod sets;
mod ways;

use std::collections::HashMap;
use std::num::NonZeroUsize;

use super::commit::{self, Signature};
use super::objects::{ObjectFormat, ObjectKind, Visit};
use super::read::ReadObjects;
use super::refs::References;
use crate::coverage::Unread;
use crate::object_id::ObjectId;
use collect::{Collector, Wanted};
use graph::Graph;

/// Hands out all commits and trees of a repository, in any order.
pub trait EachCommitAndTree {
    /// Calls visitors with every commit and tree, each at least once, and returns the visitors, and what could not be read.
    fn each<V: Visit>(
        &self,
        workers: NonZeroUsize,
        visitor: &(dyn Fn() -> V + Sync),
    ) -> (Vec<V>, Vec<Unread>);

    /// The id at a position of the index of a pack, as [`Named`](super::objects::Named) has them.
    fn id(&self, pack: u32, position: u32) -> Option<ObjectId>;
}

/// What commits are reachable from. The order is the one in which it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// A branch, a tag, another reference, or HEAD.
    Reference,
    /// The stash.
    Stash,
    /// Only the log of a reference: it was committed and then left.
    Log,
    /// Nothing. It waits to be removed.
    Nothing,
}

impl Reach {
    /// The name in documents, such as `stash`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Stash => "stash",
            Self::Log => "log",
            Self::Nothing => "nothing",
        }
    }
}

/// Where to begin: what is reachable from these commits is reachable in that way. They may be tags.
#[derive(Debug, Default, Clone)]
pub struct Tips {
    /// What references and HEAD lead to.
    pub references: Vec<ObjectId>,
    /// What the stash leads to.
    pub stash: Vec<ObjectId>,
    /// What the logs name.
    pub logs: Vec<ObjectId>,
    /// HEAD.
    pub head: Option<ObjectId>,
}

impl Tips {
    /// Those of a repository, with what its logs name.
    pub fn read(references: &References, logged: Vec<ObjectId>) -> Self {
        let (mut tips, mut logs) = (Self { head: references.head(), ..Self::default() }, logged);
        for (name, id) in references.all() {
            match name {
                b"refs/stash" => tips.stash.push(id),
                name if name.starts_with(b"refs/") => tips.references.push(id),
                // `ORIG_HEAD` and its kin: what was left, like what is in a log.
                _ => logs.push(id),
            }
        }
        tips.logs = logs;
        tips
    }
}

/// A path at which a blob is or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The path.
    pub path: Vec<u8>,
    /// The first commit that has the blob there and none of whose parents has.
    pub commit: ObjectId,
    /// What the commit is reachable from.
    pub reach: Reach,
    /// How many commits brought it in again there.
    pub again: u32,
    /// Whether it is there in HEAD.
    pub in_head: bool,
    /// Who wrote the commit.
    pub author: Signature,
}

/// What is known of the blobs that were asked for.
#[derive(Debug, Default)]
pub struct Attribution {
    /// For each of them, in the same order, all paths at which a commit has it, the earliest first; none if it is in no commit.
    pub located: Vec<Vec<Located>>,
    /// What could not be read on the way.
    pub unread: Vec<Unread>,
}

/// Finds the commits that brought blobs in.
pub fn attribute(
    blobs: &[ObjectId],
    tips: &Tips,
    each: &impl EachCommitAndTree,
    objects: &mut impl ReadObjects,
    workers: NonZeroUsize,
) -> Attribution {
    let format: ObjectFormat = objects.format();
    let wanted = Wanted::new(blobs);
    let (collectors, unread) = each.each(workers, &|| Collector::new(&wanted, format));
    let mut graph = Graph::new(collectors, each, wanted.key());
    let introduced = graph.introduced(tips, wanted.key(), objects);
    let mut located: Vec<Vec<Located>> = blobs.iter().map(|_| Vec::new()).collect();
    for (blob, place) in introduced {
        // Who asks for a blob twice gets two answers.
        for at in wanted.places(blob) {
            located[*at].push(place.clone());
        }
    }
    let mut authors: HashMap<ObjectId, Signature> = HashMap::new();
    for place in located.iter_mut().flatten() {
        let author = authors.entry(place.commit).or_insert_with_key(|id| match objects.read(id) {
            Ok(Some(object)) if object.kind == ObjectKind::Commit => commit::author(object.content),
            _ => Signature::default(),
        });
        place.author = author.clone();
    }
    Attribution { located, unread }
}

#[cfg(test)]
mod tests;
