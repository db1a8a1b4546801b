//! An endpoint that takes signed JSON: see `docs/notify.md`.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use rotakey_core::notify::{Message, Notice, WebhookEndpoint};
use rotakey_engine::port::{Clock, Notifier, PortError, PortErrorKind};
use serde::Serialize;

use crate::credential;
use crate::http::Api;
use crate::signature::signed;

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
        let body = serde_json::to_vec(&body)
            .map_err(|error| PortError::new(PortErrorKind::Invalid, OPERATION, error.to_string()))?;
        let request = signed(api.request(Method::POST, ""), &secret, self.clock.now(), body);
        api.send(OPERATION, request, &[&secret]).await.map(drop)
    }
}
