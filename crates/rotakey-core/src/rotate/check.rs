//! Checks: what tells that applications miss the old key, once it is disabled.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that is asked whether all is well. One that fails while the old key is still enabled keeps it from being
/// disabled; one that fails afterwards enables it again at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum CheckSpec {
    /// A page that must answer.
    Http(HttpCheck),
    /// A program that must end with exit code 0. It is run without a shell.
    Exec(ExecCheck),
    /// An alarm of Amazon CloudWatch that must not be in the state ALARM.
    CloudwatchAlarm(AlarmCheck),
}

/// A page that must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HttpCheck {
    /// The address, https:// or http://.
    pub url: String,
    /// The status that it must answer with.
    #[serde(default = "ok")]
    pub status: u16,
    /// A text that must be in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A program that must end with exit code 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ExecCheck {
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// An alarm of Amazon CloudWatch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AlarmCheck {
    /// Its name.
    pub name: String,
    /// Its region; that of the connection if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

fn ok() -> u16 {
    200
}

impl fmt::Display for CheckSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(check) => write!(f, "{}", check.url),
            Self::Exec(check) => {
                write!(f, "exec {}", check.command.first().map_or("nothing", String::as_str))
            }
            Self::CloudwatchAlarm(check) => write!(f, "alarm {}", check.name),
        }
    }
}

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Well,
    /// Something is broken, several times in a row.
    Failing(String),
}

/// Somebody or something said that applications miss the old key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The check that failed, as an index into the plan's, if it was one.
    pub check: Option<usize>,
    /// Who or what said what.
    pub what: String,
    /// When it was said.
    pub raised_at: Timestamp,
    /// When the old key was enabled again; `None` while it is not.
    pub enabled_at: Option<Timestamp>,
    /// How many times in a row AWS accepted the old key since.
    pub accepted: u32,
    /// When it was asked last.
    pub probed_at: Option<Timestamp>,
    /// What shows that it works again.
    pub proof: Option<String>,
}

impl Alarm {
    pub(super) fn raised(check: Option<usize>, what: String, at: Timestamp) -> Self {
        Self { check, what, raised_at: at, enabled_at: None, accepted: 0, probed_at: None, proof: None }
    }
}
