//! A rotation log in memory, for rehearsals on a simulated AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::id::{AccountId, RotationId, UserId};
use rotakey_core::rotate::{Record, Subject};

use crate::store::{Append, Claim, Outlook, RotationSummary, Store, StoreError, Turn, microseconds};

/// A store that is gone with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    logs: Mutex<Logs>,
    controls: Mutex<BTreeMap<String, String>>,
}

/// The logs, each known by its place in the order in which they began.
#[derive(Debug, Default)]
struct Logs {
    logs: Vec<Log>,
    by_id: BTreeMap<RotationId, usize>,
    open: BTreeSet<usize>,
    open_by_user: BTreeMap<UserId, usize>,
    due: BTreeSet<(Timestamp, usize)>,
    asking: BTreeSet<usize>,
}

#[derive(Debug)]
struct Log {
    id: RotationId,
    subject: Subject,
    turn: Option<Turn>,
    records: Vec<Record>,
}

impl Logs {
    /// The log that has exactly that many records and is open, or is to begin.
    fn at_version(&mut self, append: &Append<'_>) -> Result<usize, StoreError> {
        if let Some(&index) = self.by_id.get(append.rotation) {
            return self.open_at(index, append.expected_version);
        }
        if append.expected_version > 0 {
            return Err(StoreError::Conflict);
        }
        if let Some(&busy) = self.open_by_user.get(&append.subject.user_id) {
            return Err(StoreError::SubjectBusy { rotation: self.logs[busy].id.clone() });
        }
        let index = self.logs.len();
        let (id, subject) = (append.rotation.clone(), append.subject.clone());
        self.by_id.insert(id.clone(), index);
        self.open.insert(index);
        self.open_by_user.insert(subject.user_id.clone(), index);
        self.logs.push(Log { id, subject, turn: None, records: Vec::new() });
        Ok(index)
    }

    fn open_at(&self, index: usize, version: u64) -> Result<usize, StoreError> {
        let as_expected = self.logs[index].records.len() as u64 == version && self.open.contains(&index);
        as_expected.then_some(index).ok_or(StoreError::Conflict)
    }

    fn close(&mut self, index: usize) {
        self.set_turn(index, None);
        self.open.remove(&index);
        self.open_by_user.remove(&self.logs[index].subject.user_id);
    }

    fn set_turn(&mut self, index: usize, turn: Option<Turn>) {
        let turn = turn.map(|turn| turn.due().map_or(turn, |due| turn.at(as_kept(due))));
        if let Some(due) = self.logs[index].turn.and_then(Turn::due) {
            self.due.remove(&(due, index));
        }
        if let Some(due) = turn.and_then(Turn::due) {
            self.due.insert((due, index));
        }
        if turn.is_some_and(Turn::asks) {
            self.asking.insert(index);
        } else {
            self.asking.remove(&index);
        }
        self.logs[index].turn = turn;
    }

    fn summary(&self, index: usize) -> RotationSummary {
        let Log { id, subject, turn, records } = &self.logs[index];
        let version = records.len() as u64;
        RotationSummary { id: id.clone(), subject: subject.clone(), turn: *turn, version }
    }
}

/// As precisely as other stores keep it.
fn as_kept(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(microseconds(at)).unwrap_or(Timestamp::MAX)
}

impl MemoryStore {
    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(&self, append: Append<'_>) -> Result<(), StoreError> {
        let mut logs = self.logs();
        let index = logs.at_version(&append)?;
        logs.logs[index].records.extend_from_slice(append.records);
        if append.closes {
            logs.close(index);
        } else {
            logs.set_turn(index, Some(append.turn));
        }
        Ok(())
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<RotationSummary>, StoreError> {
        let mut logs = self.logs();
        let now = as_kept(claim.now);
        let due = logs.due.iter().take_while(|(due, _)| *due <= now).map(|(_, index)| *index);
        let served = due.filter(|index| claim.accounts.contains(&logs.logs[*index].subject.account_id));
        let claimed: Vec<_> = served.take(claim.limit).collect();
        for &index in &claimed {
            let turn = logs.logs[index].turn.map(|turn| turn.at(claim.until));
            logs.set_turn(index, turn);
        }
        Ok(claimed.into_iter().map(|index| logs.summary(index)).collect())
    }

    async fn hand_over(&self, rotation: &RotationId, version: u64, turn: Turn) -> Result<(), StoreError> {
        let mut logs = self.logs();
        let index = *logs.by_id.get(rotation).ok_or(StoreError::Conflict)?;
        let index = logs.open_at(index, version)?;
        logs.set_turn(index, Some(turn));
        Ok(())
    }

    async fn outlook(&self, accounts: &[AccountId]) -> Result<Outlook, StoreError> {
        let logs = self.logs();
        let is_served = |index: &usize| accounts.contains(&logs.logs[*index].subject.account_id);
        let mut due = logs.due.iter().filter(|(_, index)| !logs.asking.contains(index) && is_served(index));
        Ok(Outlook { next: due.next().map(|(due, _)| *due), asks: logs.asking.iter().any(is_served) })
    }

    async fn load(&self, rotation: &RotationId) -> Result<Vec<Record>, StoreError> {
        let logs = self.logs();
        let log = logs.by_id.get(rotation).map(|index| &logs.logs[*index]);
        Ok(log.map(|log| log.records.clone()).unwrap_or_default())
    }

    async fn open_rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        let logs = self.logs();
        Ok(logs.open.iter().map(|index| logs.summary(*index)).collect())
    }

    async fn controls(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = controls.iter().filter(|(name, _)| name.starts_with(prefix));
        Ok(kept.map(|(name, body)| (name.clone(), body.clone())).collect())
    }

    async fn set_control(&self, name: &str, body: Option<&str>) -> Result<(), StoreError> {
        let mut controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        match body {
            Some(body) => drop(controls.insert(name.to_owned(), body.to_owned())),
            None => drop(controls.remove(name)),
        }
        Ok(())
    }

    async fn rotations(&self) -> Result<Vec<RotationSummary>, StoreError> {
        let logs = self.logs();
        Ok((0..logs.logs.len()).map(|index| logs.summary(index)).collect())
    }
}
