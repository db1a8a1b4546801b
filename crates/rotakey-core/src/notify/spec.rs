//! Each kind of channel: what describes one, and what can be written about it in the configuration.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::notice::{Notice, NoticeKind};
use crate::destination::{CredentialSource, Field, FieldKind, Kind};

/// A way to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum NotifierSpec {
    /// An incoming webhook of Slack.
    SlackWebhook(SlackWebhook),
    /// A channel of Slack, through a bot.
    Slack(Slack),
    /// A workflow of Microsoft Teams that posts an adaptive card.
    Teams(Teams),
    /// A service of PagerDuty, through the Events API v2.
    Pagerduty(Pagerduty),
    /// A topic of Amazon SNS.
    Sns(Sns),
    /// Mail through Amazon SES.
    Ses(Ses),
    /// Mail through a server.
    Smtp(Smtp),
    /// An endpoint that takes signed JSON.
    Webhook(WebhookEndpoint),
}

/// All kinds, in the order in which they are listed to people.
pub const NOTIFIER_KINDS: &[Kind] = &[
    Kind {
        name: "slack-webhook",
        fields: &[Field::required(
            "url",
            FieldKind::Plain,
            "the address is a secret: url = { file = \"…\" }",
        )],
    },
    Kind {
        name: "slack",
        fields: &[
            Field::required(
                "token",
                FieldKind::Plain,
                "the bot's token (xoxb-…): token = { env = \"SLACK_TOKEN\" }",
            ),
            Field::required("channel", FieldKind::Plain, "name the channel: channel = \"#keys\""),
            Field::new("api_url", FieldKind::Plain),
        ],
    },
    Kind {
        name: "teams",
        fields: &[Field::required(
            "url",
            FieldKind::Plain,
            "the address is a secret: url = { file = \"…\" }",
        )],
    },
    Kind {
        name: "pagerduty",
        fields: &[
            Field::required(
                "routing_key",
                FieldKind::Plain,
                "the integration key: routing_key = { env = \"PAGERDUTY_ROUTING_KEY\" }",
            ),
            Field::new("api_url", FieldKind::Plain),
        ],
    },
    Kind {
        name: "sns",
        fields: &[Field::required(
            "topic_arn",
            FieldKind::Plain,
            "name the topic: topic_arn = \"arn:aws:sns:eu-central-1:111122223333:keys\"",
        )],
    },
    Kind {
        name: "ses",
        fields: &[
            Field::required("from", FieldKind::Plain, "a verified sender: from = \"rotakey@example.com\""),
            Field::required("to", FieldKind::List, "say whom: to = [\"security@example.com\"]"),
            Field::new("owner_domains", FieldKind::List),
            Field::new("region", FieldKind::Plain),
        ],
    },
    Kind {
        name: "smtp",
        fields: &[
            Field::required("host", FieldKind::Plain, "name the server: host = \"smtp.example.com\""),
            Field::new("port", FieldKind::Plain),
            Field::new("tls", FieldKind::Plain),
            Field::new("username", FieldKind::Plain),
            Field::new("password", FieldKind::Plain),
            Field::new("ca_file", FieldKind::Plain),
            Field::required("from", FieldKind::Plain, "the sender: from = \"rotakey@example.com\""),
            Field::required("to", FieldKind::List, "say whom: to = [\"security@example.com\"]"),
            Field::new("owner_domains", FieldKind::List),
        ],
    },
    Kind {
        name: "webhook",
        fields: &[
            Field::required("url", FieldKind::Plain, "name the endpoint: url = \"https://…\""),
            Field::required(
                "signing_secret",
                FieldKind::Plain,
                "say what requests are signed with: signing_secret = { file = \"…\" }",
            ),
        ],
    },
];

/// An incoming webhook of Slack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackWebhook {
    /// Its address, which is a secret: whoever has it can post.
    pub url: CredentialSource,
}

/// A channel of Slack, through a bot with the scope `chat:write`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The bot's token, `xoxb-…`.
    pub token: CredentialSource,
    /// The channel, such as `#keys` or `C0123456789`.
    pub channel: String,
    /// The API; `https://slack.com/api` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

/// A workflow of Microsoft Teams, "post to a channel when a webhook request is received".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// Its address, which is a secret: whoever has it can post.
    pub url: CredentialSource,
}

/// A service of PagerDuty, through the Events API v2. Only what opens or settles an incident is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagerduty {
    /// The integration key of the service.
    pub routing_key: CredentialSource,
    /// The API; `https://events.pagerduty.com` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

/// A topic of Amazon SNS, also FIFO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sns {
    /// The topic. It is called in its own region.
    pub topic_arn: String,
}

/// Mail through Amazon SES (`ses:SendEmail`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ses {
    /// The region; that of the configured client if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The sender: an address or a domain of it must be verified in SES.
    pub from: String,
    /// Whom it goes to, unless the owner is told.
    #[schemars(with = "crate::policy::OneOrMany<String>")]
    pub to: Vec<String>,
    /// The domains of owners: where the tag of a user names an address in one of them, the owner is told instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<crate::policy::OneOrMany<String>>")]
    pub owner_domains: Vec<String>,
}

