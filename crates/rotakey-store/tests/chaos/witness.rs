//! Sees what workers do to keys, and remembers what must never be done.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::AccessKeyId;

#[derive(Default)]
pub(crate) struct Witness(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// Since when each inactive key has been inactive.
    inactive_since: BTreeMap<AccessKeyId, Timestamp>,
    created: usize,
    offences: Vec<String>,
}

impl Witness {
    pub(crate) fn saw_created(&self) {
        self.0.lock().unwrap().created += 1;
    }

    pub(crate) fn saw_status(&self, key: &AccessKeyId, status: KeyStatus, at: Timestamp) {
        let mut seen = self.0.lock().unwrap();
        match status {
            KeyStatus::Inactive => drop(seen.inactive_since.entry(key.clone()).or_insert(at)),
            KeyStatus::Active => drop(seen.inactive_since.remove(key)),
        }
    }

    /// `served` is the key that applications of the user read now.
    pub(crate) fn saw_deleted(&self, key: &AccessKeyId, served: Option<&AccessKeyId>, at: Timestamp) {
        let mut seen = self.0.lock().unwrap();
        let rested = seen.inactive_since.get(key).map(|since| at.duration_since(*since));
        if rested.is_none_or(|rested| rested < SignedDuration::from_hours(24)) {
            seen.offences.push(format!("{key} was deleted after a rest of {rested:?}"));
        }
        if served == Some(key) {
            seen.offences.push(format!("{key} was deleted while applications read it"));
        }
    }

    /// How many keys were created, whatever became of them.
    pub(crate) fn created(&self) -> usize {
        self.0.lock().unwrap().created
    }

    pub(crate) fn offences(&self) -> Vec<String> {
        self.0.lock().unwrap().offences.clone()
    }
}
