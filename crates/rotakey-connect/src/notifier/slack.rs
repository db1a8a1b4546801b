//! Slack: an incoming webhook, or `chat.postMessage` of a bot. Formats and limits as documented at
//! <https://docs.slack.dev/messaging/formatting-message-text> and <https://docs.slack.dev/reference/block-kit/blocks>.

use async_trait::async_trait;
use reqwest::Method;
use rotakey_core::notify::{Message, Piece, Slack, SlackWebhook};
use rotakey_engine::port::{Notifier, PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::secret_address;
use super::text::cut;
use crate::credential;
use crate::http::Api;

/// The most characters in the text of a section.
const LONGEST_SECTION: usize = 3_000;

/// The most characters in the text that stands for the blocks where these cannot be shown. Slack takes 40,000.
const LONGEST_TEXT: usize = 3_000;

/// The most blocks in a message.
const MOST_BLOCKS: usize = 50;

/// An incoming webhook.
pub(super) struct Webhook {
    spec: SlackWebhook,
}

/// A channel, through a bot.
pub(super) struct Bot {
    spec: Slack,
}

impl Webhook {
    pub(super) fn new(spec: SlackWebhook) -> Self {
        Self { spec }
    }
}

impl Bot {
    pub(super) fn new(spec: Slack) -> Self {
        Self { spec }
    }
}

#[async_trait]
impl Notifier for Webhook {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        let (api, address) = secret_address(&self.spec.url).await?;
        let request = api.request(Method::POST, "").json(&payload(message));
        api.send("slack: post to the webhook", request, &[&address]).await.map(drop)
    }
}

/// What the Web API answers, also with the status 200.
#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
}

#[async_trait]
impl Notifier for Bot {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        const OPERATION: &str = "slack: chat.postMessage";
        let api = Api::new(self.spec.api_url.as_deref().unwrap_or("https://slack.com/api"), None)?;
        let token = credential::read(&self.spec.token).await?;
        let mut payload = payload(message);
        payload["channel"] = self.spec.channel.as_str().into();
        let request =
            api.request(Method::POST, "/chat.postMessage").bearer_auth(token.expose()).json(&payload);
        let said: Said = api.send(OPERATION, request, &[&token]).await?.json()?;
        if said.ok {
            return Ok(());
        }
        let error = said.error.unwrap_or_else(|| "it says no more than that it failed".to_owned());
        let told: String = error.replace(token.expose(), "***").escape_debug().take(100).collect();
        Err(PortError::new(kind(&error), OPERATION, told))
    }
}

/// What an error of the Web API means, by its name there.
fn kind(error: &str) -> PortErrorKind {
    match error {
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            PortErrorKind::Credentials
        }
        "missing_scope" | "no_permission" | "not_in_channel" | "restricted_action" | "access_denied" => {
            PortErrorKind::Denied
        }
        "channel_not_found" | "is_archived" => PortErrorKind::NotFound,
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => PortErrorKind::Throttled,
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            PortErrorKind::Ambiguous
        }
        _ => PortErrorKind::Invalid,
    }
}

fn payload(message: &Message) -> Value {
    let notices = message.notices();
    let shown = if notices.len() <= MOST_BLOCKS { notices.len() } else { MOST_BLOCKS - 1 };
    let mut blocks: Vec<_> = notices[..shown]
        .iter()
        .map(|notice| {
            let lines: Vec<_> = message.pieces(notice).iter().map(line).collect();
            section(&lines.join("\n"))
        })
        .collect();
    if shown < notices.len() {
        blocks.push(section(&format!("… and {} more: `rotakey rotate status`", notices.len() - shown)));
    }
    json!({
        "text": cut(&escape(&message.subject()), LONGEST_TEXT),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// Verbatim: nothing in the text becomes a link or a mention that is not marked as one by `<…>`.
fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "verbatim": true, "text": cut(text, LONGEST_SECTION) } })
}

fn line(piece: &Piece) -> String {
    match piece {
        Piece::Title(text) => format!("*{}*", escape(text).replace('*', "∗")),
        Piece::Command(text) => format!("`{}`", escape(text).replace('`', "'")),
        Piece::Text(text) | Piece::Aside(text) => escape(text),
    }
}

/// The three characters that mean something in Slack's texts.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
