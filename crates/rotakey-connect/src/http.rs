//! JSON over HTTP, for the APIs of others: what their answers mean for the caller, and no secret in an error.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, RequestBuilder, StatusCode};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How long one request may take. Far less than an effect may.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest message of another side that is repeated.
const LONGEST_MESSAGE: usize = 300;

/// A client of one API.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: Client,
    /// Without a slash at its end.
    base: String,
}

/// An answer that is not an error.
#[derive(Debug)]
pub(crate) struct Answer {
    operation: String,
    body: Vec<u8>,
}

impl Api {
    /// The API at that address.
    ///
    /// # Errors
    /// [`PortErrorKind::Invalid`] unless it is `https://`, or `http://` of this machine.
    pub(crate) fn new(base: &str, ca_file: Option<&Path>) -> Result<Self, PortError> {
        let invalid = |why: String| PortError::new(PortErrorKind::Invalid, format!("use {base}"), why);
        let url = reqwest::Url::parse(base).map_err(|error| invalid(error.to_string()))?;
        let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if !(url.scheme() == "https" || url.scheme() == "http" && local) {
            return Err(invalid("secrets are sent by https only".to_owned()));
        }
        // Fails if a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("rotakey/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca_file {
            let told = |error: &dyn std::fmt::Display| invalid(format!("{}: {error}", path.display()));
            let pem = fs::read(path).map_err(|error| told(&error))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| told(&error))?;
            builder =
                certificates.into_iter().fold(builder, |builder, one| builder.add_root_certificate(one));
        }
        let client = builder.build().map_err(|error| invalid(error.to_string()))?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// A request to a path, which begins with a slash.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
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
        // The URL of a failed request is not repeated: it may hold a token.
        let failed = |error: reqwest::Error| {
            PortError::new(PortErrorKind::Ambiguous, operation, error.without_url().to_string())
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = response.bytes().await.map_err(failed)?.to_vec();
        if status.is_success() {
            return Ok(Answer { operation: operation.to_owned(), body });
        }
        Err(PortError::new(kind(status), operation, message(status, &body, secrets)))
    }
}

impl Answer {
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
}

/// What a status that is no success means for the caller.
pub(crate) fn kind(status: StatusCode) -> PortErrorKind {
    match status {
        StatusCode::UNAUTHORIZED => PortErrorKind::Credentials,
        StatusCode::FORBIDDEN => PortErrorKind::Denied,
        StatusCode::NOT_FOUND | StatusCode::GONE => PortErrorKind::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => PortErrorKind::Conflict,
        StatusCode::TOO_MANY_REQUESTS => PortErrorKind::Throttled,
        StatusCode::REQUEST_TIMEOUT => PortErrorKind::Ambiguous,
        _ if status.is_server_error() => PortErrorKind::Ambiguous,
        _ => PortErrorKind::Invalid,
    }
}

/// The status and what the other side said, on one line.
fn message(status: StatusCode, body: &[u8], secrets: &[&Secret]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => ["message", "error", "errors", "detail"]
            .iter()
            .find_map(|name| fields.get(*name))
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        _ => None,
    };
    let mut text = text.unwrap_or_default();
    for secret in secrets.iter().filter(|secret| !secret.expose().is_empty()) {
        text = text.replace(secret.expose(), "***");
    }
    let text: String = text.escape_debug().take(LONGEST_MESSAGE).collect();
    if text.is_empty() { status.to_string() } else { format!("{status}: {text}") }
}
