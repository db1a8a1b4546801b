//! What holds rotations back here and now: the switch of this machine, the halt of all, and how much is under way.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use rotakey_core::id::AccountId;
use rotakey_core::policy::Answer;
use rotakey_core::rotate::controls::{Canaries, Controls, Fleet, Halt};
use rotakey_core::rotate::{Approval, Ending, Plan, PlanHash};
use rotakey_engine::control;
use rotakey_engine::store::Store;

use super::logbook::{Logbook, list};
use crate::error::CommandError;
use crate::explain::store_error;
use crate::places;

/// Stops this process at its next step, whatever else works: `ROTAKEY_HALT` or the file `halt` beside the log.
pub(crate) fn switch() -> Option<Halt> {
    let set = std::env::var_os("ROTAKEY_HALT").filter(|why| !why.is_empty());
    if let Some(why) = set {
        return Some(halt("ROTAKEY_HALT", why.to_string_lossy().into_owned()));
    }
    file_switch(places::halt_file().ok()?)
}

/// A file that cannot be read is there.
fn file_switch(path: PathBuf) -> Option<Halt> {
    let why = match fs::read(&path) {
        Ok(text) => String::from_utf8_lossy(&text).trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => error.to_string(),
    };
    Some(halt(&path.display().to_string(), why))
}

fn halt(by: &str, why: String) -> Halt {
    Halt { by: by.to_owned(), why, at: None }
}

/// The halt in force, of this machine or of all.
pub(crate) async fn halted(store: &dyn Store) -> Result<Option<Halt>, CommandError> {
    match switch() {
        Some(halt) => Ok(Some(halt)),
        None => control::halt(store).await.map_err(store_error),
    }
}

/// What decides which of the planned rotations may begin.
#[derive(Debug, Default)]
pub(crate) struct Situation {
    pub(crate) fleet: Fleet,
    pub(crate) halt: Option<Halt>,
    /// What people have approved of plans that have not begun.
    pub(crate) approvals: BTreeMap<PlanHash, Vec<Approval>>,
}

impl Situation {
    /// Reads it from the store. `users` are those with an active key, by account.
    pub(crate) async fn read(
        controls: &Controls,
        users: &BTreeMap<AccountId, usize>,
        plans: impl Iterator<Item = &Plan>,
        store: &dyn Store,
    ) -> Result<Self, CommandError> {
        let mut in_flight = BTreeMap::new();
        for rotation in list(store, false).await? {
            *in_flight.entry(rotation.subject.account_id).or_default() += 1;
        }
        let mut approvals = BTreeMap::new();
        for plan in plans.filter(|plan| !plan.approvals.is_empty()) {
            let hash = plan.hash();
            let given = control::approvals(store, &hash).await.map_err(store_error)?;
            approvals.insert(hash, given);
        }
        let canaries = canaries(controls, store).await?;
        let fleet = Fleet { in_flight, users: users.clone(), canaries };
        Ok(Self { fleet, halt: halted(store).await?, approvals })
    }
}

/// How the last rotation of each canary went.
async fn canaries(controls: &Controls, store: &dyn Store) -> Result<Canaries, CommandError> {
    let mut canaries = Canaries::default();
    if controls.canaries.is_empty() {
        return Ok(canaries);
    }
    // In the order in which they began: the last one of a user stays.
    let all = list(store, true).await?;
    let last: BTreeMap<_, _> = all.iter().map(|rotation| (&rotation.subject.user_id, rotation)).collect();
    for summary in last.into_values() {
        let rotation = Logbook::open(store, &summary.id).await?.rotation;
        if controls.is_canary(&rotation.plan().user()) != Answer::Yes {
            continue;
        }
        let ended = rotation.ending().map(|ending| {
            let well = matches!(ending, Ending::Rotated { .. } | Ending::Finished { .. });
            (well, rotation.updated_at())
        });
        canaries.add(summary.subject.user_name.as_str(), ended);
    }
    Ok(canaries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_switch_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halt");
        assert_eq!(file_switch(path.clone()), None);
        fs::write(&path, "incident 7\n").unwrap();
        assert_eq!(file_switch(path.clone()).unwrap().why, "incident 7");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(file_switch(path).is_some(), "what cannot be read is no permission");
    }
}
