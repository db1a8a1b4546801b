//! SARIF 2.1.0, for code scanning.
//!
//! Other scanners put the secret into it, as the snippet or in a command to validate it. Here the snippet is redacted, and results
//! are recognised by what they are and not by where: lines that move are no new alerts.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::About;
use super::words::{date, file, sentence, title};
use crate::allow::Allowed;
use crate::baseline::Label;
use crate::coverage::Unread;
use crate::detect::rule;
use crate::finding::Finding;
use crate::kind::{Kind, Severity};
use crate::scan::Report;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const HOME: &str = "https://github.com/rotakey/rotakey";

/// Writes one run, result by result.
pub(super) fn write(report: &Report, about: &About, out: &mut dyn Write) -> io::Result<()> {
    let rules = Rules::of(report);
    let driver = json!({
        "name": "rotakey",
        "fullName": "rotakey scan",
        "informationUri": HOME,
        "semanticVersion": about.version,
        "rules": rules.descriptors,
    });
    write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":")?;
    serde_json::to_writer(&mut *out, &driver)?;
    write!(out, "}},\"columnKind\":\"unicodeCodePoints\",\"invocations\":[")?;
    serde_json::to_writer(&mut *out, &invocation(report, about))?;
    write!(out, "],")?;
    let repositories: Vec<Value> = about.repositories.iter().map(provenance).collect();
    if !repositories.is_empty() {
        write!(out, "\"versionControlProvenance\":{},", Value::Array(repositories))?;
    }
    let coverage = &report.coverage;
    let properties = json!({ "contents": coverage.contents, "bytes": coverage.bytes });
    write!(out, "\"properties\":{properties},\"results\":[")?;
    let mut occurrences = HashMap::new();
    for (number, finding) in report.findings.iter().enumerate() {
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        // The same value may be in a file more than once.
        let occurrence =
            occurrences.entry((&finding.repository, &finding.path, finding.digests)).or_insert(0);
        *occurrence += 1;
        serde_json::to_writer(&mut *out, &result(finding, about, &rules, *occurrence))?;
    }
    out.write_all(b"\n]}]}\n")
}

/// A rule for each severity that its findings have: code scanning knows only the severity of rules.
struct Rules {
    numbers: BTreeMap<(&'static str, Severity), usize>,
    descriptors: Vec<Value>,
}

impl Rules {
    fn of(report: &Report) -> Self {
        let mut found: BTreeMap<(&'static str, Severity), Kind> = BTreeMap::new();
        for finding in &report.findings {
            found.entry((finding.rule, finding.severity)).or_insert(finding.kind);
        }
        let descriptors = found.iter().map(|(&(rule, severity), &kind)| descriptor(rule, severity, kind));
        Self {
            descriptors: descriptors.collect(),
            numbers: found.keys().enumerate().map(|(number, &key)| (key, number)).collect(),
        }
    }
}

fn rule_id(rule: &str, severity: Severity) -> String {
    format!("{rule}/{severity}")
}

fn descriptor(name: &str, severity: Severity, kind: Kind) -> Value {
    // A finding from a cache may be of a rule that is no more.
    let rule = rule::rules().iter().find(|rule| rule.name == name);
    let title = rule.map_or(title(kind, severity), |rule| rule.title);
    let description = rule.map_or(title, |rule| rule.description);
    let help = rule.map_or(HELP, |rule| rule.help);
    // The scale of CVSS, which code scanning sorts by.
    let security_severity = match severity {
        Severity::High => "9.5",
        Severity::Medium => "6.5",
        Severity::Low => "3.0",
    };
    let help = format!("{description} {help}");
    json!({
        "id": rule_id(name, severity),
        "name": kind.name(),
        "shortDescription": { "text": title },
        "fullDescription": { "text": description },
        "help": { "text": help, "markdown": help },
        "helpUri": HOME,
        "defaultConfiguration": { "level": level(severity) },
        "properties": {
            "tags": ["security", "secret", "external/cwe/cwe-798"],
            "precision": "very-high",
            "problem.severity": level(severity).replace("note", "recommendation"),
            "security-severity": security_severity,
        },
    })
}

const HELP: &str =
    "Rotate the key. Taking it out of the file does not take it out of copies and of the history.";

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn invocation(report: &Report, about: &About) -> Value {
    let unread = &report.coverage.unread;
    let notifications: Vec<Value> = unread.iter().map(notification).collect();
    let mut invocation = json!({
        "executionSuccessful": unread.is_empty(),
        "toolExecutionNotifications": notifications,
    });
    if let (Some((start, end)), Some(members)) = (about.times, invocation.as_object_mut()) {
        members.insert("startTimeUtc".to_owned(), start.to_string().into());
        members.insert("endTimeUtc".to_owned(), end.to_string().into());
    }
    invocation
}

fn notification(unread: &Unread) -> Value {
    json!({
        "level": "error",
        "message": { "text": unread.to_string() },
        "descriptor": { "id": format!("unread/{}", serde_json::to_value(unread.reason).ok().as_ref().and_then(Value::as_str).unwrap_or("unknown")) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&unread.place) } } }],
    })
}

