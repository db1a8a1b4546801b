//! The Events API v2: <https://developer.pagerduty.com/docs/events-api-v2/trigger-events>.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::notify::{Incident, IncidentState, Notice, NoticeKind, NotifierSpec, Pagerduty};
use rotakey_engine::conformance::notifier::{Broken, Harness, check_all, message, notice};
use rotakey_engine::port::{Notifier, Notifiers as _, PortErrorKind};
use serde_json::{Value, json};

use super::http::{Answer, Request, Server, nobody};
use super::{Credentials, notifiers, only, text};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Whether PagerDuty would take the event.
fn accepted(event: &Value) -> Result<(), String> {
    only(
        event,
        &["routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"],
    )?;
    if text(event, "routing_key", 32)?.len() != 32 {
        return Err("routing_key has not 32 characters".to_owned());
    }
    match text(event, "event_action", 20)? {
        "trigger" => {}
        "acknowledge" | "resolve" => return text(event, "dedup_key", 255).map(drop),
        other => return Err(format!("event_action is {other}")),
    }
    if event.get("dedup_key").is_some() {
        text(event, "dedup_key", 255)?;
    }
    let payload = &event["payload"];
    only(
        payload,
        &["summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"],
    )?;
    text(payload, "summary", 1_024)?;
    text(payload, "source", 1_024)?;
    if !["critical", "error", "warning", "info"].contains(&text(payload, "severity", 20)?) {
        return Err("severity is not known".to_owned());
    }
    text(payload, "timestamp", 40)?.parse::<Timestamp>().map_err(|error| error.to_string())?;
    payload["custom_details"].as_object().map(drop).ok_or_else(|| "custom_details is no object".to_owned())
}

fn events_api(request: &Request) -> Answer {
    let invalid = |why: &str| {
        (
            400,
            json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [why] })
                .to_string(),
        )
    };
    match (request.path.as_str(), accepted(&request.body)) {
        ("/v2/enqueue", Ok(())) if request.body["routing_key"] == KEY => {
            (202, json!({ "status": "success", "message": "Event processed" }).to_string())
        }
        ("/v2/enqueue", Ok(())) => invalid("Invalid routing key"),
        ("/v2/enqueue", Err(why)) => invalid(&why),
        ("/busy/v2/enqueue", _) => (429, String::new()),
        _ => (404, String::new()),
    }
}

struct Service {
    server: Server,
    credentials: Credentials,
}

impl Service {
    async fn new() -> Self {
        Self { server: Server::new(events_api).await, credentials: Credentials::new() }
    }

    fn of(&self, key: &str, address: &str) -> Box<dyn Notifier> {
        let spec = Pagerduty { routing_key: self.credentials.source(key), api_url: Some(address.to_owned()) };
        notifiers().open(&NotifierSpec::Pagerduty(spec)).unwrap()
    }
}

#[async_trait]
impl Harness for Service {
    fn open(&self) -> Box<dyn Notifier> {
        self.of(KEY, &self.server.address)
    }

    /// One alert for each key, as PagerDuty has it.
    async fn shown(&self) -> Vec<String> {
        let events = self.server.taken();
        let alerts: BTreeMap<_, _> = events
            .iter()
            .map(|event| (event.body["dedup_key"].to_string(), event.body["payload"].to_string()))
            .collect();
        alerts.into_values().collect()
    }

    fn recognises_twice(&self) -> bool {
        true
    }

    async fn broken(&self) -> Vec<Broken> {
        let broken = |name, notifier, kind| Broken { name, notifier, kind };
        let address = &self.server.address;
        vec![
            broken("another key", self.of(&"f".repeat(32), address), PortErrorKind::Invalid),
            broken("busy", self.of(KEY, &format!("{address}/busy")), PortErrorKind::Throttled),
            broken("silent", self.of(KEY, &nobody().await), PortErrorKind::Ambiguous),
        ]
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }

    /// Nothing is: it shows texts as they are.
    fn forbidden(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_service_of_pagerduty_keeps_the_contract() {
    check_all(&Service::new().await).await;
}

#[tokio::test]
async fn what_opens_an_incident_triggers_and_what_settles_it_resolves() {
    let service = Service::new().await;
    let opened = notice(1);
    let key = opened.incident.clone().unwrap().key;
    let over = Some(Incident { key: key.clone(), state: IncidentState::Over });
    let settled = Notice { kind: NoticeKind::Settled, incident: over, ..notice(2) };
    let told = Notice { incident: None, ..notice(3) };
    for notice in [opened, settled, told] {
        service.open().send(&message(vec![notice])).await.unwrap();
    }
    let test = Notice { kind: NoticeKind::Test, incident: None, ..notice(4) };
    service.open().send(&message(vec![test])).await.unwrap();
    let actions: Vec<_> = service
        .server
        .taken()
        .iter()
        .map(|event| {
            (event.body["event_action"].as_str().unwrap().to_owned(), event.body["dedup_key"] == key.as_str())
        })
        .collect();
    let expected = [("trigger", true), ("resolve", true), ("trigger", false), ("resolve", false)];
    assert_eq!(actions, expected.map(|(action, same)| (action.to_owned(), same)));
}

#[tokio::test]
async fn what_pagerduty_would_refuse_is_refused_here() {
    let service = Service::new().await;
    service.open().send(&message(vec![notice(1)])).await.unwrap();
    let right = service.server.taken()[0].body.clone();
    assert_eq!(accepted(&right), Ok(()));
    let wrong = |change: fn(&mut Value)| {
        let mut event = right.clone();
        change(&mut event);
        accepted(&event).unwrap_err()
    };
    wrong(|event| event["payload"]["severity"] = "fatal".into());
    wrong(|event| event["payload"]["summary"] = "x".repeat(1_025).into());
    wrong(|event| event["payload"]["timestamp"] = "yesterday".into());
    wrong(|event| event["payload"]["source"] = "".into());
    wrong(|event| event["event_action"] = "open".into());
    wrong(|event| event["routing_key"] = "short".into());
    wrong(|event| event["dedup_key"] = "x".repeat(256).into());
}
