//! What `trail policy` tells.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::event_time::EventTime;
use crate::policy::resource::WhyAll;
use crate::policy::seen::Seen;
use crate::policy::write::{Document, documents};
use crate::policy::{ActionSeen, PolicyAnswer, Subject, SubjectSeen};
use crate::summary::Summary;

/// How many managed policies can be attached to a user or a role unless a quota was raised.
const MOST_ATTACHED: usize = 10;

/// The policies for a key and what was assumed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyReport {
    /// Whether all that was asked about was read.
    pub complete: bool,
    /// The key.
    pub access_key_id: String,
    /// The user of the key first, then roles by their ARNs. Each has policies of its own.
    pub subjects: Vec<SubjectPolicy>,
    /// How many sessions of the key were followed.
    pub sessions_followed: u64,
    /// Whether all of them were followed that were seen.
    pub followed: bool,
    /// What was read.
    pub summary: Summary,
}

/// The policies of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubjectPolicy {
    /// What it is.
    pub kind: SubjectKind,
    /// Its ARN, as far as a record tells it.
    pub arn: Option<String>,
    /// The first and the last call that was recorded.
    pub first_at: EventTime,
    #[expect(missing_docs, reason = "told together with `first_at`")]
    pub last_at: EventTime,
    /// All calls.
    pub calls: u64,
    /// Calls that need no permission.
    pub calls_without_permission: u64,
    /// Calls that failed before it was known who asks. They say nothing of permissions.
    pub calls_not_authenticated: u64,
    /// Calls whose names are none of AWS.
    pub calls_not_understood: u64,
    /// The documents: all of them together grant what was seen.
    pub policies: Vec<Document>,
    /// What they grant.
    pub granted: Vec<GrantedAction>,
    /// What was denied when it was tried, and is not granted.
    pub denied: Vec<DeniedAction>,
    /// What a person should know before using it.
    pub warnings: Vec<Warning>,
}

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// The user of the key.
    User,
    /// A role that was assumed with it, directly or not.
    Role,
}

/// One action that is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantedAction {
    /// Such as `s3:GetObject`.
    pub action: String,
    /// ARN patterns, or `*` alone.
    pub resources: Vec<String>,
    /// Why it is `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why_all: Vec<WhyAll>,
    /// Calls that it allows.
    pub calls: u64,
    /// Those among them that succeeded. With none, it is not certain that the permission was there.
    pub succeeded: u64,
    /// Calls that were denied all the same.
    pub denied: u64,
    /// The last call.
    pub last_at: Option<EventTime>,
}

/// One action that was denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeniedAction {
    /// Such as `s3:GetObject`.
    pub action: String,
    /// On what, or `*` if that is not known.
    pub resources: Vec<String>,
    /// How many calls.
    pub calls: u64,
    /// The last call.
    pub last_at: Option<EventTime>,
}

/// What a person should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// A code that stays the same.
    pub code: &'static str,
    /// What it means.
    pub message: String,
}

impl PolicyAnswer {
    /// The report. With `include_denied`, what was denied is granted too.
    pub fn into_report(self, include_denied: bool, summary: &Summary) -> PolicyReport {
        PolicyReport {
            complete: summary.is_complete() && !self.keys.is_cut(),
            access_key_id: self.keys.root().to_owned(),
            sessions_followed: self.keys.descendants(),
            followed: !self.keys.is_cut(),
            summary: summary.clone(),
            subjects: self
                .subjects
                .into_iter()
                .filter_map(|(subject, seen)| seen.into_policy(subject, include_denied))
                .collect(),
        }
    }
}

