//! Where a new key is tried before applications get it: each AWS service learns of a key on its own.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::effect::{FailureKind, Outcome};
use super::plan::Plan;
use super::usage::KnownUsage;
use crate::fact::LastUsed;

/// The services in which a key can be tried with a call that changes nothing, by the names that CloudTrail and IAM
/// have for them. AWS STS is asked anyway.
pub const PROBED_SERVICES: [&str; 13] = [
    "cloudformation",
    "dynamodb",
    "ec2",
    "email",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
];

/// The most services and regions that a new key is tried in.
const MOST_POINTS: usize = 8;

/// How many calls in a row that say nothing (no answer, no such endpoint) are made before a place is passed over: an
/// endpoint that cannot be reached from here may be reached by applications.
const SILENCES: u32 = 3;

/// A service in a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServicePoint {
    /// One of [`PROBED_SERVICES`].
    pub service: String,
    /// The region.
    pub region: String,
}

/// How far a service has accepted the new key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointProbe {
    /// Whether the key is known there.
    pub known: bool,
    /// How many calls in a row said nothing.
    pub silences: u32,
    /// Whether the last call was refused because the key is not known there (yet).
    pub refused: bool,
    /// When it was tried last.
    pub last: Option<Timestamp>,
}

pub(super) type PointProbes = BTreeMap<ServicePoint, PointProbe>;

impl PointProbe {
    pub(super) fn after(self, outcome: &Outcome, at: Timestamp) -> Self {
        let refused = matches!(outcome, Outcome::Failed { kind: FailureKind::Credentials, .. });
        Self {
            known: self.known || *outcome == Outcome::Done,
            silences: if refused { 0 } else { self.silences + u32::from(*outcome != Outcome::Done) },
            refused,
            last: Some(at),
        }
    }

    pub(super) fn is_over(self) -> bool {
        self.known || self.silences >= SILENCES
    }
}

/// Where the old key was used, the latest first, as far as it can be tried there.
pub(super) fn points(plan: &Plan, usage: &KnownUsage) -> Vec<ServicePoint> {
    let consumers = usage.old.iter().flat_map(|old| &old.consumers).map(|used| &used.consumer);
    let mut named: Vec<(&str, &str)> =
        consumers.map(|consumer| (consumer.service.as_str(), consumer.region.as_str())).collect();
    if let LastUsed::At { service: Some(service), region, .. } = &plan.old_key_last_used {
        named.push((service, region.as_deref().unwrap_or("us-east-1")));
    }
    let mut points: Vec<ServicePoint> = Vec::new();
    for (service, region) in named {
        // IAM calls it `ses`, CloudTrail by the name of its endpoint.
        let service = if service == "ses" { "email" } else { service };
        let point = ServicePoint { service: service.to_owned(), region: region.to_owned() };
        if PROBED_SERVICES.contains(&service) && !region.is_empty() && !points.contains(&point) {
            points.push(point);
        }
    }
    points.truncate(MOST_POINTS);
    points
}
