//! The part of adaptive cards 1.4 that rotakey writes, as <https://adaptivecards.io/explorer/> describes it, and the
//! limit of Teams.

use async_trait::async_trait;
use rotakey_core::notify::{NotifierSpec, Teams};
use rotakey_engine::conformance::notifier::{Broken, Harness, check_all, message, notice};
use rotakey_engine::port::{Notifier, Notifiers as _, PortErrorKind};
use serde_json::{Value, json};

use super::http::{Answer, Request, Server, nobody};
use super::{Credentials, notifiers, only, text};

const PATH: &str = "/workflows/1/triggers/manual/paths/invoke?sig=secretsecretsecret";

/// Whether Teams would take the message.
fn accepted(message: &Value) -> Result<(), String> {
    if message.to_string().len() > 28 * 1024 {
        return Err("it is longer than 28 KB".to_owned());
    }
    only(message, &["type", "attachments"])?;
    let [attachment] = message["attachments"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err("there is not one attachment".to_owned());
    };
    only(attachment, &["contentType", "contentUrl", "content"])?;
    if message["type"] != "message" || attachment["contentType"] != "application/vnd.microsoft.card.adaptive"
    {
        return Err("it is no card".to_owned());
    }
    let card = &attachment["content"];
    only(card, &["$schema", "type", "version", "fallbackText", "body"])?;
    if card["type"] != "AdaptiveCard" || card["version"] != "1.4" {
        return Err("it is no adaptive card of version 1.4".to_owned());
    }
    card["body"]
        .as_array()
        .filter(|body| !body.is_empty())
        .ok_or("the card is empty")?
        .iter()
        .try_for_each(element)
}

fn element(element: &Value) -> Result<(), String> {
    match element["type"].as_str() {
        Some("Container") => {
            only(element, &["type", "separator", "items"])?;
            element["separator"].as_bool().ok_or("separator is no switch")?;
            element["items"].as_array().ok_or("a container without items")?.iter().try_for_each(self::element)
        }
        Some("RichTextBlock") => {
            only(element, &["type", "inlines"])?;
            element["inlines"].as_array().ok_or("a block without inlines")?.iter().try_for_each(run)
        }
        _ => Err(format!("an unknown element, or one whose text is markup: {element}")),
    }
}

fn run(run: &Value) -> Result<(), String> {
    only(run, &["type", "text", "size", "weight", "color", "fontType", "isSubtle"])?;
    text(run, "text", 28_000)?;
    let words: [(&str, &[&str]); 5] = [
        ("type", &["TextRun"]),
        ("size", &["Default", "Small", "Medium", "Large", "ExtraLarge"]),
        ("weight", &["Default", "Lighter", "Bolder"]),
        ("color", &["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]),
        ("fontType", &["Default", "Monospace"]),
    ];
    for (key, known) in words {
        if let Some(word) = run.get(key)
            && !known.iter().any(|one| word == one)
        {
            return Err(format!("{key} is {word}"));
        }
    }
    if run["type"] == "TextRun" { Ok(()) } else { Err(format!("no text run: {run}")) }
}

fn workflow(request: &Request) -> Answer {
    match (request.path.as_str(), accepted(&request.body)) {
        (PATH, Ok(())) => (202, String::new()),
        (PATH, Err(why)) => (400, json!({ "error": { "message": why } }).to_string()),
        _ => {
            (403, json!({ "error": { "message": "the signature secretsecretsecret is wrong" } }).to_string())
        }
    }
}

struct Workflow {
    server: Server,
    credentials: Credentials,
}

impl Workflow {
    fn at(&self, address: &str) -> Box<dyn Notifier> {
        let spec = NotifierSpec::Teams(Teams { url: self.credentials.source(address) });
        notifiers().open(&spec).unwrap()
    }
}

#[async_trait]
impl Harness for Workflow {
    fn open(&self) -> Box<dyn Notifier> {
        self.at(&format!("{}{PATH}", self.server.address))
    }

    async fn shown(&self) -> Vec<String> {
        self.server.taken().iter().map(|request| texts(&request.body)).collect()
    }

    fn recognises_twice(&self) -> bool {
        false
    }

    async fn broken(&self) -> Vec<Broken> {
        let wrong = format!("{}/workflows/1?sig=wrong", self.server.address);
        vec![
            Broken { name: "forbidden", notifier: self.at(&wrong), kind: PortErrorKind::Denied },
            Broken {
                name: "silent",
                notifier: self.at(&format!("{}{PATH}", nobody().await)),
                kind: PortErrorKind::Ambiguous,
            },
        ]
    }

    fn secrets(&self) -> Vec<String> {
        // That an error echoes the signature of another address is not ours to hide.
        vec![PATH.to_owned()]
    }

    /// Nothing is: in a text run, nothing is markup, and the server takes no other texts.
    fn forbidden(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// The texts of all runs.
fn texts(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "TextRun") => {
            format!("{}\n", fields["text"].as_str().unwrap())
        }
        Value::Object(fields) => fields.values().map(texts).collect(),
        Value::Array(values) => values.iter().map(texts).collect(),
        _ => String::new(),
    }
}

#[tokio::test]
async fn a_workflow_of_teams_keeps_the_contract() {
    check_all(&Workflow { server: Server::new(workflow).await, credentials: Credentials::new() }).await;
}

#[tokio::test]
async fn what_teams_would_refuse_is_refused_here() {
    let harness = Workflow { server: Server::new(workflow).await, credentials: Credentials::new() };
    harness.open().send(&message(vec![notice(1)])).await.unwrap();
    let right = harness.server.taken()[0].body.clone();
    assert_eq!(accepted(&right), Ok(()));
    let wrong = |change: fn(&mut Value)| {
        let mut message = right.clone();
        change(&mut message["attachments"][0]["content"]);
        accepted(&message).unwrap_err()
    };
    wrong(|card| card["version"] = "9".into());
    wrong(|card| card["body"] = json!([]));
    wrong(|card| card["body"] = json!([{ "type": "TextBlock", "text": "[click](https://evil.example)" }]));
    wrong(|card| card["body"][0]["items"][0]["inlines"][0]["size"] = "Huge".into());
    wrong(|card| card["body"][0]["items"][0]["inlines"][0]["text"] = "".into());
    wrong(|card| card["body"][0]["items"][0]["inlines"][0]["text"] = "x".repeat(29_000).into());
}