fn provenance(repository: &super::Repository) -> Value {
    let mut members = Map::new();
    members.insert("repositoryUri".to_owned(), repository.uri.clone().into());
    members.extend(repository.revision.clone().map(|revision| ("revisionId".to_owned(), revision.into())));
    members.extend(repository.branch.clone().map(|branch| ("branch".to_owned(), branch.into())));
    Value::Object(members)
}

fn result(finding: &Finding, about: &About, rules: &Rules, occurrence: u32) -> Value {
    let position = &finding.position;
    let mut location = json!({
        "artifactLocation": { "uri": artifact(finding) },
        "region": {
            "startLine": position.line,
            "startColumn": position.column,
            "endLine": position.end_line,
            "endColumn": position.end_column,
            "snippet": { "text": finding.redacted },
        },
    });
    if !finding.excerpt.is_empty() {
        location["contextRegion"] = json!({
            "startLine": position.line,
            "endLine": position.end_line,
            "snippet": { "text": finding.excerpt },
        });
    }
    let mut result = json!({
        "ruleId": rule_id(finding.rule, finding.severity),
        "ruleIndex": rules.numbers[&(finding.rule, finding.severity)],
        "level": level(finding.severity),
        "message": { "text": format!("{}.", sentence(finding)) },
        "locations": [{ "physicalLocation": location }],
        "partialFingerprints": {
            // What code scanning matches alerts by; it would be made of the line and those around it.
            "primaryLocationLineHash": format!("{}:{occurrence}", &fingerprint(finding)[..16]),
            "valueDigest/v1": finding.digests.sha256_hex(),
        },
        "properties": properties(finding),
    });
    if about.baseline {
        let state = if finding.known.is_some() { "unchanged" } else { "new" };
        result["baselineState"] = state.into();
    }
    let suppressions = suppressions(finding);
    if !suppressions.is_empty() {
        result["suppressions"] = Value::Array(suppressions);
    }
    result
}

/// What it is and in which file, whatever the line.
fn fingerprint(finding: &Finding) -> String {
    let mut digest = Sha256::new();
    for part in [finding.kind.name(), finding.repository.as_deref().unwrap_or_default(), &finding.path] {
        digest.update(part);
        digest.update([0]);
    }
    digest.update(finding.digests.sha256);
    data_encoding::HEXLOWER.encode(&digest.finalize())
}

fn properties(finding: &Finding) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("kind", Some(finding.kind.name().into()));
    put("repository", finding.repository.clone().map(Value::from));
    put("accessKeyId", finding.access_key_id.as_ref().map(|id| id.to_string().into()));
    put("accountId", finding.account_id.as_ref().map(|id| id.to_string().into()));
    put("canary", finding.canary.then(|| true.into()));
    put("pair", finding.pair.map(|pair| pair.sha256_hex().into()));
    if let Some(holder) = &finding.holder {
        put("live", Some(holder.life.is_live().into()));
        put("status", Some(holder.life.name().into()));
        put("userName", holder.user_name.clone().map(Value::from));
        put("owner", holder.owner.clone().map(Value::from));
    }
    put("encodings", (!finding.encodings.is_empty()).then(|| finding.encodings.clone().into()));
    put("blob", finding.blob.map(|blob| blob.to_string().into()));
    if let Some(introduced) = &finding.introduced {
        put("commit", Some(introduced.commit.to_string().into()));
        put("author", Some(introduced.author.clone().into()));
        put("email", Some(introduced.email.clone().into()));
        put("date", date(introduced.seconds).map(Value::from));
        put("inHead", Some(introduced.in_head.into()));
    }
    Value::Object(members)
}

/// Known findings that a person called real are not suppressed: they are still to be done away with.
fn suppressions(finding: &Finding) -> Vec<Value> {
    let allowed = finding.allowed.map(|allowed| {
        let kind = match allowed {
            Allowed::Mark(_) => "inSource",
            Allowed::GitleaksIgnore => "external",
        };
        json!({ "kind": kind, "status": "accepted", "justification": allowed.text() })
    });
    let known = finding.known.and_then(|label| match label {
        Label::Harmless => Some(("accepted", "labelled as no secret in the baseline")),
        Label::Unlabelled => Some(("underReview", "known by the baseline")),
        Label::Real => None,
    });
    let known =
        known.map(|(status, why)| json!({ "kind": "external", "status": status, "justification": why }));
    allowed.into_iter().chain(known).collect()
}

/// The file. A blob without a path is told by where git keeps it loose: code scanning refuses results without a file.
fn artifact(finding: &Finding) -> String {
    match (&finding.blob, file(finding)) {
        (Some(blob), None) => {
            let blob = blob.to_string();
            format!(".git/objects/{}/{}", &blob[..2], &blob[2..])
        }
        (_, path) => uri(path.unwrap_or(&finding.path)),
    }
}

/// A path as a reference: relative, or `file:` for an absolute one.
fn uri(path: &str) -> String {
    let path = crate::baseline::path::normal(path, None);
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'!' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
