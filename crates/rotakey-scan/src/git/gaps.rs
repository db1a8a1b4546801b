//! What of a repository's history is not here or cannot be read, in few words however much it is.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::ReadError;
use crate::coverage::{Reason, Unread};
use crate::object_id::ObjectId;

/// What was looked for in vain. The same object counts once.
#[derive(Debug, Default, Clone)]
pub struct Gaps {
    missing: BTreeMap<&'static str, BTreeSet<ObjectId>>,
    damaged: BTreeSet<Unread>,
    shallow: bool,
}

/// Missing objects that are named one by one, unless the repository is a partial clone.
const NAMED: usize = 10;

impl Gaps {
    /// An object is not here. `what` is its kind in the plural.
    pub fn missing(&mut self, what: &'static str, id: ObjectId) {
        self.missing.entry(what).or_default().insert(id);
    }

    /// An object is here and cannot be read.
    pub fn damaged(&mut self, error: &ReadError) {
        self.damaged.insert(error.unread());
    }

    /// An object is here and is not what it should be.
    pub fn wrong(&mut self, id: &ObjectId, detail: impl ToString) {
        let place = format!("object {id}");
        self.damaged.insert(Unread { place, reason: Reason::Corrupt, detail: detail.to_string() });
    }

    /// History goes on, but not here.
    pub fn shallow(&mut self) {
        self.shallow = true;
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.damaged.is_empty() && !self.shallow
    }

    /// Adds those of another part of the same repository.
    pub fn add(&mut self, other: Self) {
        for (what, ids) in other.missing {
            self.missing.entry(what).or_default().extend(ids);
        }
        self.damaged.extend(other.damaged);
        self.shallow |= other.shallow;
    }

    /// What is reported of them. `repository` names it; in a partial clone, objects are missing by intent.
    pub fn unread(self, repository: &str, partial: bool) -> Vec<Unread> {
        let mut unread: Vec<Unread> = self.damaged.into_iter().collect();
        for (what, ids) in self.missing {
            let named = if partial { 0 } else { NAMED };
            unread.extend(ids.iter().take(named).map(|id| Unread {
                place: format!("object {id}"),
                reason: Reason::Missing,
                detail: String::new(),
            }));
            let more = ids.len().saturating_sub(named);
            if more > 0 {
                let detail = match partial {
                    true => format!("{more} {what} are not here (partial clone)"),
                    false => format!("{more} more {what} are not here"),
                };
                unread.push(Unread { place: repository.to_owned(), reason: Reason::Missing, detail });
            }
        }
        if self.shallow {
            let detail = "a shallow clone has not all commits".to_owned();
            unread.push(Unread { place: repository.to_owned(), reason: Reason::Shallow, detail });
        }
        unread
    }
}
