//! Exemptions: findings that somebody answers for, until a day.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::matcher::{Answer, Matcher};
use super::mistake::Position;
use super::subject::{KeySubject, UserSubject};
use crate::audit::Code;
use crate::id::AccessKeyId;

/// One `[[policy.exemption]]`. It fails closed: expired, or not surely meant for a key, it exempts nothing.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Exemption {
    /// Whose keys.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// Which of their keys; all if empty.
    #[schemars(with = "Option<super::schema::OneOrMany<super::schema::KeyId>>")]
    pub access_key: Vec<AccessKeyId>,
    /// From which findings.
    #[schemars(with = "super::schema::OneOrMany<Code>")]
    pub checks: Vec<Code>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day (in UTC) on which it holds.
    #[schemars(with = "super::schema::Day")]
    pub expires: Date,
    /// Where the configuration says it.
    #[schemars(skip)]
    pub position: Position,
}

impl Exemption {
    /// The first instant at which it holds no more: midnight UTC behind its last day.
    pub fn ends_at(&self) -> Timestamp {
        let midnight = self
            .expires
            .tomorrow()
            .ok()
            .and_then(|day| TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok());
        midnight.unwrap_or(Timestamp::MAX)
    }

    /// Whether it holds no more at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.ends_at()
    }

    /// Whether it is meant for that finding of that key, expired or not.
    fn matches(&self, code: Code, subject: &UserSubject, key: &KeySubject) -> Answer {
        if !self.checks.contains(&code) {
            return Answer::No;
        }
        self.matcher.matches(subject) & self.key_matches(key)
    }

    fn key_matches(&self, key: &KeySubject) -> Answer {
        match &key.id {
            _ if self.access_key.is_empty() => Answer::Yes,
            Some(id) if self.access_key.contains(id) => Answer::Yes,
            Some(_) => Answer::No,
            None => Answer::Unknown,
        }
    }
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exempt {
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The first instant at which the exemption holds no more.
    #[schemars(with = "super::schema::Instant")]
    pub until: Timestamp,
}

/// What the exemptions of a policy say to one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling<'p> {
    /// Nothing: it counts.
    Counts,
    /// It is exempt.
    Exempt(&'p Exemption),
    /// It counts, although an exemption is meant for it: that one has expired.
    Expired(&'p Exemption),
    /// It counts, although an exemption may be meant for it: what is known does not say.
    Unsure(&'p Exemption),
}

impl Ruling<'_> {
    /// The exemption that holds.
    pub fn exempt(&self) -> Option<Exempt> {
        match self {
            Self::Exempt(exemption) => Some(Exempt {
                owner: exemption.owner.clone(),
                reason: exemption.reason.clone(),
                until: exemption.ends_at(),
            }),
            _ => None,
        }
    }

    /// What a person should know of an exemption that does not hold.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Counts | Self::Exempt(_) => None,
            Self::Expired(_) | Self::Unsure(_) => Some(self.to_string()),
        }
    }
}

impl fmt::Display for Ruling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counts => f.write_str("not exempt"),
            Self::Exempt(Exemption { owner, reason, expires, .. }) => {
                write!(f, "exempt until the end of {expires} (UTC): {owner} answers for it ({reason})")
            }
            Self::Expired(Exemption { owner, reason, expires, .. }) => {
                write!(f, "the exemption of {owner} ({reason}) expired with {expires} (UTC)")
            }
            Self::Unsure(Exemption { owner, reason, .. }) => write!(
                f,
                "the exemption of {owner} ({reason}) does not count here: it is not known whether it is \
                 meant for this key"
            ),
        }
    }
}

