//! What a partial clone has left at its remote.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use crate::git::attribute::EachCommitAndTree as _;
use crate::git::commit::Commit;
use crate::git::gaps::Gaps;
use crate::git::objects::{Named, ObjectKind, ObjectStore, Visit};
use crate::git::tree;
use crate::object_id::ObjectId;

/// Notes all trees and blobs that commits and trees lead to and that are not here.
pub(super) fn find(store: &ObjectStore, workers: NonZeroUsize, gaps: &mut Gaps) {
    let (visitors, _) = store.each(workers, &|| Missing {
        store,
        seen: HashSet::new(),
        trees: HashSet::new(),
        blobs: HashSet::new(),
    });
    for visitor in visitors {
        visitor.trees.into_iter().for_each(|id| gaps.missing("trees", id));
        visitor.blobs.into_iter().for_each(|id| gaps.missing("blobs", id));
    }
}

struct Missing<'a> {
    store: &'a ObjectStore,
    seen: HashSet<ObjectId>,
    trees: HashSet<ObjectId>,
    blobs: HashSet<ObjectId>,
}

impl Missing<'_> {
    fn look(&mut self, id: ObjectId, is_tree: bool) {
        if self.seen.insert(id) && !self.store.contains(&id) {
            if is_tree {
                self.trees.insert(id)
            } else {
                self.blobs.insert(id)
            };
        }
    }
}

impl Visit for Missing<'_> {
    fn visit(&mut self, _id: Named<'_>, kind: ObjectKind, content: &[u8]) {
        if kind == ObjectKind::Commit {
            if let Ok(commit) = Commit::parse(content) {
                self.look(commit.tree, true);
            }
            return;
        }
        for entry in tree::entries(content, self.store.object_format().length()).map_while(Result::ok) {
            if !entry.mode.is_submodule() {
                self.look(entry.id, entry.mode.is_tree());
            }
        }
    }
}
