//! All commits and trees of a store of objects.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use super::EachCommitAndTree;
use crate::coverage::Unread;
use crate::git::objects::{
    Change, Named, Notes, ObjectKind, ObjectStore, Search, Visit, walk_commits_and_trees,
};
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

    fn id(&self, pack: u32, position: u32) -> Option<ObjectId> {
        self.packs().get(pack as usize)?.id(position)
    }
}

/// As many visitors as there are threads.
struct Visitors<'a, V> {
    visitor: &'a (dyn Fn() -> V + Sync),
    idle: Mutex<Vec<V>>,
    unread: Mutex<Vec<Unread>>,
}

impl<V: Visit> Visitors<'_, V> {
    fn lend(&self) -> Lent<'_, V> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { visitor: Some(idle.unwrap_or_else(self.visitor)), idle: &self.idle }
    }
}

/// A visitor that goes back to the idle ones.
struct Lent<'a, V> {
    visitor: Option<V>,
    idle: &'a Mutex<Vec<V>>,
}

impl<V: Visit> Visit for Lent<'_, V> {
    fn visit(&mut self, id: Named<'_>, kind: ObjectKind, content: &[u8]) {
        if let Some(visitor) = &mut self.visitor {
            visitor.visit(id, kind, content);
        }
    }

    fn visit_first(&mut self, id: Named<'_>, kind: ObjectKind, content: &[u8], notes: &mut Notes) {
        if let Some(visitor) = &mut self.visitor {
            visitor.visit_first(id, kind, content, notes);
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
        if let Some(visitor) = &mut self.visitor {
            visitor.visit_changed(id, kind, content, notes, change);
        }
    }
}

impl<V> Drop for Lent<'_, V> {
    fn drop(&mut self) {
        let visitor = self.visitor.take();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(visitor);
    }
}

impl<V: Visit> Search for Visitors<'_, V> {
    fn window(&self) -> usize {
        1
    }

    fn screen(&self, _content: &[u8]) -> bool {
        true
    }

    fn blob(&self, id: &ObjectId, content: &[u8]) {
        let kind = if content.starts_with(b"tree ") { ObjectKind::Commit } else { ObjectKind::Tree };
        self.lend().visit(Named::Id(id), kind, content);
    }

    fn visitor(&self) -> Option<Box<dyn Visit + '_>> {
        Some(Box::new(self.lend()))
    }

    fn unread(&self, unread: Unread) {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(unread);
    }
}
