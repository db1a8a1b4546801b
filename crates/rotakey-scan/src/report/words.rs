//! Findings in words.

use jiff::Timestamp;

use crate::finding::Finding;
use crate::kind::{Kind, Severity};

/// What was found, in a few words.
pub fn title(kind: Kind, severity: Severity) -> &'static str {
    match (kind, severity) {
        (Kind::AccessKeyId, Severity::High) => "AWS access key id beside its secret",
        (Kind::AccessKeyId, _) => "AWS access key id",
        (Kind::SecretAccessKey, Severity::High) => "AWS secret access key beside its id",
        (Kind::SecretAccessKey, _) => "AWS secret access key",
        (Kind::SessionToken, Severity::High) => "AWS session token beside its key",
        (Kind::SessionToken, _) => "AWS session token",
    }
}

/// What was found and whose it is, in one sentence without its full stop. Names in it are others' and not escaped.
pub fn sentence(finding: &Finding) -> String {
    let mut text = format!("{} {}", title(finding.kind, finding.severity), finding.redacted);
    if let (Some(id), true) = (&finding.access_key_id, finding.kind != Kind::AccessKeyId) {
        text.push_str(&format!(" of {id}"));
    }
    text.push_str(&circumstances(finding));
    if let Some(introduced) = &finding.introduced {
        text.push_str(&format!(", since commit {:.12}", introduced.commit));
        if !introduced.in_head {
            text.push_str(" and no longer in HEAD");
        }
    }
    text
}

/// Whose it is and how it stands there, to be put behind what was found. Names in it are others' and not escaped.
pub fn circumstances(finding: &Finding) -> String {
    let mut text = String::new();
    if let Some(account) = &finding.account_id {
        text.push_str(&format!(", account {account}"));
    }
    if let Some(holder) = &finding.holder {
        text.push_str(&format!(", {holder}"));
    }
    if finding.canary {
        text.push_str(", a canary: whoever uses it is noticed");
    }
    if !finding.encodings.is_empty() {
        text.push_str(&format!(", in {}", finding.encodings.join(" in ")));
    }
    text
}

/// An instant as RFC 3339 has it, in UTC; `None` for what no calendar has.
pub fn date(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|at| at.to_string())
}

/// `1 key`, `2 keys`.
pub(super) fn counted(number: usize, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {singular}{plural}")
}

/// The path of the file that a finding is in; `None` for a blob of which none is known.
pub fn file(finding: &Finding) -> Option<&str> {
    let is_of_blob = |rest: &str| rest.is_empty() || rest.starts_with('!');
    let nameless = finding.blob.is_some_and(|blob| {
        let path = &finding.path;
        path.is_empty() || path.strip_prefix(&format!("blob {blob}")).is_some_and(is_of_blob)
    });
    if nameless { None } else { Some(&finding.path) }
}

/// Where a finding is, for a reader: its path, or its blob if that has none.
pub fn place(finding: &Finding) -> String {
    match finding.blob {
        Some(blob) if finding.path.is_empty() => format!("blob {blob}"),
        _ => finding.path.clone(),
    }
}
