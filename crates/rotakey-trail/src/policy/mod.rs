//! A least-privilege policy from what a key was seen to do.
//!
//! What is not recorded is not granted: data events are in a trail only if they were asked for, and what happens
//! once a year is in no trail of a month. A policy from here is a beginning for a person, not an end.

mod action;
mod document;
mod exceptions;
mod need;
mod resource;
mod resource_table;
mod seen;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use document::{DeniedAction, GrantedAction, PolicyReport, SubjectKind, SubjectPolicy, Warning};
pub use resource::WhyAll;
pub use write::{Document, MOST_CHARACTERS, Statement};

use crate::answer::Answer;
use crate::event_time::EventTime;
use crate::lineage::KeySet;
use crate::outcome::Outcome;
use crate::policy::need::{needs, passed_profile};
use crate::policy::seen::Seen;
use crate::record::Record;
use crate::selection::Selection;
use crate::usage::schema::Tally;

/// The most instance profiles that are told.
const MOST_PROFILES: usize = 100;

/// Takes the calls of a key, and of sessions of it.
#[derive(Debug)]
pub struct PolicyAnswer {
    keys: Arc<KeySet>,
    selection: Selection,
    subjects: BTreeMap<Subject, SubjectSeen>,
}

/// Whose policy a permission belongs into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// The user of the key. Its sessions of `GetSessionToken` and `GetFederationToken` act with its permissions.
    User,
    /// A role that was assumed.
    Role(String),
}

/// What one subject was seen to do.
#[derive(Debug, Default)]
struct SubjectSeen {
    tally: Option<Tally>,
    /// The ARN it signed as last.
    principal: Option<(EventTime, String)>,
    actions: BTreeMap<String, ActionSeen>,
    not_authenticated: u64,
    not_understood: u64,
    nothing_needed: u64,
    profiles: BTreeSet<String>,
    data_services: BTreeSet<String>,
}

/// What was seen of one action.
#[derive(Debug, Default)]
struct ActionSeen {
    /// Calls that were not denied.
    allowed: Seen,
    /// Those among them that succeeded.
    succeeded: u64,
    denied: Seen,
}

impl PolicyAnswer {
    /// Asks about the root of those keys, and about those that descend from it. Only records of the selection count.
    pub fn new(keys: Arc<KeySet>, selection: Selection) -> Self {
        Self { keys, selection, subjects: BTreeMap::new() }
    }

    fn subject(&self, record: &Record<'_>) -> Option<Subject> {
        let signer = record.identity.access_key_id?;
        if !self.keys.contains(signer) || !self.selection.has(record) {
            return None;
        }
        if signer == self.keys.root() || record.identity.kind != Some("AssumedRole") {
            return Some(Subject::User);
        }
        let context = Record::json(record.identity.session_context);
        let role = context["sessionIssuer"]["arn"].as_str().map(str::to_owned);
        Some(Subject::Role(role.or_else(|| role_of_session(record.identity.arn?)).unwrap_or_default()))
    }
}

/// `arn:aws:sts::111122223333:assumed-role/NAME/SESSION` without the session. The path of the role is not in it.
fn role_of_session(arn: &str) -> Option<String> {
    let (place, session) = arn.split_once(":assumed-role/")?;
    let (name, _) = session.split_once('/')?;
    Some(format!("{}:role/{name}", place.replacen(":sts:", ":iam:", 1)))
}

impl Answer for PolicyAnswer {
    fn take(&mut self, records: &[Record<'_>]) {
        for record in records {
            if let Some(subject) = self.subject(record) {
                self.subjects.entry(subject).or_default().take(record);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for (subject, seen) in other.subjects {
            self.subjects.entry(subject).or_default().merge(seen);
        }
    }
}

impl SubjectSeen {
    fn take(&mut self, record: &Record<'_>) {
        self.count(Tally::once(record.time));
        if let Some(arn) = record.identity.arn {
            let latest =
                self.principal.as_ref().is_none_or(|(at, known)| (*at, known.as_str()) < (record.time, arn));
            if latest {
                self.principal = Some((record.time, arn.to_owned()));
            }
        }
        let request = Record::json(record.request);
        let Some(needs) = needs(record, &request) else {
            self.not_understood += 1;
            return;
        };
        // A call that failed for another reason than permissions counts as one that is allowed: whoever asks is mostly
        // told of mistakes in the request only after it was found that the request is allowed.
        let outcome = Outcome::of(record.error_code);
        if is_not_authenticated(record.error_code) {
            self.not_authenticated += 1;
            return;
        }
        self.nothing_needed += u64::from(needs.is_empty());
        if record.event_category == Some("Data") {
            self.data_services.insert(record.service().to_owned());
        }
        if outcome != Outcome::Denied
            && let Some(profile) = passed_profile(record, &request)
        {
            self.add_profile(profile);
        }
        for need in needs {
            let action = self.actions.entry(need.action).or_default();
            match outcome {
                Outcome::Denied => action.denied.add(record.time, &need.resources),
                _ => action.allowed.add(record.time, &need.resources),
            }
            action.succeeded += u64::from(outcome == Outcome::Done || is_dry_run(record.error_code));
        }
    }

    fn merge(&mut self, other: Self) {
        if let Some(tally) = other.tally {
            self.count(tally);
        }
        self.principal = self.principal.take().max(other.principal);
        for (name, seen) in other.actions {
            let action = self.actions.entry(name).or_default();
            action.allowed.merge(seen.allowed);
            action.denied.merge(seen.denied);
            action.succeeded += seen.succeeded;
        }
        self.not_authenticated += other.not_authenticated;
        self.not_understood += other.not_understood;
        self.nothing_needed += other.nothing_needed;
        other.profiles.into_iter().for_each(|profile| self.add_profile(profile));
        self.data_services.extend(other.data_services);
    }

    fn count(&mut self, other: Tally) {
        match &mut self.tally {
            Some(tally) => tally.add(other),
            none => *none = Some(other),
        }
    }

    fn add_profile(&mut self, profile: String) {
        self.profiles.insert(profile);
        if self.profiles.len() > MOST_PROFILES {
            self.profiles.pop_last();
        }
    }
}

/// The error codes of calls of which it was not even known who makes them: they say nothing of permissions. From
/// "Common errors" of the APIs, and "Error responses" of Amazon S3 and Amazon EC2.
const NOT_AUTHENTICATED: [&str; 15] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// Whether Amazon EC2 says with that `errorCode` that the call would have been done, had it been meant.
fn is_dry_run(error_code: Option<&str>) -> bool {
    error_code.is_some_and(|code| code.ends_with("DryRunOperation"))
}

/// Whether a call with that `errorCode` failed before it was known who makes it.
fn is_not_authenticated(error_code: Option<&str>) -> bool {
    error_code.is_some_and(|code| {
        let code = code.split_once('.').map_or(code, |(_, code)| code);
        NOT_AUTHENTICATED.contains(&code)
    })
}
