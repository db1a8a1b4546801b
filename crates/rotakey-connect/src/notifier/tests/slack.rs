//! Slack's limits: <https://docs.slack.dev/reference/methods/chat.postMessage>,
//! <https://docs.slack.dev/reference/block-kit/blocks/section-block>.

use async_trait::async_trait;
use rotakey_core::notify::{NotifierSpec, Slack, SlackWebhook};
use rotakey_engine::conformance::notifier::{Broken, Harness, check_all, message, notice};
use rotakey_engine::port::{Notifier, Notifiers as _, PortErrorKind};
use serde_json::{Value, json};

use super::http::{Answer, Request, Server, nobody};
use super::{Credentials, notifiers, only, text};

const PATH: &str = "/services/T00000000/B00000000/secretsecretsecret";
const TOKEN: &str = "xoxb-000000000000-secretsecretsecret";

/// Whether Slack would take the message.
fn accepted(message: &Value) -> Result<(), String> {
    only(message, &["text", "blocks", "unfurl_links", "unfurl_media", "channel"])?;
    escaped(text(message, "text", 40_000)?)?;
    let blocks = message["blocks"].as_array().ok_or("there are no blocks")?;
    if !(1..=50).contains(&blocks.len()) {
        return Err(format!("{} blocks", blocks.len()));
    }
    for block in blocks {
        only(block, &["type", "text"])?;
        only(&block["text"], &["type", "text", "verbatim"])?;
        if block["type"] != "section"
            || block["text"]["type"] != "mrkdwn"
            || block["text"]["verbatim"] != true
        {
            return Err(format!("not a section with verbatim text: {block}"));
        }
        escaped(text(&block["text"], "text", 3_000)?)?;
    }
    Ok(())
}

/// Whether nothing in a text is a link, a mention or a command: rotakey writes none.
fn escaped(text: &str) -> Result<(), String> {
    let entity = |rest: &str| ["&amp;", "&lt;", "&gt;"].iter().any(|entity| rest.starts_with(entity));
    let lone = text.match_indices('&').any(|(at, _)| !entity(&text[at..]));
    if text.contains(['<', '>']) || lone { Err(format!("not escaped: {text}")) } else { Ok(()) }
}

fn webhook(request: &Request) -> Answer {
    match (request.path.as_str(), accepted(&request.body)) {
        (PATH, Ok(())) => (200, "ok".to_owned()),
        (PATH, Err(why)) => (400, format!("invalid_blocks {why}").replace('<', "")),
        ("/denied", _) => (403, "action_prohibited".to_owned()),
        _ => (404, "no_service".to_owned()),
    }
}

fn web_api(request: &Request) -> Answer {
    let said = |error: &str| (200, json!({ "ok": false, "error": error }).to_string());
    let token = request.headers.get("authorization").map_or("", String::as_str);
    match (request.path.as_str(), token.strip_prefix("Bearer "), request.body["channel"].as_str()) {
        ("/api/chat.postMessage", Some(TOKEN), Some("#keys")) => match accepted(&request.body) {
            Ok(()) => (200, json!({ "ok": true, "ts": "1" }).to_string()),
            Err(why) => said(&format!("invalid_blocks: {why}")),
        },
        (_, Some(TOKEN), Some("#private")) => said("not_in_channel"),
        (_, Some(TOKEN), Some("#echo")) => said(TOKEN),
        (_, Some(TOKEN), _) => said("channel_not_found"),
        _ => said("invalid_auth"),
    }
}

struct Webhook {
    server: Server,
    credentials: Credentials,
}

impl Webhook {
    fn at(&self, address: &str) -> Box<dyn Notifier> {
        let spec = NotifierSpec::SlackWebhook(SlackWebhook { url: self.credentials.source(address) });
        notifiers().open(&spec).unwrap()
    }
}

#[async_trait]
impl Harness for Webhook {
    fn open(&self) -> Box<dyn Notifier> {
        self.at(&format!("{}{PATH}", self.server.address))
    }

    async fn shown(&self) -> Vec<String> {
        self.server.taken().iter().map(shown).collect()
    }

    fn recognises_twice(&self) -> bool {
        false
    }

