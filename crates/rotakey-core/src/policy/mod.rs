//! The policy of `rotakey.toml`: how old a key may get, for whom, who is exempt, and how keys are rotated.
//!
//! A policy is applied to a [`UserSubject`], and of what is not known of it the strictest is assumed. The
//! configuration file is read by [`check`], which reports every mistake at once; [`json_schema`] describes
//! the same file to editors.

mod accounts;
mod approval;
mod config;
mod exemption;
mod glob;
mod matcher;
mod mistake;
mod notify;
mod period;
mod reader;
mod rotate;
mod rule;
mod schema;
mod store;
mod subject;
mod template;

use schemars::JsonSchema;

pub use accounts::{AccountSelector, AccountsConfig, AccountsFrom, ExternalId};
pub use approval::ApprovalRule;
pub use config::{Config, check, check_with};
pub use exemption::{Exempt, Exemption, Ruling, ruling};
pub use glob::Glob;
pub use matcher::{Answer, Matcher, PrivilegeClass};
pub use mistake::{Gravity, Mistake, Position};
pub use notify::NotifyEntry;
pub use period::{InvalidPeriod, Period};
pub use rotate::{
    CheckEntry, ChosenUsers, DestinationEntry, DestinationTemplate, NoDestination, RotateConfig, RotateRule,
    Undecided,
};
pub use rule::{Applied, Limits, Rule};
pub(crate) use schema::OneOrMany;
pub use schema::json_schema;
pub(crate) use schema::{AccountNumber, DayOfWeek, Instant, KeyId, LocalTime, NumberOrShare, TimeOfDay};
pub use store::StoreName;
pub use subject::{KeySlot, KeySubject, Principal, Privilege, UserSubject};
pub use template::{InvalidTemplate, Template};

/// The `[policy]` section: by what keys are judged.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Policy {
    /// How old an active key may get where no rule matches.
    pub max_age: Period,
    /// How long before its limit a key is due soon.
    pub warn_before: Period,
    /// How long an active key may be without use. For a key that was never used it counts from its creation.
    pub unused_after: Period,
    /// The tags that every user with a key must have.
    pub required_tags: Vec<String>,
    /// The tags that name the owner of a user: one of them is enough.
    pub owner_tags: Vec<String>,
    /// Other limits for some users; the first rule that matches decides.
    #[schemars(rename = "rule")]
    pub rules: Vec<Rule>,
    /// Findings that somebody answers for.
    #[schemars(rename = "exemption")]
    pub exemptions: Vec<Exemption>,
}

/// What holds without a configuration: 90 days, a warning 14 days before, 45 days without use, and the tags
/// `Application`, `Environment` and one that names an owner.
impl Default for Policy {
    fn default() -> Self {
        Self {
            max_age: Period::days(90),
            warn_before: Period::days(14),
            unused_after: Period::days(45),
            required_tags: vec!["Application".into(), "Environment".into()],
            owner_tags: ["Owner", "owner", "Contact", "contact"].map(String::from).to_vec(),
            rules: Vec::new(),
            exemptions: Vec::new(),
        }
    }
}

impl Policy {
    /// Who owns the user: the value of the first of the owner tags that it has and that is not empty.
    pub fn owner_of<'s>(&self, subject: &'s UserSubject) -> Option<&'s str> {
        let tags = subject.tags.known()?;
        self.owner_tags
            .iter()
            .find_map(|key| tags.get(key).map(String::as_str).filter(|owner| !owner.is_empty()))
    }
}

/// An IAM user of whom all is known, with one key.
#[cfg(test)]
pub(crate) fn test_subject(name: &str) -> UserSubject {
    use crate::fact::{Seen, Tags};

    UserSubject {
        account_id: crate::id::AccountId::new(111_122_223_333).unwrap(),
        principal: name.parse().unwrap(),
        arn: format!("arn:aws:iam::111122223333:user/{name}").into(),
        user_id: Some("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap()),
        path: "/".into(),
        tags: Seen::Known(Tags::from(
            [("Owner", "Ann"), ("Application", "shop"), ("Environment", "test")]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        )),
        privilege: Seen::Known(Privilege::Other),
        console_password: Seen::Known(false),
        keys: vec![test_key("2026-01-01T00:00:00Z")],
    }
}

/// An active key that was used just now.
#[cfg(test)]
pub(crate) fn test_key(created_at: &str) -> KeySubject {
    use crate::fact::{KeyStatus, LastUsed, Seen};

    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    KeySubject {
        id: Some("AKIAIOSFODNN7EXAMPLE".parse().unwrap()),
        slot: Some(KeySlot::First),
        status: KeyStatus::Active,
        created_at: Seen::Known(created_at.parse().unwrap()),
        last_used: Seen::Known(LastUsed::At {
            at: now,
            region: Some("eu-central-1".into()),
            service: Some("s3".into()),
        }),
        last_used_as_of: Some(now),
    }
}
