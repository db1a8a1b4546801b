//! An endpoint of the user's own, spoken to in signed JSON: see [`hook`](super::hook).

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use rotakey_core::destination::{self as specs};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{Clock, PortError, PortErrorKind};

use crate::credential;
use crate::destination::hook::{HookDestination, LONGEST_ANSWER, Operation, Reply, Transport};
use crate::http::Api;
use crate::signature;

/// The shortest secret that requests are signed with, in bytes.
const SHORTEST_SECRET: usize = 16;

pub(super) struct Webhook {
    spec: specs::Webhook,
    api: Api,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    pub(super) fn open(
        spec: &specs::Webhook,
        clock: Arc<dyn Clock>,
    ) -> Result<HookDestination<Self>, PortError> {
        let transport = Self { spec: spec.clone(), api: Api::new(&spec.url, None)?, clock };
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
        let request = self
            .api
            .request(Method::POST, "")
            .header("X-Rotakey-Idempotency-Key", signature::idempotency_key(&signing, body));
        let request = signature::signed(request, &signing, self.clock.now(), body.to_vec());
        let secrets: Vec<&Secret> = secret.into_iter().chain([&signing]).collect();
        let body = self.api.send(&operation, request, &secrets).await?.into_body();
        let failure =
            (body.len() > LONGEST_ANSWER).then(|| format!("it sent more than {LONGEST_ANSWER} bytes"));
        Ok(Reply { body, failure })
    }
}