/// Mail through a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// The server.
    pub host: String,
    /// The port: 587 for STARTTLS, 465 for TLS, 25 without, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is protected: STARTTLS if absent.
    #[serde(default)]
    pub tls: SmtpTls,
    /// The name to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<CredentialSource>,
    /// Further certificates that the server's may be signed by, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The sender.
    pub from: String,
    /// Whom it goes to, unless the owner is told.
    #[schemars(with = "crate::policy::OneOrMany<String>")]
    pub to: Vec<String>,
    /// The domains of owners: where the tag of a user names an address in one of them, the owner is told instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<crate::policy::OneOrMany<String>>")]
    pub owner_domains: Vec<String>,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpTls {
    /// It begins open, and goes on under TLS or not at all.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: for a server on this machine only.
    None,
}

/// An endpoint that takes signed JSON. See `docs/notify.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpoint {
    /// The address: `https://`, or `http://` of this machine.
    pub url: String,
    /// The secret that requests are signed with.
    pub signing_secret: CredentialSource,
}

impl NotifierSpec {
    /// Whether the channel takes that notice, by its nature.
    pub fn takes(&self, notice: &Notice) -> bool {
        match self {
            Self::Pagerduty(_) => notice.incident.is_some() || notice.kind == NoticeKind::Test,
            _ => true,
        }
    }

    /// Whether several notices can be one message.
    pub fn can_digest(&self) -> bool {
        !matches!(self, Self::Pagerduty(_))
    }

    /// The addresses that a notice goes to, if the channel has addresses. The owner's tag may be written by whoever
    /// may tag the user, so it counts only as an address in one of the chosen domains.
    pub fn recipients(&self, owner: Option<&str>) -> Vec<String> {
        let (to, domains) = match self {
            Self::Ses(Ses { to, owner_domains, .. }) | Self::Smtp(Smtp { to, owner_domains, .. }) => {
                (to, owner_domains)
            }
            _ => return Vec::new(),
        };
        match owner.filter(|owner| is_address_in(owner, domains)) {
            Some(owner) => vec![owner.to_owned()],
            None => to.clone(),
        }
    }
}

/// Whether the text is one plain mail address in one of those domains. Stricter than the grammar of mail: no quotes,
/// no comments, no lists.
fn is_address_in(text: &str, domains: &[String]) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._%+-'".contains(letter);
    text.rsplit_once('@').is_some_and(|(name, domain)| {
        (1..=64).contains(&name.len())
            && name.chars().all(plain)
            && domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
    })
}

/// The short form, for people. No address that is a secret is in it.
impl fmt::Display for NotifierSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlackWebhook(_) => f.write_str("slack-webhook"),
            Self::Slack(slack) => write!(f, "slack {}", slack.channel),
            Self::Teams(_) => f.write_str("teams"),
            Self::Pagerduty(_) => f.write_str("pagerduty"),
            Self::Sns(sns) => write!(f, "sns {}", sns.topic_arn),
            Self::Ses(ses) => write!(f, "ses from {}", ses.from),
            Self::Smtp(smtp) => write!(f, "smtp {} from {}", smtp.host, smtp.from),
            Self::Webhook(webhook) => write!(f, "webhook {}", webhook.url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_a_recipient_only_in_a_chosen_domain() {
        let domains = ["example.com".to_owned()];
        for owner in ["ann@example.com", "a.b+c@EXAMPLE.com"] {
            assert!(is_address_in(owner, &domains), "{owner}");
        }
        for owner in [
            "ann",
            "@example.com",
            "ann@example.com.evil.org",
            "ann@evil.org",
            "ann@sub.example.com",
            "ann@evil.org,bob@example.com",
            "ann@example.com\r\nBcc: all@example.com",
            "\"ann\"@example.com",
            "Ann <ann@example.com>",
        ] {
            assert!(!is_address_in(owner, &domains), "{owner:?}");
        }
        assert!(!is_address_in("ann@example.com", &[]));
    }

    #[test]
    fn the_table_of_each_kind_names_the_fields_of_its_type() {
        let schema = serde_json::to_value(schemars::schema_for!(NotifierSpec)).unwrap();
        let variants = schema["oneOf"].as_array().unwrap();
        assert_eq!(variants.len(), NOTIFIER_KINDS.len());
        for (variant, kind) in variants.iter().zip(NOTIFIER_KINDS) {
            assert_eq!(variant["properties"]["type"]["const"], kind.name);
            let definition = variant["$ref"].as_str().map(|path| path.rsplit('/').next().unwrap());
            let definition = definition.map_or(variant, |name| &schema["$defs"][name]);
            let mut typed: Vec<&String> = definition["properties"].as_object().unwrap().keys().collect();
            typed.retain(|name| *name != "type");
            let mut table: Vec<&str> = kind.fields.iter().map(|field| field.name).collect();
            table.sort_unstable();
            typed.sort_unstable();
            assert_eq!(typed, table, "{}", kind.name);
        }
    }
}