    async fn broken(&self) -> Vec<Broken> {
        let broken = |name, address: String, kind| Broken { name, notifier: self.at(&address), kind };
        let address = &self.server.address;
        vec![
            broken("forbidden", format!("{address}/denied"), PortErrorKind::Denied),
            broken("removed", format!("{address}/gone-secretsecretsecret"), PortErrorKind::NotFound),
            broken("silent", format!("{}{PATH}", nobody().await), PortErrorKind::Ambiguous),
            broken("open", format!("http://slack.example{PATH}"), PortErrorKind::Invalid),
            broken("no address", "secretsecretsecret".to_owned(), PortErrorKind::Invalid),
        ]
    }

    fn secrets(&self) -> Vec<String> {
        vec!["secretsecretsecret".to_owned()]
    }

    fn forbidden(&self) -> Vec<&'static str> {
        vec!["<!channel>", "<@U123>", "</b>"]
    }
}

struct Bot {
    server: Server,
    credentials: Credentials,
}

impl Bot {
    fn of(&self, token: &str, channel: &str, address: &str) -> Box<dyn Notifier> {
        let spec = Slack {
            token: self.credentials.source(token),
            channel: channel.to_owned(),
            api_url: Some(format!("{address}/api")),
        };
        notifiers().open(&NotifierSpec::Slack(spec)).unwrap()
    }
}

#[async_trait]
impl Harness for Bot {
    fn open(&self) -> Box<dyn Notifier> {
        self.of(TOKEN, "#keys", &self.server.address)
    }

    async fn shown(&self) -> Vec<String> {
        // What Slack refuses has the status 200 too.
        let taken = self.server.taken().into_iter().filter(|request| request.body["channel"] == "#keys");
        taken.map(|request| shown(&request)).collect()
    }

    fn recognises_twice(&self) -> bool {
        false
    }

    async fn broken(&self) -> Vec<Broken> {
        let of = |name, token: &str, channel, kind| {
            let notifier = self.of(token, channel, &self.server.address);
            Broken { name, notifier, kind }
        };
        vec![
            of("another token", "xoxb-wrong", "#keys", PortErrorKind::Credentials),
            of("not invited", TOKEN, "#private", PortErrorKind::Denied),
            of("no such channel", TOKEN, "#nowhere", PortErrorKind::NotFound),
            of("an echo of the token", TOKEN, "#echo", PortErrorKind::Invalid),
            Broken {
                name: "silent",
                notifier: self.of(TOKEN, "#keys", &nobody().await),
                kind: PortErrorKind::Ambiguous,
            },
        ]
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }

    fn forbidden(&self) -> Vec<&'static str> {
        vec!["<!channel>", "<@U123>", "</b>"]
    }
}

fn shown(request: &Request) -> String {
    let blocks = request.body["blocks"].as_array().unwrap().iter();
    blocks.map(|block| block["text"]["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_webhook_of_slack_keeps_the_contract() {
    check_all(&Webhook { server: Server::new(webhook).await, credentials: Credentials::new() }).await;
}

#[tokio::test]
async fn a_bot_of_slack_keeps_the_contract() {
    check_all(&Bot { server: Server::new(web_api).await, credentials: Credentials::new() }).await;
}

#[tokio::test]
async fn what_slack_would_refuse_is_refused_here() {
    let harness = Webhook { server: Server::new(webhook).await, credentials: Credentials::new() };
    harness.open().send(&message(vec![notice(1)])).await.unwrap();
    let right = harness.server.taken()[0].body.clone();
    assert_eq!(accepted(&right), Ok(()));
    let wrong = |change: fn(&mut Value)| {
        let mut message = right.clone();
        change(&mut message);
        accepted(&message).unwrap_err()
    };
    wrong(|message| message["text"] = "<!channel>".into());
    wrong(|message| message["text"] = "a & b".into());
    wrong(|message| message["text"] = "x".repeat(40_001).into());
    wrong(|message| message["blocks"] = vec![message["blocks"][0].clone(); 51].into());
    wrong(|message| message["blocks"] = json!([]));
    wrong(|message| message["blocks"][0]["text"]["text"] = "x".repeat(3_001).into());
    wrong(|message| message["blocks"][0]["text"]["text"] = "".into());
    wrong(|message| message["blocks"][0]["type"] = "paragraph".into());
    wrong(|message| message["link_names"] = true.into());
}
