//! What a secret is shared by: its resource policy, and its replicas in other regions.
//!
//! Secrets Manager replicates in its own time. Which version is current in another region is asked there: the status
//! of the replication alone may still be that of before the last change.

use std::collections::HashMap;

use aws_sdk_secretsmanager::types::{ReplicaRegionType, ReplicationStatusType, StatusType};
use rotakey_engine::port::{PortError, PortErrorKind};
use serde_json::Value;

use super::{CURRENT, Held, SecretsManager};
use crate::error::{escaped, failed};

/// One replica, as the secret itself tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replica {
    region: String,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    InSync,
    InProgress,
    Failed { why: String },
}

impl Replica {
    pub(super) fn from_answer(answer: ReplicationStatusType) -> Option<Self> {
        let state = match answer.status {
            Some(StatusType::InSync) => State::InSync,
            Some(StatusType::Failed) => State::Failed { why: answer.status_message.unwrap_or_default() },
            _ => State::InProgress,
        };
        Some(Self { region: answer.region?, state })
    }
}

/// Turns the labels of each version into the version of each label.
pub(super) fn by_label(versions: Option<HashMap<String, Vec<String>>>) -> HashMap<String, String> {
    let versions = versions.unwrap_or_default().into_iter();
    versions.flat_map(|(id, labels)| labels.into_iter().map(move |label| (label, id.clone()))).collect()
}

impl SecretsManager {
    /// Refuses what can be seen to be wrong without a call.
    pub(super) fn check_sharing(&self) -> Result<(), PortError> {
        if let Some(here) = self.region.as_ref().filter(|here| self.elsewhere.contains_key(*here)) {
            let message = format!("the secret itself is in {here}: replicate_to names the other regions");
            return Err(self.error(PortErrorKind::Invalid, message));
        }
        match &self.place.resource_policy {
            Some(text) if !matches!(serde_json::from_str(text), Ok(Value::Object(_))) => {
                Err(self.error(PortErrorKind::Invalid, "the resource policy is not a JSON object"))
            }
            _ => Ok(()),
        }
    }

    /// Fails with what would make replication fail later. Changes nothing.
    pub(super) async fn check_replicas(&self, held: &Held) -> Result<(), PortError> {
        self.refuse_failed(&held.replicas)?;
        for region in self.elsewhere.keys().filter(|region| !is_among(&held.replicas, region)) {
            if self.current_version_in(region).await?.is_some() {
                let message =
                    format!("{region} has a secret of that name already, which is not a replica of this one");
                return Err(self.error(PortErrorKind::Conflict, message));
            }
        }
        Ok(())
    }

