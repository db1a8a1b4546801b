//! `[[rotate.approval]]`: whose approval rotations need.

use schemars::JsonSchema;

use super::glob::Glob;
use super::matcher::Matcher;
use super::period::Period;
use crate::rotate::{ApprovalNeed, ApprovedStep};

/// One `[[rotate.approval]]`. Several that match a user must all be met.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Whose keys; everybody's if absent.
    #[schemars(rename = "match", with = "Option<Matcher>")]
    pub matcher: Matcher,
    /// What needs approval: that a rotation begins, that it deletes the old key.
    #[schemars(with = "super::schema::OneOrMany<ApprovedStep>")]
    pub steps: Vec<ApprovedStep>,
    /// How many different people must agree: one if absent.
    #[schemars(with = "Option<u8>")]
    pub people: u8,
    /// Patterns of the ARNs of those who may, such as
    /// `arn:aws:sts::123456789012:assumed-role/Approvers/*`; anybody if absent.
    #[schemars(with = "Option<super::schema::OneOrMany<Glob>>")]
    pub by: Vec<Glob>,
    /// How long an approval holds: 7 days if absent.
    #[schemars(with = "Option<Period>")]
    pub valid_for: Period,
    /// Whether two sessions of one role are two people. Only if the name of a session is given by an identity
    /// provider and never by whoever assumes the role.
    #[schemars(with = "Option<bool>")]
    pub trust_session_names: bool,
}

impl ApprovalRule {
    /// How long an approval holds unless the rule says otherwise.
    pub const VALID_FOR: Period = Period::days(7);

    /// What a plan says of it.
    pub(super) fn needs(&self) -> impl Iterator<Item = ApprovalNeed> {
        self.steps.iter().map(|step| ApprovalNeed {
            step: *step,
            people: self.people,
            by: self.by.iter().map(Glob::to_string).collect(),
            valid_for: self.valid_for.into(),
            trust_session_names: self.trust_session_names,
        })
    }
}
