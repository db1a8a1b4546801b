//! JSON over HTTP, for the APIs of others: what their answers mean for the caller, and no secret in an error.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Identity, Method, RequestBuilder, StatusCode};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cause;
use crate::destination::io;

/// How long one request may take. Far less than an effect may.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The longest message of another side that is repeated.
const LONGEST_MESSAGE: usize = 300;

/// A client of one API.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: Client,
    /// Without a slash at its end.
    base: String,
}

/// Whose certificates a server may show. In PEM.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Authorities<'a> {
    /// Those that the machine trusts.
    System,
    /// These too.
    Also(&'a [u8]),
    /// These alone.
    Only(&'a [u8]),
}

/// An answer that is not an error.
#[derive(Debug)]
pub(crate) struct Answer {
    operation: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Api {
    /// The API at that address.
    ///
    /// # Errors
    /// [`PortErrorKind::Invalid`] unless it is `https://`, or `http://` of this machine.
    pub(crate) fn new(base: &str, ca_file: Option<&Path>) -> Result<Self, PortError> {
        let Some(path) = ca_file else { return Self::trusting(base, Authorities::System, None) };
        let pem = fs::read(path).map_err(|error| {
            PortError::new(PortErrorKind::Invalid, format!("read {}", io::shown(path)), error.to_string())
        })?;
        Self::trusting(base, Authorities::Also(&pem), None)
    }

    /// The same, with whom to trust, and a certificate with its private key to show, in PEM.
    pub(crate) fn trusting(
        base: &str,
        authorities: Authorities<'_>,
        identity: Option<&[u8]>,
    ) -> Result<Self, PortError> {
        let invalid = |why: String| PortError::new(PortErrorKind::Invalid, format!("use {base}"), why);
        let url = reqwest::Url::parse(base).map_err(|error| invalid(error.to_string()))?;
        let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if !(url.scheme() == "https" || url.scheme() == "http" && local) {
            return Err(invalid("secrets are sent by https only".to_owned()));
        }
        // Fails if a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("rotakey/", env!("CARGO_PKG_VERSION")));
        if let Some(identity) = identity {
            // The error is not told: it may repeat a part of the key.
            let identity = Identity::from_pem(identity).map_err(|_| {
                invalid("the client certificate and its key are not what they should be".to_owned())
            })?;
            builder = builder.identity(identity);
        }
        let parse = |pem| match Certificate::from_pem_bundle(pem) {
            Ok(certificates) if certificates.is_empty() => {
                Err(invalid("there is no certificate among the authorities to trust".to_owned()))
            }
            parsed => parsed.map_err(|error| invalid(error.to_string())),
        };
        builder = match authorities {
            // Nobody's certificate is looked at, and reading all of them takes a while.
            _ if url.scheme() == "http" => builder.tls_certs_only([]),
            Authorities::System => builder,
            Authorities::Also(pem) => builder.tls_certs_merge(parse(pem)?),
            Authorities::Only(pem) => builder.tls_certs_only(parse(pem)?),
        };
        let client = builder.build().map_err(|error| invalid(error.to_string()))?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// A request to a path, which begins with a slash.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).timeout(PATIENCE)
    }

    /// Sends a request. `secrets` are those in it, which no error repeats, whatever the other side echoes.
    ///
    /// # Errors
    /// What the status says: see [`kind`]. `operation` names the call, in the words of the API.
    pub(crate) async fn send(
        &self,
        operation: &str,
        request: RequestBuilder,
        secrets: &[&Secret],
    ) -> Result<Answer, PortError> {
        let failed = |error: reqwest::Error| {
            // The URL of a failed request is not repeated: it may hold a token.
            let error = error.without_url();
            let kind = cause::tls(&error).and_then(cause::refusal).unwrap_or(PortErrorKind::Ambiguous);
            PortError::new(kind, operation, shown(cause::told(&error), secrets))
        };
        let response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(failed)?.to_vec();
        if status.is_success() {
            return Ok(Answer { operation: operation.to_owned(), headers, body });
        }
        Err(PortError::new(kind(status, &headers), operation, message(status, &headers, &body, secrets)))
    }
}

impl Answer {
    /// The body as it came.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The body, as what the API documents.
    ///
    /// # Errors
    /// [`PortErrorKind::Ambiguous`] if it is something else: whatever was asked for may have been done.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, PortError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // Not the text of the error: it repeats values.
            let what = format!(
                "the answer is not what is documented (line {}, {:?})",
                error.line(),
                error.classify()
            );
            PortError::new(PortErrorKind::Ambiguous, &self.operation, what)
        })
    }

    /// When the other side answered, by its own clock, to the second.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        let text = self.headers.get(DATE)?.to_str().ok()?;
        Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
    }

    /// Whether its `Link` header names a next page (RFC 8288).
    pub(crate) fn has_next_page(&self) -> bool {
        let links = self.headers.get_all("link").iter().filter_map(|link| link.to_str().ok());
        links.into_iter().any(|links| links.contains("rel=\"next\""))
    }
}

