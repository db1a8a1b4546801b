//! The logs of rotations, opened for reading.

use std::collections::BTreeSet;

use rotakey_core::id::{AccessKeyId, RotationId};
use rotakey_core::rotate::{Entry, Event, Outcome, Rotation};
use rotakey_engine::journal::JournalError;
use rotakey_engine::store::{RotationSummary, Store};

use crate::error::CommandError;
use crate::explain::{journal_error, store_error};

/// One log whose chain holds, with the state that it folds to.
#[derive(Debug)]
pub(crate) struct Logbook {
    pub(crate) entries: Vec<Entry>,
    pub(crate) rotation: Rotation,
}

impl Logbook {
    /// Reads a log and checks it.
    pub(crate) async fn open(store: &dyn Store, id: &RotationId) -> Result<Self, CommandError> {
        Self::read(store, id).await.map_err(journal_error)
    }

    async fn read(store: &dyn Store, id: &RotationId) -> Result<Self, JournalError> {
        let records = store.load(id).await?;
        if records.is_empty() {
            return Err(JournalError::Unknown(id.clone()));
        }
        let entries = Entry::open_all(id, &records)?;
        let rotation = Rotation::replay(id, &entries)?;
        Ok(Self { entries, rotation })
    }
}

/// The keys that rotations created or changed, or were to: all that rotakey can have had its hand in.
pub(crate) async fn keys_of_all(store: &dyn Store) -> Result<BTreeSet<AccessKeyId>, CommandError> {
    let mut keys = BTreeSet::new();
    for rotation in list(store, true).await? {
        let book = Logbook::open(store, &rotation.id).await?;
        keys.insert(book.rotation.plan().old_key.clone());
        keys.extend(book.entries.iter().filter_map(|entry| match &entry.event {
            Event::Started { intent, .. } => intent.changes_key().cloned(),
            Event::Finished { result: Outcome::Created { key, .. } } => Some(key.clone()),
            _ => None,
        }));
    }
    Ok(keys)
}

/// The rotations of a store, in the order in which they began: all, or only those under way.
pub(crate) async fn list(store: &dyn Store, all: bool) -> Result<Vec<RotationSummary>, CommandError> {
    let listed = if all { store.rotations().await } else { store.open_rotations().await };
    listed.map_err(store_error)
}
