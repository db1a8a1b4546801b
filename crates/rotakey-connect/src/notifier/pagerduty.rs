//! PagerDuty, through the Events API v2 (<https://developer.pagerduty.com/docs/events-api-v2/overview>). What opens an
//! incident triggers an alert, what settles it resolves the alert of the same key; the same sent twice is one alert.

use async_trait::async_trait;
use reqwest::Method;
use rotakey_core::notify::{IncidentState, Message, Notice, NoticeKind, Pagerduty};
use rotakey_core::secret::Secret;
use rotakey_engine::port::{Notifier, PortError};
use serde_json::{Value, json};

use super::text::cut;
use crate::credential;
use crate::http::Api;

/// The most characters of a summary.
const LONGEST_SUMMARY: usize = 1_024;

/// The most characters of a key.
const LONGEST_KEY: usize = 255;

/// A service.
pub(super) struct Service {
    spec: Pagerduty,
}

impl Service {
    pub(super) fn new(spec: Pagerduty) -> Self {
        Self { spec }
    }
}

#[async_trait]
impl Notifier for Service {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        let api = Api::new(self.spec.api_url.as_deref().unwrap_or("https://events.pagerduty.com"), None)?;
        let routing_key = credential::read(&self.spec.routing_key).await?;
        for notice in message.notices() {
            for event in events(message, notice, &routing_key) {
                let request = api.request(Method::POST, "/v2/enqueue").json(&event);
                api.send("pagerduty: send an event", request, &[&routing_key]).await?;
            }
        }
        Ok(())
    }
}

/// The events that a notice is: one, or two for a test, which leaves nothing open.
fn events(message: &Message, notice: &Notice, routing_key: &Secret) -> Vec<Value> {
    let event = |action: &str, key: &str| json!({ "routing_key": routing_key.expose(), "event_action": action, "dedup_key": cut(key, LONGEST_KEY) });
    let trigger = |key: &str| {
        let mut event = event("trigger", key);
        event["client"] = "rotakey".into();
        event["payload"] = payload(message, notice);
        event
    };
    match &notice.incident {
        Some(incident) if incident.state == IncidentState::Open => vec![trigger(&incident.key)],
        Some(incident) => vec![event("resolve", &incident.key)],
        None if notice.kind == NoticeKind::Test => {
            vec![trigger(notice.id.as_str()), event("resolve", notice.id.as_str())]
        }
        None => Vec::new(),
    }
}

fn payload(message: &Message, notice: &Notice) -> Value {
    let only = Message::new(vec![notice.clone()], Vec::new(), None, None);
    json!({
        "summary": cut(&message.subject_of(notice), LONGEST_SUMMARY),
        "source": format!("aws:{}:user/{}", notice.account_id, notice.user_name),
        "severity": notice.severity.as_str(),
        "timestamp": notice.since.to_string(),
        "component": notice.user_name.name(),
        "group": notice.account_id.to_string(),
        "class": notice.kind.as_str(),
        "custom_details": {
            "text": only.map(|only| only.plain_text()),
            "old_key": notice.old_key.as_ref().map(|key| key.as_str()),
            "new_key": notice.new_key.as_ref().map(|key| key.as_str()),
            "owner": notice.owner,
            "rotation": notice.rotation.as_ref().map(|id| id.as_str()),
            "commands": notice.commands,
        },
    })
}
