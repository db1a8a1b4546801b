//! Which users a rule, an exemption or a destination is meant for.

use std::collections::BTreeMap;
use std::ops::BitAnd;

use schemars::JsonSchema;

use super::glob::Glob;
use super::subject::{Principal, Privilege, UserSubject};
use crate::fact::Seen;
use crate::id::AccountId;

/// The answer to "does it match?", which a fact that could not be read leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Yes,
    /// It does not, whatever the unknown facts are.
    No,
    /// It depends on a fact that is not known.
    Unknown,
}

impl Answer {
    fn of(seen: Seen<bool>) -> Self {
        match seen {
            Seen::Known(true) => Self::Yes,
            Seen::Known(false) => Self::No,
            Seen::Unknown(_) => Self::Unknown,
        }
    }
}

/// Both. One sure no decides, whatever is unknown.
impl BitAnd for Answer {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }
}

/// Conditions that must all hold; of the values of one condition any may. Without conditions it matches
/// every user.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Matcher {
    /// The account ids.
    #[schemars(with = "Option<super::schema::OneOrMany<super::schema::AccountNumber>>")]
    pub account: Vec<AccountId>,
    /// The user name. The root user matches only the exact text `<root_account>`.
    #[schemars(with = "Option<super::schema::OneOrMany<Glob>>")]
    pub user: Vec<Glob>,
    /// The path, such as `/service/*`.
    #[schemars(with = "Option<super::schema::OneOrMany<Glob>>")]
    pub path: Vec<Glob>,
    /// The value of the tag `Environment`, ignoring the case of letters.
    #[schemars(with = "Option<super::schema::OneOrMany<Glob>>")]
    pub environment: Vec<Glob>,
    /// The values of other tags, by tag key.
    #[schemars(with = "Option<BTreeMap<String, super::schema::OneOrMany<Glob>>>")]
    pub tags: BTreeMap<String, Vec<Glob>>,
    /// What the user may do, found from its attached, inline and group policies.
    pub privilege: Option<PrivilegeClass>,
}

/// The privileges that a [`Matcher`] can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum PrivilegeClass {
    /// The user may do everything, or can give itself that right.
    Administrator,
}

impl Matcher {
    /// The tag whose value `environment` stands for.
    pub const ENVIRONMENT_TAG: &str = "Environment";

    /// Whether the user matches.
    pub fn matches(&self, subject: &UserSubject) -> Answer {
        let sure = self.account_matches(subject) && self.user_matches(subject) && self.path_matches(subject);
        if !sure {
            return Answer::No;
        }
        self.environment_matches(subject) & self.tags_match(subject) & self.privilege_matches(subject)
    }

    /// Whether it has no condition, and so matches every user.
    pub fn matches_everyone(&self) -> bool {
        *self == Self::default()
    }

    /// Whether only one user of an account can match.
    pub(super) fn names_one_user(&self) -> bool {
        matches!(self.user.as_slice(), [only] if only.is_literal())
    }

    /// Whether every user that matches `other` surely matches this too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let accounts = self.account.is_empty()
            || !other.account.is_empty() && other.account.iter().all(|id| self.account.contains(id));
        let tags = self
            .tags
            .iter()
            .all(|(key, wide)| other.tags.get(key).is_some_and(|narrow| any_covers(wide, narrow)));
        accounts
            && tags
            && any_covers(&self.user, &other.user)
            && any_covers(&self.path, &other.path)
            && any_covers(&self.environment, &other.environment)
            && (self.privilege.is_none() || self.privilege == other.privilege)
    }

    fn account_matches(&self, subject: &UserSubject) -> bool {
        self.account.is_empty() || self.account.contains(&subject.account_id)
    }

    fn user_matches(&self, subject: &UserSubject) -> bool {
        match &subject.principal {
            // `user = "*"` is written with the IAM users in mind; the root user is meant only by name.
            Principal::Root => {
                self.user.is_empty() || self.user.iter().any(|glob| glob.as_str() == Principal::ROOT_NAME)
            }
            Principal::User(name) => any_matches(&self.user, name.as_str()),
        }
    }

    fn path_matches(&self, subject: &UserSubject) -> bool {
        any_matches(&self.path, &subject.path)
    }

    fn environment_matches(&self, subject: &UserSubject) -> Answer {
        if self.environment.is_empty() {
            return Answer::Yes;
        }
        let fits = |value: &str| self.environment.iter().any(|glob| glob.matches_ignoring_case(value));
        tag_answer(subject, Self::ENVIRONMENT_TAG, fits)
    }

    fn tags_match(&self, subject: &UserSubject) -> Answer {
        self.tags
            .iter()
            .map(|(key, globs)| tag_answer(subject, key, |value| any_matches(globs, value)))
            .fold(Answer::Yes, Answer::bitand)
    }

    fn privilege_matches(&self, subject: &UserSubject) -> Answer {
        match (self.privilege, &subject.privilege) {
            (None, _) => Answer::Yes,
            (Some(PrivilegeClass::Administrator), Seen::Known(Privilege::Administrator { .. })) => {
                Answer::Yes
            }
            (Some(PrivilegeClass::Administrator), Seen::Known(Privilege::Other)) => Answer::No,
            (Some(_), Seen::Unknown(_)) => Answer::Unknown,
        }
    }
}

fn any_matches(globs: &[Glob], text: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| glob.matches(text))
}

fn any_covers(wide: &[Glob], narrow: &[Glob]) -> bool {
    wide.is_empty()
        || !narrow.is_empty() && narrow.iter().all(|inner| wide.iter().any(|outer| outer.covers(inner)))
}

fn tag_answer(subject: &UserSubject, key: &str, fits: impl Fn(&str) -> bool) -> Answer {
    Answer::of(match subject.tag(key) {
        Seen::Known(value) => Seen::Known(value.is_some_and(fits)),
        Seen::Unknown(why) => Seen::Unknown(why),
    })
}
