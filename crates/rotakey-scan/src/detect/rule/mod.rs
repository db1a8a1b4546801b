//! The rules: what can be found, in words and by example.
//!
//! A rule is a file. What it looks for is in the neighbouring modules, which all rules share since they look at the same bytes once;
//! what it means, how bad it is and what to do is here, with examples that the tests walk.

use crate::kind::{Kind, Severity};

mod access_key_id;
mod secret_access_key;
mod secret_access_key_pair;
mod session_token;

/// What is found, and what it means.
#[derive(Debug)]
pub struct Rule {
    /// The stable name, such as `aws-secret-access-key`.
    pub name: &'static str,
    /// What it finds.
    pub kind: Kind,
    /// A few words.
    pub title: &'static str,
    /// What is found, in a sentence or two.
    pub description: &'static str,
    /// What to do about it.
    pub help: &'static str,
    /// How bad it is alone. With its other half near it is [`Severity::High`], and the key of a trap is [`Severity::Low`].
    pub severity: Severity,
    /// Templates for [`crate::specimen::Specimen::fill`] in which the rule finds its kind once.
    pub positive: &'static [&'static str],
    /// Templates in which no rule finds this kind.
    pub negative: &'static [&'static str],
}

/// All rules, in the order of their names.
pub fn rules() -> &'static [Rule] {
    static RULES: [Rule; 4] =
        [access_key_id::RULE, secret_access_key::RULE, secret_access_key_pair::RULE, session_token::RULE];
    &RULES
}

/// The rule that finds such a value, with its other half or without.
pub(super) fn of(kind: Kind, paired: bool) -> &'static Rule {
    let name = match (kind, paired) {
        (Kind::AccessKeyId, _) => access_key_id::RULE.name,
        (Kind::SecretAccessKey, false) => secret_access_key::RULE.name,
        (Kind::SecretAccessKey, true) => secret_access_key_pair::RULE.name,
        (Kind::SessionToken, _) => session_token::RULE.name,
    };
    rules().iter().find(|rule| rule.name == name).expect("the names are those of rules")
}

#[cfg(test)]
mod tests;
