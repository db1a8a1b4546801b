//! The credentials that this connection signs with, for clients that are not the SDK's.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::error::without_credentials;

/// What a request is signed with.
#[derive(Debug, PartialEq, Eq)]
pub struct SigningCredentials {
    /// The access key id, of a long-term key or of a session.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token, which a session has.
    pub session_token: Option<Secret>,
    /// When they end, if they do.
    pub expires_at: Option<Timestamp>,
}

/// Credentials are fetched again so long before they end, so that a request that takes its time still succeeds.
const BEFORE_EXPIRY: SignedDuration = SignedDuration::from_mins(5);

/// Those without an end are looked up again after so long: a rotation may have changed the file they are in.
const WITHOUT_EXPIRY: SignedDuration = SignedDuration::from_mins(15);

/// Credentials may be asked for at each request, and where they come from (single sign-on, an assumed role, another
/// program) may take seconds to answer. Clones share what was fetched.
#[derive(Debug, Clone, Default)]
pub(crate) struct CredentialsCache(Arc<Mutex<Option<Fetched>>>);

#[derive(Debug)]
struct Fetched {
    credentials: SigningCredentials,
    fresh_until: Timestamp,
}

impl CredentialsCache {
    /// What was fetched, or what the provider gives now if that is not fresh any more. Callers that ask meanwhile
    /// wait for the one answer.
    pub(crate) async fn get(
        &self,
        provider: Option<SharedCredentialsProvider>,
        now: Timestamp,
    ) -> Result<SigningCredentials, PortError> {
        let mut cached = self.0.lock().await;
        if let Some(fetched) = cached.as_ref().filter(|fetched| now < fetched.fresh_until) {
            return Ok(fetched.credentials.duplicate());
        }
        let provider = provider.ok_or_else(no_provider)?;
        let given = provider.provide_credentials().await.map_err(|error| without_credentials(&error))?;
        let credentials = signing(&given)?;
        let fresh_until = match credentials.expires_at {
            Some(end) => end.checked_sub(BEFORE_EXPIRY).unwrap_or(end),
            None => now.checked_add(WITHOUT_EXPIRY).unwrap_or(now),
        };
        *cached = Some(Fetched { credentials: credentials.duplicate(), fresh_until });
        Ok(credentials)
    }
}

impl SigningCredentials {
    /// As the SDK wants them.
    pub(crate) fn for_signing(&self) -> Credentials {
        let token = self.session_token.as_ref().map(|token| token.expose().to_owned());
        Credentials::new(&self.access_key_id, self.secret_access_key.expose(), token, None, "rotakey")
    }

    fn duplicate(&self) -> Self {
        Self {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.duplicate(),
            session_token: self.session_token.as_ref().map(Secret::duplicate),
            expires_at: self.expires_at,
        }
    }
}

fn signing(given: &Credentials) -> Result<SigningCredentials, PortError> {
    let beyond = |_| failure("the credentials end at an instant that is beyond all calendars");
    Ok(SigningCredentials {
        access_key_id: given.access_key_id().to_owned(),
        secret_access_key: Secret::new(given.secret_access_key().to_owned()),
        session_token: given.session_token().map(|token| Secret::new(token.to_owned())),
        expires_at: given.expiry().map(Timestamp::try_from).transpose().map_err(beyond)?,
    })
}

fn no_provider() -> PortError {
    failure("no source of credentials is configured")
}

fn failure(message: &str) -> PortError {
    PortError::new(PortErrorKind::Credentials, "find credentials", message)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, SystemTime};

    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::future::ProvideCredentials as Answer;

    use super::*;

    /// Numbers the sessions that it gives; each ends an hour after the last second that it was told.
    #[derive(Debug, Default)]
    struct Numbering {
        asked: AtomicU64,
        ends: bool,
        fails: bool,
    }

    impl ProvideCredentials for Numbering {
        fn provide_credentials<'a>(&'a self) -> Answer<'a>
        where
            Self: 'a,
        {
            let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            if self.fails {
                return Answer::ready(Err(CredentialsError::not_loaded("the session\u{1b}[2J is over")));
            }
            let end = self.ends.then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(3_600 * number));
            let token = self.ends.then(|| format!("token-{number}"));
            Answer::ready(Ok(Credentials::new(format!("ASIA{number}"), "secret", token, end, "test")))
        }
    }

    async fn ids(provider: Numbering, minutes: &[i64]) -> Vec<String> {
        let (cache, provider) = (CredentialsCache::default(), SharedCredentialsProvider::new(provider));
        let mut ids = Vec::new();
        for minute in minutes {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(*minute);
            ids.push(cache.clone().get(Some(provider.clone()), now).await.unwrap().access_key_id);
        }
        ids
    }

    #[tokio::test]
    async fn a_session_is_fetched_again_shortly_before_it_ends() {
        let provider = Numbering { ends: true, ..Numbering::default() };
        assert_eq!(
            ids(provider, &[0, 1, 54, 55, 56, 114]).await,
            ["ASIA1", "ASIA1", "ASIA1", "ASIA2", "ASIA2", "ASIA2"]
        );
    }

    #[tokio::test]
    async fn a_key_without_an_end_is_looked_up_again_since_it_may_have_been_rotated() {
        assert_eq!(
            ids(Numbering::default(), &[0, 14, 15, 29, 30]).await,
            ["ASIA1", "ASIA1", "ASIA2", "ASIA2", "ASIA3"]
        );
    }

    #[tokio::test]
    async fn the_end_and_the_token_are_told_and_debug_shows_no_secret() {
        let provider = SharedCredentialsProvider::new(Numbering { ends: true, ..Numbering::default() });
        let cache = CredentialsCache::default();
        let credentials = cache.get(Some(provider), Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(credentials.expires_at, Some("1970-01-01T01:00:00Z".parse().unwrap()));
        assert_eq!(credentials.session_token.as_ref().map(Secret::expose), Some("token-1"));
        let shown = format!("{credentials:?} {cache:?}");
        assert!(!shown.contains("token-1") && !shown.contains("\"secret\""), "{shown}");
    }

    #[tokio::test]
    async fn a_source_that_fails_is_told_and_asked_again() {
        let provider = SharedCredentialsProvider::new(Numbering { fails: true, ..Numbering::default() });
        let cache = CredentialsCache::default();
        for _ in 0..2 {
            let error = cache.get(Some(provider.clone()), Timestamp::UNIX_EPOCH).await.unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Credentials);
            assert!(error.message.contains(r"the session\u{1b}[2J is over"), "{error}");
        }
        let error = cache.get(None, Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error.to_string(), "find credentials: no source of credentials is configured");
    }
}
