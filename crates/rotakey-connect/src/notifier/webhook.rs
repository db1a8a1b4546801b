//! An endpoint that takes signed JSON: see `docs/notify.md`.

use std::sync::Arc;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use rotakey_core::notify::{Message, Notice, WebhookEndpoint};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{Clock, Notifier, PortError, PortErrorKind};
use serde::Serialize;
use sha2::Sha256;

use crate::credential;
use crate::http::Api;

/// An endpoint.
pub(super) struct Endpoint {
    spec: WebhookEndpoint,
    clock: Arc<dyn Clock>,
}

impl Endpoint {
    pub(super) fn new(spec: WebhookEndpoint, clock: Arc<dyn Clock>) -> Self {
        Self { spec, clock }
    }
}

/// The body. `id` is the same if it is sent twice.
#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    id: String,
    subject: String,
    text: String,
    severity: &'static str,
    notices: &'a [Notice],
}

#[async_trait]
impl Notifier for Endpoint {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        const OPERATION: &str = "webhook: post the notices";
        let api = Api::new(&self.spec.url, None)?;
        let secret = credential::read(&self.spec.signing_secret).await?;
        let body = Body {
            version: 1,
            id: message.id(),
            subject: message.subject(),
            text: message.plain_text(),
            severity: message.severity().as_str(),
            notices: message.notices(),
        };
        let body = serde_json::to_string(&body)
            .map_err(|error| PortError::new(PortErrorKind::Invalid, OPERATION, error.to_string()))?;
        let timestamp = self.clock.now().as_second().to_string();
        let request = api
            .request(Method::POST, "")
            .header(CONTENT_TYPE, "application/json")
            .header("X-Rotakey-Signature", signature(&secret, &timestamp, &body))
            .header("X-Rotakey-Timestamp", timestamp)
            .body(body);
        api.send(OPERATION, request, &[&secret]).await.map(drop)
    }
}

/// `v1=` and 64 hexadecimal digits: HMAC-SHA256 over `timestamp.body`.
pub(super) fn signature(secret: &Secret, timestamp: &str, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("a key may have any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!("v1={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
}
