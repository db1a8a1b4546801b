//! A vendor's API with rotakey's token for it.

use reqwest::Method;
use rotakey_core::destination::CredentialSource;
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::credential;
use crate::http::{Answer, Api};

/// How the token is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Login {
    Bearer,
    /// A token with a colon in it is a user's name and a password; any other one is a bearer's.
    BasicOrBearer,
    Header(&'static str),
}

pub(super) struct Client {
    pub(super) api: Api,
    source: CredentialSource,
    login: Login,
    headers: &'static [(&'static str, &'static str)],
    /// Read once for each handle, which lives for one step.
    token: OnceCell<Secret>,
}

impl Client {
    pub(super) fn new(
        api_url: &str,
        source: &CredentialSource,
        login: Login,
        headers: &'static [(&'static str, &'static str)],
    ) -> Result<Self, PortError> {
        let api = Api::new(api_url, None)?;
        Ok(Self { api, source: source.clone(), login, headers, token: OnceCell::new() })
    }

    /// One call. `operation` names it in errors; `secret` is in the body, if anything is.
    pub(super) async fn call(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
        secret: Option<&Secret>,
    ) -> Result<Answer, PortError> {
        let token = self.token.get_or_try_init(|| credential::read(&self.source)).await?;
        let mut request = self.api.request(method, path);
        request = match (self.login, token.expose().split_once(':')) {
            (Login::Header(name), _) => request.header(name, token.expose()),
            (Login::BasicOrBearer, Some((user, password))) => request.basic_auth(user, Some(password)),
            (Login::Bearer | Login::BasicOrBearer, _) => request.bearer_auth(token.expose()),
        };
        // After the body, whose type of content is JSON's own otherwise.
        if let Some(body) = body {
            request = request.json(body);
        }
        let headers = self.headers.iter().map(|(name, value)| {
            let name: reqwest::header::HeaderName = name.parse().expect("the adapters name headers");
            (name, reqwest::header::HeaderValue::from_static(value))
        });
        request = request.headers(headers.collect());
        let secrets: Vec<&Secret> = secret.into_iter().chain([token]).collect();
        self.api.send(operation, request, &secrets).await
    }

    pub(super) async fn get(&self, operation: &str, path: &str) -> Result<Answer, PortError> {
        self.call(operation, Method::GET, path, None::<&()>, None).await
    }

    /// Asks to delete what does not exist: whoever may not write is refused for that, and nothing changes. Where
    /// existence is looked at first, everybody is told that there is no such thing, and the first write tells.
    pub(super) async fn try_delete(&self, operation: &str, path: &str) -> Result<(), PortError> {
        match self.call(operation, Method::DELETE, path, None::<&()>, None).await {
            Err(error) if error.kind != PortErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A place that is not there, or that the token does not see: a wrong configuration, not an empty place.
pub(super) fn no_such_place(error: PortError) -> PortError {
    match error.kind {
        PortErrorKind::NotFound => PortError {
            kind: PortErrorKind::Invalid,
            message: format!("there is no such place, or the token does not see it ({})", error.message),
            ..error
        },
        _ => error,
    }
}

/// A destination that is described wrongly.
pub(super) fn misdescribed(place: &str, why: &str) -> PortError {
    PortError::new(PortErrorKind::Invalid, format!("open {place}"), why)
}
