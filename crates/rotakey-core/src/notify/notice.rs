//! One thing that somebody is told.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AccessKeyId, AccountId, RotationId};
use crate::policy::Principal;

/// What a notice is known by, for ever: the rotation, the entry of its log, the kind, and the number of a reminder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeId(String);

impl NoticeId {
    /// The notice of that kind that the entry with that version gave.
    pub(super) fn new(rotation: &RotationId, version: u64, kind: NoticeKind) -> Self {
        Self(format!("{rotation}/{version}/{kind}"))
    }

    /// The reminder with that number of what has been so since the entry with that version.
    pub(super) fn reminder(rotation: &RotationId, version: u64, number: i64) -> Self {
        Self(format!("{rotation}/{version}/{}/{number}", NoticeKind::Reminder))
    }

    /// An id of something that is in no log, or as a store gives it back.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The version of the entry of that rotation's log that gave it; `None` if it is of something else.
    pub fn entry_of(&self, rotation: &RotationId) -> Option<u64> {
        let mut parts = self.0.split('/');
        let (of, version, _kind) = (parts.next()?, parts.next()?, parts.next()?);
        if of == rotation.as_str() { version.parse().ok() } else { None }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What notices are about, and what was sent of them is kept by: a rotation, or a user that is left to a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(String);

impl Topic {
    /// A topic as a store gives it back.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&RotationId> for Topic {
    fn from(rotation: &RotationId) -> Self {
        Self(rotation.to_string())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happened, or is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// A rotation has begun.
    Begun,
    /// The new key is where applications read it: restart them.
    Published,
    /// A person must decide.
    Asks,
    /// The same step fails again and again; rotakey goes on trying.
    Failing,
    /// What was asked is answered, or what failed works.
    Settled,
    /// The old key was used though it had been quiet.
    UsedAgain,
    /// The old key is disabled for some minutes as a rehearsal.
    Rehearsal,
    /// The old key is disabled.
    Disabled,
    /// The old key, which was disabled, works again.
    EnabledAgain,
    /// The old key is deleted.
    Deleted,
    /// The way back to the old key begins.
    RollingBack,
    /// The old key is in use again.
    RolledBack,
    /// A person stopped the rotation.
    Aborted,
    /// Somebody must still do something.
    Reminder,
    /// A key is due, but only a person can say what to do: no rotation begins.
    Left,
    /// A test of the way to people. It cannot be chosen.
    #[schemars(skip)]
    Test,
}

impl NoticeKind {
    /// All that can be chosen, in the order in which a rotation gives them, and last what is told without one.
    pub const ALL: [Self; 15] = [
        Self::Begun,
        Self::Published,
        Self::Asks,
        Self::Failing,
        Self::Settled,
        Self::UsedAgain,
        Self::Rehearsal,
        Self::Disabled,
        Self::EnabledAgain,
        Self::Deleted,
        Self::RollingBack,
        Self::RolledBack,
        Self::Aborted,
        Self::Reminder,
        Self::Left,
    ];

    /// The name, in kebab-case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Published => "published",
            Self::Asks => "asks",
            Self::Failing => "failing",
            Self::Settled => "settled",
            Self::UsedAgain => "used-again",
            Self::Rehearsal => "rehearsal",
            Self::Disabled => "disabled",
            Self::EnabledAgain => "enabled-again",
            Self::Deleted => "deleted",
            Self::RollingBack => "rolling-back",
            Self::RolledBack => "rolled-back",
            Self::Aborted => "aborted",
            Self::Reminder => "reminder",
            Self::Left => "left",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much it matters that somebody reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should do something.
    Warning,
    /// Nothing goes on until somebody does something.
    Error,
}

impl Severity {
    /// The name. PagerDuty has the same three.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something that is open until it is settled, as tools that page people keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What it is known by: all notices of one incident have the same.
    pub key: String,
    /// What the notice makes of it.
    pub state: IncidentState,
}

/// What a notice makes of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentState {
    /// It is open.
    Open,
    /// It is over.
    Over,
}

/// One thing that somebody is told. Holds no secret; every text is one line without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is known by.
    pub id: NoticeId,
    /// What happened.
    pub kind: NoticeKind,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it is so.
    pub since: Timestamp,
    /// The rotation; `None` if there is none.
    pub rotation: Option<RotationId>,
    /// The account of the user.
    pub account_id: AccountId,
    /// The user whose key it is.
    pub user_name: Principal,
    /// The key that is replaced, in a rotation.
    pub old_key: Option<AccessKeyId>,
    /// The key that replaces it, once there is one.
    pub new_key: Option<AccessKeyId>,
    /// Who owns the user, as its tags say.
    pub owner: Option<String>,
    /// What happened, in one line.
    pub title: String,
    /// What happened, in whole sentences.
    pub what: String,
    /// Why, where there is more to say.
    pub why: Option<String>,
    /// What the reader is asked to do, if anything.
    pub what_to_do: Option<String>,
    /// The exact commands for it.
    pub commands: Vec<String>,
    /// What it opens or settles.
    pub incident: Option<Incident>,
}

impl Notice {
    /// The notice, with the owner of its user.
    #[must_use]
    pub fn owned_by(self, owner: Option<&str>) -> Self {
        Self { owner: owner.map(one_line), ..self }
    }
}

/// The longest text of others that is repeated.
const LONGEST: usize = 1_000;

/// A text of others on one line: control characters, and those that change the direction of text or cannot be seen,
/// are spaces.
pub(super) fn one_line(text: &str) -> String {
    let unseen = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let line: String =
        text.chars().map(|letter| if unseen(letter) { ' ' } else { letter }).take(LONGEST + 1).collect();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_others_stays_on_its_line() {
        assert_eq!(one_line("a\r\nBcc: b\u{202e}c\u{7f}"), "a  Bcc: b c");
        assert_eq!(one_line(&"é".repeat(2_000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_notice_is_known_by_the_entry_that_gave_it() {
        let [apple, melon]: [RotationId; 2] = ["r-apple", "r-melon"].map(|id| id.parse().unwrap());
        for id in [NoticeId::new(&apple, 7, NoticeKind::Begun), NoticeId::reminder(&apple, 7, 3)] {
            assert_eq!((id.entry_of(&apple), id.entry_of(&melon)), (Some(7), None), "{id}");
        }
        for other in ["test/mail/1700", "r-apple/7", "r-apple/x/begun", ""] {
            assert_eq!(NoticeId::from_stored(other.to_owned()).entry_of(&apple), None, "{other}");
        }
    }

    #[test]
    fn the_names_of_kinds_are_those_of_the_schema() {
        for kind in NoticeKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
