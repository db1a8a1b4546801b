//! The protocol of `docs/notify.md`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rotakey_core::notify::{NotifierSpec, WebhookEndpoint};
use rotakey_core::secret::Secret;
use rotakey_engine::conformance::notifier::{Broken, Harness, check_all};
use rotakey_engine::port::{Notifier, Notifiers as _, PortErrorKind};

use super::http::{Answer, Request, Server, nobody};
use super::{Credentials, notifiers, only};
use crate::signature::sign;

const SECRET: &str = "whsec-secretsecretsecret";

/// Whether a receiver that follows the document would take the request.
fn accepted(request: &Request) -> Result<(), String> {
    let header = |name: &str| request.headers.get(name).cloned().ok_or_else(|| format!("no {name}"));
    let timestamp = header("x-rotakey-timestamp")?;
    if timestamp != "1795687200" {
        return Err(format!("the timestamp is {timestamp}"));
    }
    let expected = sign(&Secret::new(SECRET.to_owned()), &timestamp, request.raw.as_bytes());
    if header("x-rotakey-signature")? != expected {
        return Err("the signature is wrong".to_owned());
    }
    only(&request.body, &["version", "id", "subject", "text", "severity", "notices"])?;
    match (&request.body["version"], request.body["notices"].as_array()) {
        (version, Some(notices)) if version == 1 && !notices.is_empty() => Ok(()),
        _ => Err("it is not of version 1".to_owned()),
    }
}

fn receiver(request: &Request) -> Answer {
    match (request.path.as_str(), accepted(request)) {
        ("/denied", _) => (403, String::new()),
        (_, Ok(())) => (204, String::new()),
        (_, Err(why)) => (401, format!("{{\"message\": \"{why}, not {SECRET}\"}}")),
    }
}

struct Endpoint {
    server: Server,
    credentials: Credentials,
}

impl Endpoint {
    fn of(&self, secret: &str, url: &str) -> Box<dyn Notifier> {
        let signing_secret = self.credentials.source(secret);
        let spec = WebhookEndpoint { url: url.to_owned(), signing_secret };
        notifiers().open(&NotifierSpec::Webhook(spec)).unwrap()
    }
}

#[async_trait]
impl Harness for Endpoint {
    fn open(&self) -> Box<dyn Notifier> {
        self.of(SECRET, &self.server.address)
    }

    /// One for each id, as the document tells receivers to do.
    async fn shown(&self) -> Vec<String> {
        let requests = self.server.taken();
        let by_id: BTreeMap<_, _> =
            requests.into_iter().map(|request| (request.body["id"].to_string(), request.raw)).collect();
        by_id.into_values().collect()
    }

    fn recognises_twice(&self) -> bool {
        true
    }

    async fn broken(&self) -> Vec<Broken> {
        let broken = |name, notifier, kind| Broken { name, notifier, kind };
        let address = &self.server.address;
        vec![
            broken("another secret", self.of("whsec-x", address), PortErrorKind::Credentials),
            broken("forbidden", self.of(SECRET, &format!("{address}/denied")), PortErrorKind::Denied),
            broken("silent", self.of(SECRET, &nobody().await), PortErrorKind::Ambiguous),
            broken("open", self.of(SECRET, "http://hooks.example/"), PortErrorKind::Invalid),
        ]
    }

    /// The receiver of the other secret echoes this one, which the sender does not know.
    fn secrets(&self) -> Vec<String> {
        vec!["whsec-x".to_owned()]
    }

    /// Nothing is: it is JSON.
    fn forbidden(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_webhook_keeps_the_contract() {
    check_all(&Endpoint { server: Server::new(receiver).await, credentials: Credentials::new() }).await;
}

#[test]
fn the_signature_is_that_of_other_programs() {
    // printf '1795687200.{"a":1}' | openssl dgst -sha256 -hmac secret
    let signature = sign(&Secret::new("secret".to_owned()), "1795687200", br#"{"a":1}"#);
    assert_eq!(signature, "v1=eaa8a9578644c370bb0d6c9b6d30307d6e26a31e5002831d6dc4b7418e04c6c0");
}
