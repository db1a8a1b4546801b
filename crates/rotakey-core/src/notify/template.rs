//! What somebody wants a notice to say in place of rotakey's own words.

use std::fmt;
use std::str::FromStr;

use super::notice::Notice;
use super::words::minute;
use crate::braces::{LoneBrace, Piece, pieces};

/// A text in which `{title}` and others stand for what a notice says. `{{` and `}}` are a single brace each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(&'static str),
}

/// The names that can stand in braces.
const FIELDS: [&str; 15] = [
    "title",
    "what",
    "why",
    "what_to_do",
    "commands",
    "kind",
    "severity",
    "since",
    "user",
    "account",
    "owner",
    "old_key",
    "new_key",
    "rotation",
    "id",
];

/// A text that is no [`NoticeTemplate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNoticeTemplate {
    /// Braces around something unknown.
    #[error("{{{name}}} is not a placeholder: there are {}", FIELDS.map(|name| format!("{{{name}}}")).join(" "))]
    UnknownPlaceholder {
        /// What is in the braces.
        name: String,
    },
    /// A brace without its other half.
    #[error("a brace stands alone: write {{{{ or }}}} for the character itself")]
    LoneBrace,
}

impl FromStr for NoticeTemplate {
    type Err = InvalidNoticeTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidNoticeTemplate> {
        let part = |piece: Piece<'_>| match piece {
            Piece::Text(text) => Ok(Part::Text(text)),
            Piece::Placeholder(name) => {
                let unknown = || InvalidNoticeTemplate::UnknownPlaceholder { name: name.to_owned() };
                FIELDS.into_iter().find(|field| *field == name).map(Part::Field).ok_or_else(unknown)
            }
        };
        let pieces = pieces(text).map_err(|LoneBrace| InvalidNoticeTemplate::LoneBrace)?;
        let parts = pieces.into_iter().map(part).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), parts })
    }
}

/// As it was written.
impl fmt::Display for NoticeTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl NoticeTemplate {
    /// The text for that notice. What the notice does not have is empty.
    pub fn fill(&self, notice: &Notice) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Field(name) => filled.push_str(&field(notice, name)),
            }
        }
        filled
    }
}

fn field(notice: &Notice, name: &str) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    match name {
        "title" => notice.title.clone(),
        "what" => notice.what.clone(),
        "why" => optional(&notice.why),
        "what_to_do" => optional(&notice.what_to_do),
        "commands" => notice.commands.join("\n"),
        "kind" => notice.kind.to_string(),
        "severity" => notice.severity.as_str().to_owned(),
        "since" => minute(notice.since),
        "user" => notice.user_name.to_string(),
        "account" => notice.account_id.to_string(),
        "owner" => optional(&notice.owner),
        "old_key" => notice.old_key.as_ref().map(ToString::to_string).unwrap_or_default(),
        "new_key" => notice.new_key.as_ref().map(ToString::to_string).unwrap_or_default(),
        "rotation" => notice.rotation.as_ref().map(ToString::to_string).unwrap_or_default(),
        _ => notice.id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::notify::{NoticeId, test_notice};

    #[test]
    fn every_placeholder_is_filled_and_nothing_in_a_value_is_one() {
        let mut notice = test_notice(NoticeId::from_stored("test/1".into()), Timestamp::UNIX_EPOCH);
        notice.owner = Some("{user}".into());
        for name in FIELDS {
            let filled = format!("<{{{name}}}>").parse::<NoticeTemplate>().unwrap().fill(&notice);
            assert_eq!(filled, format!("<{}>", field(&notice, name)), "{name}");
        }
        let template: NoticeTemplate = "{{{user}}} {owner} {since}".parse().unwrap();
        assert_eq!(template.fill(&notice), "{nobody} {user} 1970-01-01 00:00 UTC");
        assert_eq!(template.to_string(), "{{{user}}} {owner} {since}");
    }

    #[test]
    fn unknown_placeholders_and_lone_braces_are_refused() {
        let unknown = InvalidNoticeTemplate::UnknownPlaceholder { name: "usr".into() };
        assert_eq!("{usr}".parse::<NoticeTemplate>(), Err(unknown));
        assert_eq!("{user".parse::<NoticeTemplate>(), Err(InvalidNoticeTemplate::LoneBrace));
    }
}
