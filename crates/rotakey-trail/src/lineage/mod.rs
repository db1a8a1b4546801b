//! The derivation tree of a key: the sessions that were minted with it, the sessions minted with those, and so on
//! across accounts; and what each of them did.
//!
//! Whether a session descends from a key can be said only when all calls were seen, so the trail is read twice:
//! [`Edges`] find the set of keys, [`Lineage`] then collects what there is to tell of them.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::answer::Answer;
use crate::bounded::{BoundedMap, clip};
use crate::event_time::EventTime;
use crate::minted::{Created, Minted};
use crate::record::Record;
use crate::selection::Selection;

mod chains;
mod edges;
mod key_set;
mod tree;

pub(crate) use chains::Chains;
pub use edges::{Edges, Reach};
pub use key_set::KeySet;
pub use tree::{Kind, LineageDocument, Node, NotShown};

/// The most created keys that are told.
const MOST_CREATED: usize = 10_000;

/// The most further keys that a session is told to have been given to.
const MOST_FURTHER: usize = 8;

/// Pass 2: what there is to tell of a key and its descendants. Bounded by the number of keys that are told.
#[derive(Debug, Clone)]
pub struct Lineage {
    all: Arc<KeySet>,
    told: Arc<KeySet>,
    selection: Selection,
    keys: HashMap<String, Key>,
    /// Keys that were created but are not in the set.
    created: BoundedMap<String, Created>,
    untold_uses: Uses,
}

/// What was found out about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    origin: Option<Origin>,
    /// Other keys of the set that were given the same session.
    further_parents: BoundedMap<String, ()>,
    uses: Uses,
    /// Who the key last signed as.
    principal: Option<Principal>,
}

/// The call that made a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Minted(Minted),
    Created(Created),
}

/// Sorted by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Principal {
    at: EventTime,
    arn: Option<String>,
    account_id: Option<String>,
}

/// How often a key was used, and from when until when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Uses {
    pub calls: u64,
    pub failed_calls: u64,
    pub first_at: Option<EventTime>,
    pub last_at: Option<EventTime>,
}

impl Uses {
    /// One call.
    pub fn once(record: &Record<'_>) -> Self {
        Self {
            calls: 1,
            failed_calls: u64::from(record.error_code.is_some()),
            first_at: Some(record.time),
            last_at: Some(record.time),
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed_calls += other.failed_calls;
        self.first_at = self.first_at.into_iter().chain(other.first_at).min();
        self.last_at = self.last_at.max(other.last_at);
    }
}

impl Lineage {
    /// Nothing found yet of that set. Of the most recent `limit` keys all is told, the others are counted. The calls
    /// that are counted are those of the selection; the tree is that of all records.
    pub fn new(set: Arc<KeySet>, selection: Selection, limit: usize) -> Self {
        Self {
            selection,
            told: Arc::new(set.newest(limit.max(1))),
            all: set,
            keys: HashMap::new(),
            created: BoundedMap::new(MOST_CREATED),
            untold_uses: Uses::default(),
        }
    }

    /// A further one that is asked the same and knows nothing yet, for another thread.
    pub fn fresh(&self) -> Self {
        Self {
            selection: self.selection.clone(),
            told: Arc::clone(&self.told),
            all: Arc::clone(&self.all),
            keys: HashMap::new(),
            created: BoundedMap::new(MOST_CREATED),
            untold_uses: Uses::default(),
        }
    }

    fn key(&mut self, id: &str) -> &mut Key {
        if !self.keys.contains_key(id) {
            self.keys.insert(id.to_owned(), Key::default());
        }
        self.keys.get_mut(id).expect("it was inserted if it was not there")
    }

    fn take_origin(&mut self, parent: &str, child: &str, origin: Origin) {
        if self.told.has_edge(parent, child) {
            let key = self.key(child);
            key.origin = key.origin.take().into_iter().chain([origin]).min();
            return;
        }
        if self.told.depth(child).is_some_and(|depth| depth > 0) {
            self.key(child).further_parents.update(parent, str::to_owned, || (), |()| ());
        } else if let Origin::Created(created) = origin
            && !self.all.contains(child)
        {
            // The earliest of several.
            let fresh = created.clone();
            self.created.update(
                child,
                str::to_owned,
                || fresh,
                |kept| {
                    if created < *kept {
                        *kept = created;
                    }
                },
            );
        }
    }
}

impl Default for Key {
    fn default() -> Self {
        Self {
            origin: None,
            further_parents: BoundedMap::new(MOST_FURTHER),
            uses: Uses::default(),
            principal: None,
        }
    }
}

impl Answer for Lineage {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            let Some(parent) = record.identity.access_key_id else { continue };
            if !self.told.contains(parent) {
                if self.all.contains(parent) && self.selection.has(record) {
                    self.untold_uses.add(Uses::once(record));
                }
                continue;
            }
            let counts = self.selection.has(record);
            let key = self.key(parent);
            if counts {
                key.uses.add(Uses::once(record));
            }
            if key.principal.as_ref().is_none_or(|principal| principal.at <= record.time) {
                let principal = Principal {
                    at: record.time,
                    arn: record.identity.arn.map(|arn| clip(arn, 2_048).to_owned()),
                    account_id: record.identity.account_id.map(|account| clip(account, 64).to_owned()),
                };
                key.principal = key.principal.take().max(Some(principal));
            }
            if let Some(minted) = Minted::of(record) {
                let child = minted.child.clone();
                self.take_origin(parent, &child, Origin::Minted(minted));
            } else if let Some(created) = Created::of(record) {
                let child = created.child.clone();
                self.take_origin(parent, &child, Origin::Created(created));
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for (id, theirs) in other.keys {
            let key = self.key(&id);
            key.origin = key.origin.take().into_iter().chain(theirs.origin).min();
            key.further_parents.merge(theirs.further_parents, |(), ()| ());
            key.uses.add(theirs.uses);
            key.principal = key.principal.take().max(theirs.principal);
        }
        self.created.merge(other.created, |kept, created| {
            if created < *kept {
                *kept = created;
            }
        });
        self.untold_uses.add(other.untold_uses);
    }
}

#[cfg(test)]
pub(crate) mod tests;