impl SubjectSeen {
    fn into_policy(self, subject: Subject, include_denied: bool) -> Option<SubjectPolicy> {
        let tally = self.tally?;
        let mut granted = Vec::new();
        let mut denied = Vec::new();
        for (action, ActionSeen { mut allowed, succeeded, denied: refused }) in self.actions {
            let denied_calls = refused.calls();
            if include_denied {
                allowed.merge(refused);
            } else if denied_calls > 0 {
                denied.push(DeniedAction {
                    action: action.clone(),
                    resources: list(&refused).0,
                    calls: denied_calls,
                    last_at: refused.tally.map(|tally| tally.last_at),
                });
            }
            if allowed.calls() > 0 {
                let (resources, why_all) = list(&allowed);
                granted.push(GrantedAction {
                    action,
                    resources,
                    why_all,
                    calls: allowed.calls(),
                    succeeded,
                    denied: denied_calls,
                    last_at: allowed.tally.map(|tally| tally.last_at),
                });
            }
        }
        let policies = documents(&granted.iter().map(GrantedAction::grant).collect());
        let (kind, arn) = match subject {
            Subject::User => (SubjectKind::User, self.principal.map(|(_, arn)| arn)),
            Subject::Role(arn) => (SubjectKind::Role, (!arn.is_empty()).then_some(arn)),
        };
        let mut policy = SubjectPolicy {
            kind,
            arn,
            first_at: tally.first_at,
            last_at: tally.last_at,
            calls: tally.calls,
            calls_without_permission: self.nothing_needed,
            calls_not_authenticated: self.not_authenticated,
            calls_not_understood: self.not_understood,
            policies,
            granted,
            denied,
            warnings: Vec::new(),
        };
        policy.warnings = policy.warnings(&self.data_services, &self.profiles);
        Some(policy)
    }
}

/// The resources as a policy names them, and why if it is all.
fn list(seen: &Seen) -> (Vec<String>, Vec<WhyAll>) {
    match seen.resources() {
        Ok(arns) => (arns.iter().cloned().collect(), Vec::new()),
        Err(why_all) => (vec!["*".to_owned()], why_all.iter().copied().collect()),
    }
}

impl GrantedAction {
    /// The action with its resources; with none of them, if it is all.
    fn grant(&self) -> (String, BTreeSet<String>) {
        let resources =
            if self.why_all.is_empty() { self.resources.iter().cloned().collect() } else { BTreeSet::new() };
        (self.action.clone(), resources)
    }
}

impl SubjectPolicy {
    fn warnings(&self, data_services: &BTreeSet<String>, profiles: &BTreeSet<String>) -> Vec<Warning> {
        let mut warnings = vec![Warning {
            code: "recorded-only",
            message: format!(
                "This policy covers what was recorded from {} to {}, and nothing else: what is done more rarely is not \
                 in it.",
                self.first_at, self.last_at
            ),
        }];
        let mut warn = |code, message| warnings.push(Warning { code, message });
        if data_services.is_empty() {
            warn(
                "no-data-events",
                "There are no data events among the records: what was done with S3 objects, DynamoDB items, queues, \
                 topics, parameters of functions and their like is not in this policy unless the trail records it."
                    .to_owned(),
            );
        } else {
            let services: Vec<&str> = data_services.iter().map(String::as_str).collect();
            warn(
                "some-data-events",
                format!(
                    "There are data events of {} only: what was done with the data of other services, or of resources \
                     that the trail does not record, is not in this policy.",
                    services.join(", ")
                ),
            );
        }
        for profile in profiles {
            warn(
                "pass-role-unknown",
                format!(
                    "An instance was started with the instance profile {profile}: add iam:PassRole for its role, which \
                     the record does not name."
                ),
            );
        }
        let unproven: BTreeMap<&str, u64> = self
            .granted
            .iter()
            .filter(|granted| granted.succeeded == 0)
            .map(|granted| (granted.action.as_str(), granted.calls))
            .collect();
        if !unproven.is_empty() {
            let actions: Vec<&str> = unproven.into_keys().collect();
            warn(
                "never-succeeded",
                format!(
                    "Granted, though no call of it succeeded, for none was denied either: {}.",
                    actions.join(", ")
                ),
            );
        }
        if self.calls_not_understood > 0 {
            warn(
                "not-understood",
                format!(
                    "{} calls have names that are none of AWS, and are not in it.",
                    self.calls_not_understood
                ),
            );
        }
        if self.policies.len() > MOST_ATTACHED {
            warn(
                "too-many-policies",
                format!(
                    "These are {} policies; {MOST_ATTACHED} can be attached unless the quota was raised. Write \
                     wider patterns for what belongs together.",
                    self.policies.len()
                ),
            );
        }
        warnings
    }
}
