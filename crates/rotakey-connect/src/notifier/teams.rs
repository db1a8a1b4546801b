//! Microsoft Teams: a workflow that is started by a webhook and posts an adaptive card. What others wrote stands in
//! text runs only, in which nothing is markup (<https://adaptivecards.io/explorer/TextRun.html>).

use async_trait::async_trait;
use reqwest::Method;
use rotakey_core::notify::{Message, Notice, Piece, Severity, Teams};
use rotakey_engine::port::{Notifier, PortError};
use serde_json::{Value, json};

use super::secret_address;
use super::text::cut;

/// The most bytes of all notices. Teams takes 28 KB for a whole message.
const MOST_BYTES: usize = 24_000;

/// The most characters of one text.
const LONGEST_TEXT: usize = 2_000;

/// A workflow.
pub(super) struct Workflow {
    spec: Teams,
}

impl Workflow {
    pub(super) fn new(spec: Teams) -> Self {
        Self { spec }
    }
}

#[async_trait]
impl Notifier for Workflow {
    async fn send(&self, message: &Message) -> Result<(), PortError> {
        let (api, address) = secret_address(&self.spec.url).await?;
        let request = api.request(Method::POST, "").json(&payload(message));
        api.send("teams: start the workflow", request, &[&address]).await.map(drop)
    }
}

fn payload(message: &Message) -> Value {
    let mut body = Vec::new();
    let mut bytes = 0;
    for (index, notice) in message.notices().iter().enumerate() {
        let container = container(message, notice, index > 0);
        bytes += container.to_string().len();
        if bytes > MOST_BYTES {
            let left = message.notices().len() - index;
            body.push(block(
                &json!({ "type": "TextRun", "text": format!("… and {left} more: rotakey rotate status") }),
            ));
            break;
        }
        body.push(container);
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": cut(&message.subject(), 200),
        "body": body,
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn container(message: &Message, notice: &Notice, separator: bool) -> Value {
    let items: Vec<_> =
        message.pieces(notice).iter().map(|piece| block(&run(piece, notice.severity))).collect();
    json!({ "type": "Container", "separator": separator, "items": items })
}

fn block(run: &Value) -> Value {
    json!({ "type": "RichTextBlock", "inlines": [run] })
}

fn run(piece: &Piece, severity: Severity) -> Value {
    let color = match severity {
        Severity::Error => "Attention",
        Severity::Warning => "Warning",
        Severity::Info => "Default",
    };
    let text = |text: &String| cut(text, LONGEST_TEXT);
    match piece {
        Piece::Title(title) => {
            json!({ "type": "TextRun", "text": text(title), "size": "Medium", "weight": "Bolder", "color": color })
        }
        Piece::Text(words) => json!({ "type": "TextRun", "text": text(words) }),
        Piece::Command(command) => {
            json!({ "type": "TextRun", "text": text(command), "fontType": "Monospace" })
        }
        Piece::Aside(words) => {
            json!({ "type": "TextRun", "text": text(words), "isSubtle": true, "size": "Small" })
        }
    }
}
