//! AWS IAM, as a rotation needs it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::types::{AccessKeyMetadata, StatusType, Tag};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed, Tags, UserFacts};
use rotakey_core::id::{AccessKeyId, AccountId, RotationId, UserName};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Clock, Iam, PortError};

use crate::Connection;
use crate::error::{failed, incomplete, unexpected};
use crate::inventory::after_page;
use crate::throttle::Pace;

/// IAM of the account that the credentials belong to. Each operation is sent as fast as the account takes it.
#[derive(Debug, Clone)]
pub struct AwsIam {
    connection: Connection,
    client: Client,
    pace: Pace,
    sessions: Sessions,
}

/// The sessions of the rotations that were last driven, the oldest first. Clones share them.
type Sessions = Arc<Mutex<VecDeque<(RotationId, AwsIam)>>>;

/// So many sessions are kept. Each is good for an hour; a rotation that comes back to an account after as many others
/// assumes the role again.
const MOST_SESSIONS: usize = 128;

impl AwsIam {
    pub(crate) fn new(connection: Connection, clock: Arc<dyn Clock>) -> Self {
        let (client, pace) = (connection.iam_client(), connection.pace(clock));
        Self { connection, client, pace, sessions: Sessions::default() }
    }
}

#[async_trait]
impl Iam for AwsIam {
    async fn user(&self, name: &UserName) -> Result<UserFacts, PortError> {
        const OPERATION: &str = "iam:GetUser";
        let answer = self
            .pace
            .while_throttled(OPERATION, || async {
                self.client.get_user().user_name(name.as_str()).send().await.map_err(failed(OPERATION))
            })
            .await?;
        let user = answer.user.ok_or_else(|| incomplete(OPERATION, "the user"))?;
        Ok(UserFacts {
            account_id: account_of(OPERATION, &user.arn)?,
            name: parsed(OPERATION, "user name", &user.user_name)?,
            id: parsed(OPERATION, "user id", &user.user_id)?,
            arn: user.arn,
            path: user.path,
            created_at: timestamp(OPERATION, &user.create_date)?,
            tags: tags(user.tags.unwrap_or_default()),
        })
    }

    async fn access_keys(&self, name: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        const OPERATION: &str = "iam:ListAccessKeys";
        let mut keys = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let page = self
                .pace
                .while_throttled(OPERATION, || async {
                    let call = self.client.list_access_keys().user_name(name.as_str());
                    call.set_marker(marker.clone()).send().await.map_err(failed(OPERATION))
                })
                .await?;
            for key in page.access_key_metadata {
                keys.push(key_facts(OPERATION, key)?);
            }
            marker = after_page(OPERATION, page.is_truncated, page.marker, marker.as_deref())?;
            if marker.is_none() {
                return Ok(keys);
            }
        }
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        self.pace.while_throttled(LAST_USED, || last_used(&self.client, key)).await
    }

    async fn create_access_key(&self, name: &UserName) -> Result<AccessKeyPair, PortError> {
        const OPERATION: &str = "iam:CreateAccessKey";
        // A second attempt could make a second key, and the secret of the first would be lost for ever.
        let once = aws_sdk_iam::config::Builder::new().retry_config(RetryConfig::disabled());
        let call = self.client.create_access_key().user_name(name.as_str()).customize().config_override(once);
        let call = async { call.send().await.map_err(failed(OPERATION)) };
        let answer = self.pace.once(OPERATION, call).await?;
        let key = answer.access_key.ok_or_else(|| incomplete(OPERATION, "the access key"))?;
        let secret = Secret::new(key.secret_access_key);
        if secret.expose().is_empty() {
            return Err(incomplete(OPERATION, "the secret access key"));
        }
        let id = key.access_key_id.parse().map_err(|_| incomplete(OPERATION, "a legal access key id"))?;
        Ok(AccessKeyPair { id, secret })
    }

    async fn set_status(
        &self,
        name: &UserName,
        key: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<(), PortError> {
        let status = match status {
            KeyStatus::Active => StatusType::Active,
            KeyStatus::Inactive => StatusType::Inactive,
        };
        const OPERATION: &str = "iam:UpdateAccessKey";
        self.pace
            .while_throttled(OPERATION, || async {
                let call = self.client.update_access_key().user_name(name.as_str());
                let call = call.access_key_id(key.as_str()).status(status.clone());
                call.send().await.map(drop).map_err(failed(OPERATION))
            })
            .await
    }

    async fn delete_access_key(&self, name: &UserName, key: &AccessKeyId) -> Result<(), PortError> {
        const OPERATION: &str = "iam:DeleteAccessKey";
        self.pace
            .while_throttled(OPERATION, || async {
                let call = self.client.delete_access_key().user_name(name.as_str());
                call.access_key_id(key.as_str()).send().await.map(drop).map_err(failed(OPERATION))
            })
            .await
    }

    fn for_rotation(&self, rotation: &RotationId) -> Option<Box<dyn Iam>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, iam)) = sessions.iter().find(|(id, _)| id == rotation) {
            return Some(Box::new(iam.clone()));
        }
        let connection = self.connection.for_rotation(rotation, self.pace.shared_clock())?;
        let iam = Self::new(connection, self.pace.shared_clock());
        if sessions.len() == MOST_SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back((rotation.clone(), iam.clone()));
        Some(Box::new(iam))
    }
}

