//! What could not be read where it was first tried.

use super::{Pack, Task, Walked};
use crate::coverage::Unread;
use crate::git::objects::damage::Damage;
use crate::git::objects::kind::ObjectKind;
use crate::git::objects::reader::Copy;
use crate::object_id::ObjectId;

/// An entry of a pack that could not be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    /// The number of the pack.
    pub(super) pack: usize,
    /// What the index says the entry to be.
    pub(super) id: ObjectId,
    pub(super) offset: u64,
    pub(super) damage: Damage,
    /// Whether it is known to be a blob.
    pub(super) is_blob: bool,
}

/// Searches other copies, where there are any, and reports what remains.
pub(super) fn read_other_copies(task: &Task<'_>, mut failures: Vec<Failure>) -> Walked {
    failures.sort_unstable_by_key(|failure| (failure.pack, failure.offset, failure.id));
    let mut walked = Walked::default();
    let mut reader = task.store.reader();
    for failure in failures {
        let pack = &task.store.packs()[failure.pack];
        let id = failure.id;
        let failed = Copy::Packed(failure.pack, failure.offset);
        let copies = reader.copies(&id);
        let mut others = copies.into_iter().filter(|&copy| copy != failed);
        if others.any(|copy| reader.read_copy(&id, copy).is_ok_and(|there| there)) {
            let object = reader.object();
            if object.kind == ObjectKind::Blob {
                walked.add(task.search_whole(&id, object.content));
            }
            continue;
        }
        task.search.unread(report(failure, pack));
    }
    walked
}

fn report(failure: Failure, pack: &Pack) -> Unread {
    let unread = failure.damage.at(pack.place(failure.offset)).unread();
    let kind = if failure.is_blob { "blob" } else { "object" };
    let (place, detail) = (format!("{kind} {}", failure.id), format!("{}: {}", unread.place, unread.detail));
    Unread { place, detail, ..unread }
}
