//! What a request says, and why one is refused.

use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use rotakey_core::id::{AccountId, RotationId, UserName};
use rotakey_core::secret::Secret;
use rotakey_engine::journal::JournalError;
use rotakey_engine::store::StoreError;
use serde_json::Value;

/// How much of what is broken is kept, in characters.
const LONGEST_WHAT: usize = 500;

/// Whose old key is missed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// That of a rotation.
    Rotation(RotationId),
    /// That of the rotation of a user which is open.
    User { account_id: AccountId, user_name: UserName },
}

/// Why a request is refused. It says nothing to whoever does not know the secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the secret is wanted, as Authorization: Bearer SECRET")]
    Unauthorized,
    #[error("there is nothing here but POST /v1/signals/ROTATION and POST /v1/signals/ACCOUNT/USER")]
    NotHere,
    #[error("it is to be POST")]
    Method,
    #[error("no such rotation is open")]
    NoRotation,
    #[error("the old key is not disabled, so that it is not missed: {0}")]
    OutOfPlace(String),
    #[error("the body is too long, or broken off")]
    TooLong,
    #[error("the request did not arrive in time")]
    Late,
    #[error("the signal could not be logged: {0}")]
    NotLogged(String),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotHere | Self::NoRotation => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::OutOfPlace(_) => StatusCode::CONFLICT,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::NotLogged(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn journal(error: JournalError) -> Self {
        match error {
            JournalError::Unknown(_) => Self::NoRotation,
            JournalError::OutOfPlace(error) => Self::OutOfPlace(error.to_string()),
            other => Self::NotLogged(other.to_string()),
        }
    }

    pub(super) fn store(error: StoreError) -> Self {
        Self::NotLogged(error.to_string())
    }
}

/// Whether the request carries the secret.
pub(super) fn authorize(head: &Parts, secret: &Secret) -> Result<(), Refusal> {
    let given = head.headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let given = given.and_then(|value| value.split_at_checked(b"Bearer ".len()));
    match given {
        Some((scheme, given))
            if scheme.eq_ignore_ascii_case(b"Bearer ") && same(given, secret.expose().as_bytes()) =>
        {
            Ok(())
        }
        _ => Err(Refusal::Unauthorized),
    }
}

/// Takes the same time wherever two texts of the same length differ first.
fn same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b));
    std::hint::black_box(difference) == 0 && one.len() == other.len()
}

/// Whose old key is missed.
pub(super) fn target(head: &Parts) -> Result<Target, Refusal> {
    let path = head.uri.path().strip_prefix("/v1/signals/").ok_or(Refusal::NotHere)?;
    if head.method != Method::POST {
        return Err(Refusal::Method);
    }
    // No id and no user name has a character that is written otherwise in a path.
    match path.split_once('/') {
        None => path.parse().map(Target::Rotation).map_err(|_| Refusal::NoRotation),
        Some((account, user)) => {
            let account_id = account.parse().map_err(|_| Refusal::NoRotation)?;
            let user_name = user.parse().map_err(|_| Refusal::NoRotation)?;
            Ok(Target::User { account_id, user_name })
        }
    }
}

/// What is broken, as far as the body says it.
pub(super) fn what_failed(body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok();
    let said = said.as_ref().and_then(|said| said["failed"].as_str()).map(str::trim);
    match said {
        Some(said) if !said.is_empty() => {
            said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WHAT).collect()
        }
        _ => "something is broken".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(method: &str, path: &str, authorization: Option<&str>) -> Parts {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn whoever_does_not_carry_the_secret_is_refused() {
        let secret = Secret::new("correct horse battery".to_owned());
        let is_let_in = |value| authorize(&head("POST", "/", value), &secret).is_ok();
        assert!(is_let_in(Some("Bearer correct horse battery")));
        assert!(is_let_in(Some("bearer correct horse battery")), "schemes are written as one likes");
        let refused = [
            None,
            Some(""),
            Some("Bearer "),
            Some("Bearer correct horse batter"),
            Some("Bearer correct horse battery!"),
            Some("Bearer Correct horse battery"),
            Some("Basic correct horse battery"),
        ];
        for value in refused {
            assert!(!is_let_in(value), "{value:?}");
        }
    }

    #[test]
    fn a_path_names_a_rotation_or_a_user() {
        let rotation = Target::Rotation("r-abcdefgh".parse().unwrap());
        assert_eq!(target(&head("POST", "/v1/signals/r-abcdefgh", None)).unwrap(), rotation);
        let user = Target::User {
            account_id: "111122223333".parse().unwrap(),
            user_name: "ci+deploy@example.com".parse().unwrap(),
        };
        assert_eq!(
            target(&head("POST", "/v1/signals/111122223333/ci+deploy@example.com", None)).unwrap(),
            user
        );
        for (method, path, status) in [
            ("GET", "/v1/signals/r-abcdefgh", 405),
            ("POST", "/", 404),
            ("POST", "/v1/signals", 404),
            ("POST", "/v1/signals/", 404),
            ("POST", "/v1/signals/1/ci", 404),
            ("POST", "/v1/signals/111122223333/a/b", 404),
        ] {
            let refusal = target(&head(method, path, None)).unwrap_err();
            assert_eq!(refusal.status().as_u16(), status, "{method} {path}");
        }
    }

    #[test]
    fn what_is_broken_is_one_line_and_not_long() {
        assert_eq!(what_failed(br#"{"failed": " orders\nfail "}"#), "orders fail");
        for body in ["", "{", "[]", r#"{"failed": 7}"#, r#"{"failed": "  "}"#, r#"{"status": "firing"}"#] {
            assert_eq!(what_failed(body.as_bytes()), "something is broken", "{body}");
        }
        let long = format!(r#"{{"failed": "{}"}}"#, "é".repeat(5_000));
        assert_eq!(what_failed(long.as_bytes()).chars().count(), LONGEST_WHAT);
    }
}
