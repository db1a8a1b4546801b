//! Every way to people against a server that refuses what the real one refuses.

mod http;
mod pagerduty;
mod slack;
mod smtp;
mod teams;
mod webhook;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rotakey_core::destination::CredentialSource;
use rotakey_core::notify::{
    NotifierSpec, Pagerduty, Slack, SlackWebhook, Smtp, SmtpTls, Teams, WebhookEndpoint,
};
use rotakey_engine::conformance::notifier::a_silent_channel_is_given_up;
use rotakey_engine::port::Notifiers as _;
use tempfile::TempDir;

use super::OutsideNotifiers;
use crate::still::Still;

fn notifiers() -> OutsideNotifiers {
    OutsideNotifiers { clock: Arc::new(Still) }
}

/// Credentials in files.
struct Credentials {
    folder: TempDir,
    files: AtomicU32,
}

impl Credentials {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: AtomicU32::new(0) }
    }

    fn source(&self, secret: &str) -> CredentialSource {
        let path = self.folder.path().join(self.files.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::write(&path, format!("{secret}\n")).unwrap();
        CredentialSource::File(path)
    }
}

/// The keys of an object, all of which must be known.
fn only(value: &serde_json::Value, known: &[&str]) -> Result<(), String> {
    let object = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(format!("{unknown} is not known in {value}")),
        None => Ok(()),
    }
}

/// A text under that key, of 1 to so many characters.
fn text<'v>(value: &'v serde_json::Value, key: &str, most: usize) -> Result<&'v str, String> {
    let text = value[key].as_str().ok_or_else(|| format!("{key} is no text in {value}"))?;
    match text.chars().count() {
        0 => Err(format!("{key} is empty")),
        length if length > most => Err(format!("{key} has {length} characters, more than {most}")),
        _ => Ok(text),
    }
}

/// On tokio's paused clock, which jumps as soon as everybody waits.
#[tokio::test(start_paused = true)]
async fn a_channel_that_lets_everybody_in_and_never_answers_is_given_up_in_time() {
    let (silent, credentials) = (TcpListener::bind("127.0.0.1:0").unwrap(), Credentials::new());
    let port = silent.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let mail = |tls| {
        NotifierSpec::Smtp(Smtp {
            host: "127.0.0.1".to_owned(),
            port: Some(port),
            tls,
            username: None,
            password: None,
            ca_file: None,
            from: "rotakey@example.com".to_owned(),
            to: vec!["security@example.com".to_owned()],
            owner_domains: Vec::new(),
        })
    };
    let channels = [
        NotifierSpec::SlackWebhook(SlackWebhook { url: credentials.source(&url) }),
        NotifierSpec::Slack(Slack {
            token: credentials.source("xoxb"),
            channel: "#keys".to_owned(),
            api_url: Some(url.clone()),
        }),
        NotifierSpec::Teams(Teams { url: credentials.source(&url) }),
        NotifierSpec::Pagerduty(Pagerduty {
            routing_key: credentials.source("key"),
            api_url: Some(url.clone()),
        }),
        NotifierSpec::Webhook(WebhookEndpoint { url, signing_secret: credentials.source("whsec") }),
        mail(SmtpTls::Starttls),
        mail(SmtpTls::Tls),
        mail(SmtpTls::None),
    ];
    for channel in channels {
        let notifier = notifiers().open(&channel).unwrap();
        let begun = tokio::time::Instant::now();
        a_silent_channel_is_given_up(&*notifier, || begun.elapsed()).await;
    }
}
