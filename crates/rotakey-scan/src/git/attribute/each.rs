//! All commits and trees of a store of objects.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use super::{EachCommitAndTree, Visit};
use crate::coverage::Unread;
use crate::git::objects::{ObjectKind, ObjectStore, Search, walk_commits_and_trees};
use crate::object_id::ObjectId;

impl EachCommitAndTree for ObjectStore {
    fn each<V: Visit>(
        &self,
        workers: NonZeroUsize,
        visitor: &(dyn Fn() -> V + Sync),
    ) -> (Vec<V>, Vec<Unread>) {
        let visitors = Visitors { visitor, idle: Mutex::default(), unread: Mutex::default() };
        walk_commits_and_trees(self, workers, &visitors);
        let idle = visitors.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        (idle, visitors.unread.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As many visitors as there are threads.
struct Visitors<'a, V> {
    visitor: &'a (dyn Fn() -> V + Sync),
    idle: Mutex<Vec<V>>,
    unread: Mutex<Vec<Unread>>,
}

impl<V: Visit> Search for Visitors<'_, V> {
    fn window(&self) -> usize {
        1
    }

    fn screen(&self, _content: &[u8]) -> bool {
        true
    }

    fn blob(&self, id: &ObjectId, content: &[u8]) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut visitor = idle.unwrap_or_else(self.visitor);
        let kind = if content.starts_with(b"tree ") { ObjectKind::Commit } else { ObjectKind::Tree };
        visitor.visit(id, kind, content);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(visitor);
    }

    fn unread(&self, unread: Unread) {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(unread);
    }
}