pub(crate) const LAST_USED: &str = "iam:GetAccessKeyLastUsed";

/// `iam:GetAccessKeyLastUsed`.
pub(crate) async fn last_used(client: &Client, key: &AccessKeyId) -> Result<LastUsed, PortError> {
    const OPERATION: &str = LAST_USED;
    let call = client.get_access_key_last_used().access_key_id(key.as_str());
    let answer = call.send().await.map_err(failed(OPERATION))?;
    // An answer without the element is not "never used".
    let use_ = answer.access_key_last_used.ok_or_else(|| incomplete(OPERATION, "the last use"))?;
    let known = |text: String| if text == "N/A" { None } else { Some(text) };
    match &use_.last_used_date {
        None => Ok(LastUsed::Never),
        Some(date) => Ok(LastUsed::At {
            at: timestamp(OPERATION, date)?,
            region: known(use_.region),
            service: known(use_.service_name),
        }),
    }
}

/// One row of `iam:ListAccessKeys`. A status other than Active and Inactive is an error: what is not
/// understood is never taken for harmless.
pub(crate) fn key_facts(operation: &'static str, key: AccessKeyMetadata) -> Result<KeyFacts, PortError> {
    let id = key.access_key_id.ok_or_else(|| incomplete(operation, "an access key id"))?;
    let created = key.create_date.ok_or_else(|| incomplete(operation, "a creation date"))?;
    let status = match key.status.ok_or_else(|| incomplete(operation, "a status"))? {
        StatusType::Active => KeyStatus::Active,
        StatusType::Inactive => KeyStatus::Inactive,
        other => return Err(unexpected(operation, "key status", other.as_str())),
    };
    Ok(KeyFacts {
        id: parsed(operation, "access key id", &id)?,
        status,
        created_at: timestamp(operation, &created)?,
    })
}

pub(crate) fn tags(tags: Vec<Tag>) -> Tags {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub(crate) fn timestamp(operation: &'static str, date: &DateTime) -> Result<Timestamp, PortError> {
    let nanoseconds = i32::try_from(date.subsec_nanos()).unwrap_or_default();
    Timestamp::new(date.secs(), nanoseconds)
        .map_err(|_| unexpected(operation, "date", &format!("{} s after 1970", date.secs())))
}

/// An identifier in an answer of AWS.
pub(crate) fn parsed<T: std::str::FromStr>(
    operation: &'static str,
    what: &str,
    text: &str,
) -> Result<T, PortError> {
    text.parse().map_err(|_| unexpected(operation, what, text))
}

fn account_of(operation: &'static str, arn: &str) -> Result<AccountId, PortError> {
    parsed(operation, "ARN", arn.split(':').nth(4).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rotakey_engine::port::PortErrorKind;

    use super::*;

    fn key(status: &str) -> AccessKeyMetadata {
        AccessKeyMetadata::builder()
            .access_key_id("AKIAIOSFODNN7EXAMPLE")
            .create_date(DateTime::from_secs(1_700_000_000))
            .status(status.into())
            .build()
    }

    #[test]
    fn only_active_and_inactive_are_statuses() {
        assert_eq!(key_facts("x", key("Active")).unwrap().status, KeyStatus::Active);
        assert_eq!(key_facts("x", key("Inactive")).unwrap().status, KeyStatus::Inactive);
        for status in ["Expired", "Suspended", "active"] {
            let error = key_facts("x", key(status)).unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Invalid, "{status}");
        }
    }

    #[test]
    fn a_key_without_its_date_is_never_taken_for_young() {
        let mut key = key("Active");
        key.create_date = None;
        assert!(key_facts("x", key).is_err());
    }
}
