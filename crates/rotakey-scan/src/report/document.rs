//! Findings as JSON.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{About, words};
use crate::baseline::Label;
use crate::finding::Finding;
use crate::scan::Report;

/// A finding as one line of JSON. Members are added to this form, but none is taken away or changes its meaning. The secret is
/// not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingDocument {
    /// What was found.
    pub kind: KindName,
    /// How bad it is.
    pub severity: SeverityName,
    /// The rule that found it.
    pub rule: String,
    /// The repository, where several were scanned.
    pub repository: Option<String>,
    /// The file, with the members of containers behind `!`. Empty for a blob whose path is not known.
    pub path: String,
    /// The line on which it begins, from 1.
    pub line: u32,
    /// The column in which it begins, from 1, in characters.
    pub column: u32,
    /// The line on which it ends.
    pub end_line: u32,
    /// The column behind its end.
    pub end_column: u32,
    /// The id of the key: what was found, or what was found beside it.
    pub access_key_id: Option<String>,
    /// The account that is encoded in the id.
    pub account_id: Option<String>,
    /// Whether the account is known to lay out keys as a trap.
    pub canary: bool,
    /// The SHA-256 of the other half.
    pub pair: Option<String>,
    /// The SHA-1 of the value, as baselines of detect-secrets have it.
    pub sha1: String,
    /// The SHA-256 of the value.
    pub sha256: String,
    /// The value as it may be shown.
    pub redacted: String,
    /// The line that it is on, with all values redacted, cut where it is long.
    pub excerpt: String,
    /// The encodings that were taken off, outermost first.
    pub encodings: Vec<String>,
    /// The blob, in a git repository.
    pub blob: Option<String>,
    /// The commit that brought it in, where history was read.
    pub commit: Option<String>,
    /// The name of the commit's author.
    pub author: Option<String>,
    /// The address of the commit's author.
    pub email: Option<String>,
    /// When the commit was authored, in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub date: Option<String>,
    /// Whether it is still there in HEAD, where history was read.
    pub in_head: Option<bool>,
    /// What the commit is reachable from: a `reference`, the `stash`, the `log` of a reference only, or `nothing`.
    pub reachable_from: Option<String>,
    /// Whether the baseline knows it; null if there is no baseline.
    pub baseline: Option<BaselineState>,
    /// Whether a person labelled it as a secret in the baseline; null if nobody did.
    pub is_secret: Option<bool>,
    /// What allows it, such as `pragma: allowlist secret`; null if nothing does.
    pub allowed: Option<String>,
    /// Whether the key can be used; null if nobody was asked, or there was no answer.
    pub live: Option<bool>,
    /// What that is known by: `active`, `inactive` or `deleted` by an inventory; `works` or `refused` by AWS itself.
    pub status: Option<String>,
    /// The IAM user that the key is of.
    pub user_name: Option<String>,
    /// The ARN of the user, or of whoever AWS says that the key is of.
    pub user_arn: Option<String>,
    /// Who owns the user, as its tags say.
    pub owner: Option<String>,
    /// How old the key was when the inventory was made.
    pub age_seconds: Option<i64>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum KindName {
    /// The public half of a key.
    AccessKeyId,
    /// The secret half.
    SecretAccessKey,
    /// What temporary keys have beside the two.
    SessionToken,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SeverityName {
    /// An id alone.
    Low,
    /// A secret without its id.
    Medium,
    /// All that is needed to use the key.
    High,
}

/// What a baseline says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum BaselineState {
    /// It is not in the baseline.
    New,
    /// It is.
    Known,
}

/// The JSON Schema (draft 2020-12) of a line.
pub fn line_schema() -> Schema {
    schema_for!(FindingDocument)
}

impl FindingDocument {
    /// Of a finding.
    pub fn of(finding: &Finding, about: &About) -> Self {
        let introduced = finding.introduced.as_ref();
        let known = finding.known;
        let holder = finding.holder.as_ref();
        Self {
            kind: match finding.kind {
                crate::kind::Kind::AccessKeyId => KindName::AccessKeyId,
                crate::kind::Kind::SecretAccessKey => KindName::SecretAccessKey,
                crate::kind::Kind::SessionToken => KindName::SessionToken,
            },
            severity: match finding.severity {
                crate::kind::Severity::Low => SeverityName::Low,
                crate::kind::Severity::Medium => SeverityName::Medium,
                crate::kind::Severity::High => SeverityName::High,
            },
            rule: finding.rule.to_owned(),
            repository: finding.repository.clone(),
            path: finding.path.clone(),
            line: finding.position.line,
            column: finding.position.column,
            end_line: finding.position.end_line,
            end_column: finding.position.end_column,
            access_key_id: finding.access_key_id.as_ref().map(ToString::to_string),
            account_id: finding.account_id.as_ref().map(ToString::to_string),
            canary: finding.canary,
            pair: finding.pair.map(|pair| pair.sha256_hex()),
            sha1: finding.digests.sha1_hex(),
            sha256: finding.digests.sha256_hex(),
            redacted: finding.redacted.clone(),
            excerpt: finding.excerpt.clone(),
            encodings: finding.encodings.iter().map(|&encoding| encoding.to_owned()).collect(),
            blob: finding.blob.map(|blob| blob.to_string()),
            commit: introduced.map(|introduced| introduced.commit.to_string()),
            author: introduced.map(|introduced| introduced.author.clone()),
            email: introduced.map(|introduced| introduced.email.clone()),
            date: introduced.and_then(|introduced| words::date(introduced.seconds)),
            in_head: introduced.map(|introduced| introduced.in_head),
            reachable_from: introduced.map(|introduced| introduced.reach.name().to_owned()),
            baseline: match known {
                Some(_) => Some(BaselineState::Known),
                None if about.baseline => Some(BaselineState::New),
                None => None,
            },
            is_secret: known.filter(|label| *label != Label::Unlabelled).map(|label| label == Label::Real),
            allowed: finding.allowed.map(|allowed| allowed.text().to_owned()),
            live: holder.map(|holder| holder.life.is_live()),
            status: holder.map(|holder| holder.life.name().to_owned()),
            user_name: holder.and_then(|holder| holder.user_name.clone()),
            user_arn: holder.and_then(|holder| holder.arn.as_deref().map(str::to_owned)),
            owner: holder.and_then(|holder| holder.owner.clone()),
            age_seconds: holder.and_then(|holder| holder.age_seconds),
        }
    }
}

/// A line for each finding.
pub(super) fn write_lines(report: &Report, about: &About, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        serde_json::to_writer(&mut *out, &FindingDocument::of(finding, about))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