/// Nothing, in place of an answer that says that there is no such thing.
pub(crate) fn if_found<T>(result: Result<T, PortError>) -> Result<Option<T>, PortError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == PortErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// One segment of a path, with all but the unreserved characters of RFC 3986 escaped.
///
/// # Errors
/// [`PortErrorKind::Invalid`] for one that is empty or leads to another folder, however it is escaped.
pub(crate) fn segment(text: &str) -> Result<String, PortError> {
    if matches!(text, "" | "." | "..") {
        return Err(PortError::new(
            PortErrorKind::Invalid,
            "name a place",
            format!("{text:?} cannot be a part of a path"),
        ));
    }
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    Ok(escaped)
}

/// What a status that is no success means for the caller.
pub(crate) fn kind(status: StatusCode, headers: &HeaderMap) -> PortErrorKind {
    match status {
        StatusCode::UNAUTHORIZED => PortErrorKind::Credentials,
        StatusCode::FORBIDDEN if is_rate_limited(headers) => PortErrorKind::Throttled,
        StatusCode::FORBIDDEN => PortErrorKind::Denied,
        StatusCode::NOT_FOUND | StatusCode::GONE => PortErrorKind::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => PortErrorKind::Conflict,
        StatusCode::TOO_MANY_REQUESTS => PortErrorKind::Throttled,
        // Said before anything is done, if the other side also says when to come back.
        StatusCode::SERVICE_UNAVAILABLE if headers.contains_key(RETRY_AFTER) => PortErrorKind::Throttled,
        StatusCode::REQUEST_TIMEOUT => PortErrorKind::Ambiguous,
        _ if status.is_server_error() => PortErrorKind::Ambiguous,
        _ => PortErrorKind::Invalid,
    }
}

/// GitHub refuses who calls too often with 403 too, and tells it by these headers ("Rate limits for the REST API").
fn is_rate_limited(headers: &HeaderMap) -> bool {
    headers.contains_key(RETRY_AFTER) || headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0")
}

/// The status and what the other side said, on one line.
fn message(status: StatusCode, headers: &HeaderMap, body: &[u8], secrets: &[&Secret]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => ["message", "error", "errors", "detail"]
            .iter()
            .find_map(|name| fields.get(*name))
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        // A word or two, as Slack answers; not a page for people.
        _ => std::str::from_utf8(body).ok().filter(|text| !text.contains('<')).map(str::to_owned),
    };
    let text = shown(text.unwrap_or_default(), secrets);
    let again = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok());
    let again =
        again.map_or_else(String::new, |after| format!(" (try again after {})", after.escape_debug()));
    if text.is_empty() { format!("{status}{again}") } else { format!("{status}: {text}{again}") }
}

/// A text of others on one line, without the secrets.
fn shown(mut text: String, secrets: &[&Secret]) -> String {
    for secret in secrets.iter().filter(|secret| !secret.expose().is_empty()) {
        text = text.replace(secret.expose(), "***");
        // As it stands in JSON that was quoted.
        text = text.replace(&secret.expose().replace('"', "\\\""), "***");
    }
    text.escape_debug().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_rate_limit_is_told_from_a_missing_permission() {
        let judge = |status, pairs: &[_]| kind(status, &headers(pairs));
        assert_eq!(judge(StatusCode::FORBIDDEN, &[]), PortErrorKind::Denied);
        assert_eq!(judge(StatusCode::FORBIDDEN, &[("x-ratelimit-remaining", "12")]), PortErrorKind::Denied);
        assert_eq!(judge(StatusCode::FORBIDDEN, &[("x-ratelimit-remaining", "0")]), PortErrorKind::Throttled);
        assert_eq!(judge(StatusCode::FORBIDDEN, &[("retry-after", "60")]), PortErrorKind::Throttled);
        assert_eq!(judge(StatusCode::TOO_MANY_REQUESTS, &[]), PortErrorKind::Throttled);
        assert_eq!(judge(StatusCode::SERVICE_UNAVAILABLE, &[]), PortErrorKind::Ambiguous);
        assert_eq!(judge(StatusCode::SERVICE_UNAVAILABLE, &[("retry-after", "5")]), PortErrorKind::Throttled);
    }

    #[test]
    fn a_message_repeats_no_secret_and_says_when_to_try_again() {
        let secret = Secret::new(r#"{"SecretAccessKey":"wJalr/+EXAMPLE"}"#.to_owned());
        let body = serde_json::json!({ "message": format!("no: {}", secret.expose()) }).to_string();
        let quoted = serde_json::json!({ "errors": [{ "value": secret.expose() }] }).to_string();
        let headers = headers(&[("retry-after", "60")]);
        for body in [body, quoted] {
            let shown = message(StatusCode::TOO_MANY_REQUESTS, &headers, body.as_bytes(), &[&secret]);
            assert!(!shown.contains("wJalr"), "{shown}");
            assert!(shown.ends_with("(try again after 60)"), "{shown}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place_in_the_path() {
        assert_eq!(segment("a/b c?#{x}..").unwrap(), "a%2Fb%20c%3F%23%7Bx%7D..");
        for elsewhere in ["", ".", ".."] {
            assert_eq!(segment(elsewhere).unwrap_err().kind, PortErrorKind::Invalid);
        }
    }
}
