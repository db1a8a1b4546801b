//! An endpoint of the user's own, spoken to in signed JSON: see [`hook`](super::hook).

use std::time::SystemTime;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use rotakey_core::destination::{self as specs};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::credential;
use crate::destination::hook::{HookDestination, LONGEST_ANSWER, Operation, Reply, Transport};
use crate::http::Api;
use crate::signature;

/// The shortest secret that requests are signed with, in bytes.
const SHORTEST_SECRET: usize = 16;

pub(super) struct Webhook {
    spec: specs::Webhook,
    api: Api,
}

impl Webhook {
    pub(super) fn open(spec: &specs::Webhook) -> Result<HookDestination<Self>, PortError> {
        let transport = Self { spec: spec.clone(), api: Api::new(&spec.url, None)? };
        Ok(HookDestination { transport, place: spec.name.clone() })
    }
}

#[async_trait]
impl Transport for Webhook {
    fn name(&self) -> String {
        format!("webhook:{}", self.spec)
    }

    async fn send(
        &self,
        operation: Operation,
        body: &[u8],
        secret: Option<&Secret>,
    ) -> Result<Reply, PortError> {
        let signing = credential::read(&self.spec.signing_secret).await?;
        let operation = format!("{} {}", operation.as_str(), self.name());
        if signing.expose().len() < SHORTEST_SECRET {
            let why = format!("signing_secret is shorter than {SHORTEST_SECRET} characters");
            return Err(PortError::new(PortErrorKind::Credentials, operation, why));
        }
        let timestamp = now();
        let request = self
            .api
            .request(Method::POST, "")
            .header(CONTENT_TYPE, "application/json")
            .header("X-Rotakey-Timestamp", &timestamp)
            .header("X-Rotakey-Signature", signature::sign(&signing, &timestamp, body))
            .header("X-Rotakey-Idempotency-Key", signature::idempotency_key(&signing, body))
            .body(body.to_vec());
        let secrets: Vec<&Secret> = secret.into_iter().chain([&signing]).collect();
        let body = self.api.send(&operation, request, &secrets).await?.into_body();
        let failure =
            (body.len() > LONGEST_ANSWER).then(|| format!("it sent more than {LONGEST_ANSWER} bytes"));
        Ok(Reply { body, failure })
    }
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the endpoint holds it against its own clock and refuses what is old: no other time will do"
)]
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs().to_string()
}
