//! Blobs that have a file of their own.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Task, Walked};
use crate::coverage::{Reason, Unread};

/// How many of them a worker takes at a time.
const PART: usize = 32;

pub(super) fn walk(task: &Task<'_>) -> Walked {
    let store = task.store;
    let (ids, problems) = store.loose();
    problems.into_iter().for_each(|unread| task.search.unread(unread));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut walked = Walked::default();
        let mut reader = store.reader();
        while let Some(part) = ids.chunks(PART).nth(next.fetch_add(1, Ordering::Relaxed)) {
            for id in part {
                match reader.read_loose(id, task.kinds) {
                    Ok(Some(object)) if !task.kinds.has(object.kind) => {}
                    Ok(Some(_)) if task.known.knows(id) => walked.cached += 1,
                    Ok(Some(object)) => walked.add(task.search_whole(id, object.content)),
                    Ok(None) => task.search.unread(Unread {
                        place: format!("object {id}"),
                        reason: Reason::Missing,
                        detail: "it was removed while the repository was read".to_owned(),
                    }),
                    Err(error) => task.search.unread(error.unread()),
                }
            }
        }
        walked
    };
    let workers = task.workers.get().min(ids.len().div_ceil(PART));
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut walked = work();
        for other in others {
            match other.join() {
                Ok(part) => walked.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        walked
    })
}