    /// Gives the secret its policy and its replicas, where it does not have them yet.
    pub(super) async fn share(&self, replicas: &[Replica]) -> Result<(), PortError> {
        self.put_policy().await?;
        self.refuse_failed(replicas)?;
        let missing = self.elsewhere.keys().filter(|region| !is_among(replicas, region));
        let missing: Vec<_> = missing.map(|region| self.replica(region)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let call = self.client.replicate_secret_to_regions().secret_id(&self.place.name);
        // Another secret of that name in another region is not ours to overwrite.
        let call = call.set_add_replica_regions(Some(missing)).force_overwrite_replica_secret(false);
        call.send().await.map(drop).map_err(failed("secretsmanager:ReplicateSecretToRegions"))
    }

    /// Fails until every replica has that version as its current one.
    pub(super) async fn await_publication(&self, version: Option<&String>) -> Result<(), PortError> {
        if self.elsewhere.is_empty() {
            return Ok(());
        }
        let described = self.describe().await?;
        self.await_replicas(&described.map(|secret| secret.replicas).unwrap_or_default(), version).await
    }

    /// The same for the replicas that there are: one that was never asked for lags behind nothing.
    pub(super) async fn await_replicas(
        &self,
        replicas: &[Replica],
        version: Option<&String>,
    ) -> Result<(), PortError> {
        self.refuse_failed(replicas)?;
        for Replica { region, state } in replicas.iter().filter(|replica| self.is_wanted(replica)) {
            if *state == State::InProgress || self.current_version_in(region).await?.as_ref() != version {
                let message = format!("the replica in {region} has not followed yet");
                return Err(self.error(PortErrorKind::Ambiguous, message));
            }
        }
        Ok(())
    }

    fn refuse_failed(&self, replicas: &[Replica]) -> Result<(), PortError> {
        for replica in replicas.iter().filter(|replica| self.is_wanted(replica)) {
            if let Replica { region, state: State::Failed { why } } = replica {
                let message = format!("replication to {region} has failed: {}", escaped(why));
                return Err(self.error(PortErrorKind::Conflict, message));
            }
        }
        Ok(())
    }

    fn is_wanted(&self, replica: &Replica) -> bool {
        self.elsewhere.contains_key(&replica.region)
    }

    /// A KMS key of one region is none in another; an alias is one wherever somebody made it.
    fn replica(&self, region: &str) -> ReplicaRegionType {
        let alias = self.place.kms_key_id.clone().filter(|key| key.starts_with("alias/"));
        ReplicaRegionType::builder().region(region).set_kms_key_id(alias).build()
    }

    /// The version that applications in that region read; `None` if there is none.
    async fn current_version_in(&self, region: &str) -> Result<Option<String>, PortError> {
        let Some(client) = self.elsewhere.get(region) else { return Ok(None) };
        match client.describe_secret().secret_id(&self.place.name).send().await {
            Ok(secret) => Ok(by_label(secret.version_ids_to_stages).remove(CURRENT)),
            Err(error) => match failed("secretsmanager:DescribeSecret")(error) {
                error if error.kind == PortErrorKind::NotFound => Ok(None),
                error => Err(PortError { message: format!("in {region}: {}", error.message), ..error }),
            },
        }
    }

    async fn put_policy(&self) -> Result<(), PortError> {
        let Some(wanted) = &self.place.resource_policy else { return Ok(()) };
        let call = self.client.get_resource_policy().secret_id(&self.place.name).send();
        let found = call.await.map_err(failed("secretsmanager:GetResourcePolicy"))?.resource_policy;
        if found.is_some_and(|found| means_the_same(&found, wanted)) {
            return Ok(());
        }
        let call = self.client.put_resource_policy().secret_id(&self.place.name).resource_policy(wanted);
        let call = call.block_public_policy(true).send();
        call.await.map(drop).map_err(failed("secretsmanager:PutResourcePolicy"))
    }
}

fn is_among(replicas: &[Replica], region: &str) -> bool {
    replicas.iter().any(|replica| replica.region == region)
}

/// Whether two policies are the same but for how they are written: a list of one is its one member, and an account's
/// number its root user. AWS writes what it was given in its own way.
fn means_the_same(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str(text).map(|policy| written_one_way(policy, false)).ok();
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}

fn written_one_way(value: Value, is_principal: bool) -> Value {
    match value {
        Value::Array(mut values) if values.len() == 1 => {
            written_one_way(values.pop().expect("it has one member"), is_principal)
        }
        Value::Array(values) => {
            let mut values: Vec<_> =
                values.into_iter().map(|value| written_one_way(value, is_principal)).collect();
            if values.iter().all(Value::is_string) {
                values.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            }
            Value::Array(values)
        }
        Value::Object(fields) => {
            let field = |(name, value): (String, Value)| {
                let is_principal = is_principal || name == "Principal" || name == "NotPrincipal";
                (name, written_one_way(value, is_principal))
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        Value::String(account) if is_principal && is_account(&account) => {
            Value::String(format!("arn:aws:iam::{account}:root"))
        }
        value => value,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_recognised_however_it_is_written() {
        let ours = r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "012345678901"}, "Resource": "*",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]}]}"#;
        let theirs = r#"{"Statement":{"Principal":{"AWS":["arn:aws:iam::012345678901:root"]},"Effect":"Allow",
            "Action":["secretsmanager:DescribeSecret","secretsmanager:GetSecretValue"],"Resource":"*"}}"#;
        assert!(means_the_same(ours, theirs));
        for other in [
            theirs.replace("Allow", "Deny"),
            theirs.replace("01:root", "02:root"),
            theirs.replace("GetSecretValue", "*"),
            theirs.replace("}}", "}"),
        ] {
            assert!(!means_the_same(ours, &other), "{other}");
        }
    }
}
