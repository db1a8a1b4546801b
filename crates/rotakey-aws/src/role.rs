//! Roles that are taken on for a destination, as for one in another account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Answer;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::error::{failed, incomplete};
use crate::member::GENERAL_SESSION;

/// The roles that were taken on. Clones share them, so that a session is asked for once and kept until shortly before it
/// ends: the SDK keeps what a provider gave for as long as that provider lives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles(Arc<Mutex<BTreeMap<Role, SharedCredentialsProvider>>>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Role {
    arn: String,
    external_id: Option<String>,
}

impl Roles {
    /// Sessions of that role, begun with the credentials of that configuration. Nothing is called yet.
    pub(crate) fn get(
        &self,
        base: &SdkConfig,
        arn: &str,
        external_id: Option<&str>,
    ) -> SharedCredentialsProvider {
        let role = Role { arn: arn.to_owned(), external_id: external_id.map(str::to_owned) };
        let mut roles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let provider = roles.entry(role).or_insert_with_key(|role| {
            SharedCredentialsProvider::new(Sessions { base: base.clone(), role: role.clone() })
        });
        provider.clone()
    }
}

#[derive(Debug)]
struct Sessions {
    base: SdkConfig,
    role: Role,
}

impl Sessions {
    async fn begin(&self) -> Result<Credentials, PortError> {
        const OPERATION: &str = "sts:AssumeRole";
        let call = aws_sdk_sts::Client::new(&self.base).assume_role().role_arn(&self.role.arn);
        let call = call.role_session_name(GENERAL_SESSION).set_external_id(self.role.external_id.clone());
        let answer = call.send().await.map_err(failed(OPERATION))?;
        let given = answer.credentials.ok_or_else(|| incomplete(OPERATION, "the credentials"))?;
        let end = SystemTime::try_from(given.expiration)
            .map_err(|_| incomplete(OPERATION, "an end of the session that a calendar has"))?;
        let (id, secret, token) = (given.access_key_id, given.secret_access_key, given.session_token);
        Ok(Credentials::new(id, secret, Some(token), Some(end), "rotakey role"))
    }
}

impl ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> Answer<'a>
    where
        Self: 'a,
    {
        Answer::new(async {
            let begun = self.begin().await.map_err(|error| match error.kind {
                // The call that wanted the credentials was not sent: it has certainly not happened.
                PortErrorKind::Ambiguous => PortError { kind: PortErrorKind::Throttled, ..error },
                _ => error,
            });
            begun.map_err(CredentialsError::provider_error)
        })
    }
}
