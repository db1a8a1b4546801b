//! A rotation log in memory, for rehearsals on a simulated AWS.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::Record;

use crate::store::{Append, RotationSummary, Store, StoreError};

/// A store that is gone with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    logs: Mutex<Vec<(RotationSummary, Vec<Record>)>>,
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let known = logs.iter().position(|(summary, _)| summary.id == *append.rotation);
        let index = match known {
            Some(index) => index,
            None if append.expected_version > 0 => return Err(StoreError::Conflict),
            None => {
                let busy = logs
                    .iter()
                    .find(|(summary, _)| summary.open && summary.subject.user_id == append.subject.user_id);
                if let Some((summary, _)) = busy {
                    return Err(StoreError::SubjectBusy { rotation: summary.id.clone() });
                }
                let id = append.rotation.clone();
                let subject = append.subject.clone();
                logs.push((RotationSummary { id, subject, open: true, version: 0 }, Vec::new()));
                logs.len() - 1
            }
        };
        let (summary, records) = &mut logs[index];
        if summary.version != append.expected_version || !summary.open {
            return Err(StoreError::Conflict);
        }
        records.extend_from_slice(append.records);
        summary.version += append.records.len() as u64;
        summary.open = !append.closes;
        Ok(())
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let log = logs.iter().find(|(summary, _)| summary.id == *rotation);
        Ok(log.map(|(_, records)| records.clone()).unwrap_or_default())
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(logs.iter().map(|(summary, _)| summary.clone()).collect())
    }
}
