//! The role that is assumed in an account of others.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::Client;
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::credentials::CredentialsCache;
use crate::error::{failed, incomplete};
use crate::throttle::Pace;

/// A role of the same name in every account.
#[derive(Debug)]
pub struct MemberRole {
    /// The partition, such as `aws`.
    pub partition: String,
    /// Its name, after its path if it has one: `rotakey-member`, `ops/rotakey-member`.
    pub name: String,
    /// What its trust policy asks for.
    pub external_id: Option<Secret>,
}

/// What a session is called that is not for one rotation.
pub(crate) const GENERAL_SESSION: &str = "rotakey";

/// The longest name of a session ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
const LONGEST_SESSION_NAME: usize = 64;

impl MemberRole {
    /// The role in that account.
    pub fn arn(&self, account: AccountId) -> String {
        format!("arn:{}:iam::{account}:role/{}", self.partition, self.name)
    }
}

/// The partition that a region belongs to.
pub fn partition_of(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("us-iso-") => "aws-iso",
        _ if region.starts_with("us-isob-") => "aws-iso-b",
        _ if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// What a session is called that is for that rotation: CloudTrail then tells of each change whose it was.
pub(crate) fn session_of(rotation: &RotationId) -> String {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    let name = format!("{GENERAL_SESSION}-{rotation}");
    name.chars().map(|letter| if legal(letter) { letter } else { '-' }).take(LONGEST_SESSION_NAME).collect()
}

/// Why the role could not be assumed when that was last tried. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal(Arc<Mutex<Option<PortError>>>);

impl Refusal {
    pub(crate) fn get(&self) -> Option<PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, refusal: Option<PortError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }
}

/// Gives the credentials of a session of the role, and of the next one shortly before that one ends. The SDK's own
/// cache goes by the machine's clock; this one goes by ours.
pub(crate) struct RoleSession {
    cache: CredentialsCache,
    assume: SharedCredentialsProvider,
    pace: Pace,
}

impl RoleSession {
    /// Calls nothing yet. `sts` is called as the identity that assumes the role, at its pace.
    pub(crate) fn new(
        sts: Client,
        pace: Pace,
        account: AccountId,
        role: &Arc<MemberRole>,
        session: String,
        refusal: Refusal,
    ) -> Self {
        let assume = Assume {
            sts,
            pace: pace.clone(),
            arn: role.arn(account),
            role: Arc::clone(role),
            session,
            refusal,
        };
        Self { cache: CredentialsCache::default(), assume: SharedCredentialsProvider::new(assume), pace }
    }
}

impl ProvideCredentials for RoleSession {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let now = self.pace.clock().now();
            let given = self.cache.get(Some(self.assume.clone()), now).await;
            let given = given.map_err(CredentialsError::provider_error)?;
            // Without their end: the SDK would hold it against the machine's clock.
            let token = given.session_token.as_ref().map(|token| token.expose().to_owned());
            Ok(Credentials::new(
                given.access_key_id,
                given.secret_access_key.expose(),
                token,
                None,
                "rotakey role",
            ))
        })
    }
}

impl fmt::Debug for RoleSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleSession").finish_non_exhaustive()
    }
}

/// Assumes the role anew each time.
struct Assume {
    sts: Client,
    pace: Pace,
    arn: String,
    role: Arc<MemberRole>,
    session: String,
    refusal: Refusal,
}

impl Assume {
    async fn assume(&self) -> Result<Credentials, PortError> {
        const OPERATION: &str = "sts:AssumeRole";
        let external_id = self.role.external_id.as_ref().map(|id| id.expose().to_owned());
        let answer = self
            .pace
            .while_throttled(OPERATION, || async {
                let call = self.sts.assume_role().role_arn(&self.arn).role_session_name(&self.session);
                call.set_external_id(external_id.clone()).send().await.map_err(failed(OPERATION))
            })
            .await?;
        let given = answer.credentials.ok_or_else(|| incomplete(OPERATION, "the credentials"))?;
        let end = SystemTime::try_from(given.expiration)
            .map_err(|_| incomplete(OPERATION, "an end of the session that a calendar has"))?;
        let (id, secret, token) = (given.access_key_id, given.secret_access_key, given.session_token);
        Ok(Credentials::new(id, secret, Some(token), Some(end), "rotakey role"))
    }
}

impl ProvideCredentials for Assume {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let assumed = self.assume().await.map_err(|error| match error.kind {
                // The call that wanted the credentials was not sent: it has certainly not happened.
                PortErrorKind::Ambiguous => PortError { kind: PortErrorKind::Throttled, ..error },
                _ => error,
            });
            self.refusal.set(assumed.as_ref().err().cloned());
            assumed.map_err(CredentialsError::provider_error)
        })
    }
}

impl fmt::Debug for Assume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assume")
            .field("arn", &self.arn)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_called_after_its_rotation_within_what_aws_takes() {
        let name = session_of(&"r-4gq2w6xk7d2m5n3a".parse().unwrap());
        assert_eq!(name, "rotakey-r-4gq2w6xk7d2m5n3a");
        assert!((2..=64).contains(&name.len()));
    }

    #[test]
    fn a_role_is_named_in_the_partition_of_the_region() {
        let role = MemberRole {
            partition: partition_of("us-gov-west-1").to_owned(),
            name: "ops/rotakey-member".to_owned(),
            external_id: None,
        };
        let arn = role.arn("000000000042".parse().unwrap());
        assert_eq!(arn, "arn:aws-us-gov:iam::000000000042:role/ops/rotakey-member");
        assert_eq!(partition_of("eu-central-1"), "aws");
        assert_eq!(partition_of("cn-north-1"), "aws-cn");
    }

    #[test]
    fn the_external_id_is_not_shown() {
        let role = MemberRole {
            partition: "aws".to_owned(),
            name: "x".to_owned(),
            external_id: Some(Secret::new("between-us".to_owned())),
        };
        assert!(!format!("{role:?}").contains("between-us"));
    }
}