/// What the exemptions say to the finding `code` of that key at `now`. One that holds goes before one that
/// does not; among equals the first in the file is named.
pub fn ruling<'p>(
    exemptions: &'p [Exemption],
    code: Code,
    subject: &UserSubject,
    key: &KeySubject,
    now: Timestamp,
) -> Ruling<'p> {
    let mut ruling = Ruling::Counts;
    for exemption in exemptions {
        let found = match exemption.matches(code, subject, key) {
            Answer::No => continue,
            Answer::Unknown => Ruling::Unsure(exemption),
            Answer::Yes if exemption.is_expired(now) => Ruling::Expired(exemption),
            Answer::Yes => return Ruling::Exempt(exemption),
        };
        if ruling == Ruling::Counts {
            ruling = found;
        }
    }
    ruling
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Seen;
    use crate::policy::{test_key, test_subject};

    fn exemption() -> Exemption {
        Exemption {
            matcher: Matcher { user: vec!["ali*".into()], ..Matcher::default() },
            access_key: Vec::new(),
            checks: vec![Code::KeyTooOld],
            owner: "platform".into(),
            reason: "SES relay".into(),
            expires: "2026-11-30".parse().unwrap(),
            position: Position::default(),
        }
    }

    fn judged(exemptions: &[Exemption], now: &str) -> String {
        let key = test_key("2026-01-01T00:00:00Z");
        ruling(exemptions, Code::KeyTooOld, &test_subject("alice"), &key, now.parse().unwrap()).to_string()
    }

    #[test]
    fn an_exemption_holds_to_the_end_of_its_last_day() {
        let exempt = "exempt until the end of 2026-11-30 (UTC): platform answers for it (SES relay)";
        assert_eq!(judged(&[exemption()], "2026-11-30T23:59:59Z"), exempt);
        assert_eq!(
            judged(&[exemption()], "2026-12-01T00:00:00Z"),
            "the exemption of platform (SES relay) expired with 2026-11-30 (UTC)"
        );
    }

    #[test]
    fn an_exemption_that_may_not_be_meant_does_not_count() {
        let by_tag = Exemption {
            matcher: Matcher { tags: [("Team".into(), vec!["mail".into()])].into(), ..Matcher::default() },
            ..exemption()
        };
        let mut subject = test_subject("alice");
        subject.tags = Seen::Unknown("not in a credential report".into());
        let key = test_key("2026-01-01T00:00:00Z");
        let now = "2026-11-01T00:00:00Z".parse().unwrap();
        let exemptions = [by_tag];
        let ruling = ruling(&exemptions, Code::KeyTooOld, &subject, &key, now);
        assert!(matches!(ruling, Ruling::Unsure(_)));
        assert_eq!(ruling.exempt(), None);
        assert!(ruling.note().is_some());
    }

    #[test]
    fn an_exemption_of_a_key_needs_to_know_the_key() {
        let one_key = Exemption { access_key: vec!["AKIAIOSFODNN7EXAMPLE".parse().unwrap()], ..exemption() };
        let mut key = test_key("2026-01-01T00:00:00Z");
        assert_eq!(one_key.key_matches(&key), Answer::Yes);
        key.id = Some("AKIAI44QH8DHBEXAMPLE".parse().unwrap());
        assert_eq!(one_key.key_matches(&key), Answer::No);
        key.id = None;
        assert_eq!(one_key.key_matches(&key), Answer::Unknown);
    }

    #[test]
    fn an_exemption_is_from_the_findings_that_it_names_only() {
        let key = test_key("2026-01-01T00:00:00Z");
        let now = "2026-11-01T00:00:00Z".parse().unwrap();
        let exemptions = [exemption()];
        let ruling = ruling(&exemptions, Code::KeyUnused, &test_subject("alice"), &key, now);
        assert_eq!(ruling, Ruling::Counts);
    }

    #[test]
    fn one_that_holds_goes_before_one_that_expired() {
        let expired = Exemption { expires: "2020-01-01".parse().unwrap(), ..exemption() };
        assert!(judged(&[expired, exemption()], "2026-11-01T00:00:00Z").starts_with("exempt until"));
    }
}
