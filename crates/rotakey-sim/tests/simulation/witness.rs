//! Stands between the engine and IAM and sees what is true behind IAM's answers. It breaks the test at the very
//! call that does what must never be done.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed, UserFacts};
use rotakey_core::id::{AccessKeyId, AccountId, UserName};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{Iam, PortError};
use rotakey_sim::ports::Client;
use rotakey_sim::world::plant::TrueKey;

pub(crate) struct Witness {
    client: Client,
    account: AccountId,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Since when each inactive key has been inactive.
    inactive_since: BTreeMap<AccessKeyId, Timestamp>,
    secrets: Vec<String>,
}

impl Witness {
    pub(crate) fn new(client: Client, account: AccountId) -> Self {
        Self { client, account, seen: Mutex::default() }
    }

    /// All keys of the account as they are.
    pub(crate) fn true_keys(&self) -> Vec<TrueKey> {
        self.client.simulation().with_world(|world| world.true_keys(self.account))
    }

    /// Every secret that IAM ever showed.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.seen.lock().unwrap().secrets.clone()
    }

    fn note_statuses(&self) {
        let now = self.client.simulation().now();
        let mut seen = self.seen.lock().unwrap();
        for key in self.true_keys() {
            match key.status {
                KeyStatus::Inactive => drop(seen.inactive_since.entry(key.id).or_insert(now)),
                KeyStatus::Active => drop(seen.inactive_since.remove(&key.id)),
            }
        }
    }
}

#[async_trait]
impl Iam for &Witness {
    async fn user(&self, name: &UserName) -> Result<UserFacts, PortError> {
        self.client.user(name).await
    }

    async fn access_keys(&self, name: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        self.client.access_keys(name).await
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        self.client.last_used(key).await
    }

    async fn create_access_key(&self, name: &UserName) -> Result<AccessKeyPair, PortError> {
        let result = self.client.create_access_key(name).await;
        if let Ok(pair) = &result {
            self.seen.lock().unwrap().secrets.push(pair.secret.expose().to_owned());
        }
        result
    }

    async fn set_status(
        &self,
        name: &UserName,
        key: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<(), PortError> {
        let result = self.client.set_status(name, key, status).await;
        self.note_statuses();
        result
    }

    async fn delete_access_key(&self, name: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        self.note_statuses();
        if let Some(truth) = self.true_keys().into_iter().find(|truth| truth.id == *key) {
            assert_eq!(truth.status, KeyStatus::Inactive, "{key} is deleted though it is active");
            let since = self.seen.lock().unwrap().inactive_since[key];
            let rest = self.client.simulation().now().duration_since(since);
            assert!(
                rest >= SignedDuration::from_hours(24),
                "{key} is deleted {rest:?} after it was disabled"
            );
        }
        self.client.delete_access_key(name, key).await
    }
}
