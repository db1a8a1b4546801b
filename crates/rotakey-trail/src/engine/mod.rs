//! The same questions for engines that others run, where a trail is too large for one machine: Amazon Athena and
//! ClickHouse. Nothing but text is made here; what an engine answers is read into the same schema ([`rows`]).
//!
//! A statement reads the trail once, which is what Athena is paid by. All that comes from a person is of a type that
//! cannot hold what ends a literal, and is quoted all the same.

pub mod athena;
pub mod clickhouse;
mod names;
pub mod rows;
#[cfg(test)]
mod tests;

use rotakey_core::id::{AccessKeyId, AccountId};

use crate::event_time::{DAY, EventTime};
use crate::keys::Concern;
use crate::outcome::{DENIED_PARTS, THROTTLING, THROTTLING_PART};
use crate::selection::MARGIN_DAYS;

pub use names::{Bucket, Identifier, NameError, OrganizationId, Pattern, RegionName};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Who uses each key: a row for each key, in the columns of `trail usage`.
    Usage,
    /// From where and by what each key is used: a row for each key, source, client, endpoint and service.
    Consumers,
    /// The records that manage keys and their holders.
    Keys,
}

/// Which part of a trail is asked about, and of which keys. As in [`crate::selection::Selection`], what is empty does not
/// restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Whose trails.
    pub accounts: Vec<AccountId>,
    /// Of which regions.
    pub regions: Vec<RegionName>,
    /// The earliest time.
    pub from: Option<EventTime>,
    /// The first time that is too late.
    pub until: Option<EventTime>,
    /// The keys; of [`Question::Keys`], those that are managed.
    pub keys: Vec<AccessKeyId>,
}

/// A day as folders have it, `2026/11/23`.
fn folder_of(time: EventTime) -> String {
    time.to_string()[..10].replace('-', "/")
}

impl Scope {
    /// The first and the last day whose folders may hold records that are asked about.
    fn days(&self) -> (Option<EventTime>, Option<EventTime>) {
        let moved = |time: EventTime, days: i64| EventTime::from_seconds(time.seconds() + days * DAY);
        let first = self.from.map(|from| moved(from, -MARGIN_DAYS).unwrap_or_default());
        (first, self.until.and_then(|until| moved(until, MARGIN_DAYS)))
    }
}

/// Literals, as a list.
fn list(literal: impl Fn(&str) -> String, texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    texts.into_iter().map(|text| literal(text.as_ref())).collect::<Vec<_>>().join(", ")
}

/// What each engine calls the columns of a record and does with texts.
struct Grammar {
    literal: fn(&str) -> String,
    /// An expression that is true if the column has a part of the pattern.
    matches: fn(&str, &str) -> String,
    /// The error code without what is before its first dot.
    short_code: &'static str,
}

impl Grammar {
    /// Whether an error code is one of throttling, as [`crate::outcome::Outcome`] tells it.
    fn is_throttled(&self) -> String {
        let codes = list(self.literal, THROTTLING);
        let part = (self.matches)("short_code", THROTTLING_PART);
        format!("(short_code IN ({codes}) OR {part})")
    }

    /// Whether it is one of a refusal, if it is not one of throttling.
    fn is_denied(&self) -> String {
        (self.matches)("short_code", &DENIED_PARTS.join("|"))
    }

    /// What restricts records to a scope, each by itself.
    fn restrictions(&self, scope: &Scope, question: Question) -> Vec<String> {
        let mut all = Vec::new();
        let is_in = |column: &str, texts: Vec<String>| match texts.is_empty() {
            true => None,
            false => Some(format!("{column} IN ({})", list(self.literal, texts))),
        };
        let texts = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>();
        all.extend(is_in("record_account", texts(&mut scope.accounts.iter().map(ToString::to_string))));
        all.extend(is_in("aws_region", texts(&mut scope.regions.iter().map(ToString::to_string))));
        if let Some(from) = scope.from {
            all.push(format!("event_at >= {}", (self.literal)(&from.to_string())));
        }
        if let Some(until) = scope.until {
            all.push(format!("event_at < {}", (self.literal)(&until.to_string())));
        }
        let column = if question == Question::Keys { "managed_key" } else { "access_key_id" };
        all.extend(is_in(column, texts(&mut scope.keys.iter().map(ToString::to_string))));
        if question == Question::Keys {
            all.push(format!(
                "(event_source = 'iam.amazonaws.com' AND event_name IN ({}) \
                 OR event_source = 'signin.amazonaws.com' AND event_name IN ('ConsoleLogin', 'CheckMfa'))",
                list(self.literal, Concern::actions_of_iam())
            ));
        } else {
            all.push("access_key_id <> ''".to_owned());
        }
        all
    }
}
